"""Ask back where a question is too broad, and offer ways to ask again where it is refused: phrases of the papers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from babel.lists import format_list

from bot.answering.common import common_terms
from bot.answering.question import Kind, Want, content_terms, gist, read_question
from bot.answering.sufficiency import missing_words
from bot.language import say, spoken
from retrieval.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from retrieval.embedding import Embedder
    from retrieval.papers import Hit, Paper

MOST_CHOICES: Final = 4
# A question of so few telling words is broad if the titles or abstracts of so many of its hits hold them all.
BROAD_WORDS: Final = 2
BROAD_PAPERS: Final = 4
# Groups nearer to each other than this (cosine of their titles) are one.
DISTINCT: Final = 0.6
PHRASE_WORDS: Final = 5
LONGEST_PHRASE: Final = 70  # characters; a button takes 80
LONGEST_WORD: Final = 40
MOST_MISSING: Final = 3
NEAREST: Final = 3  # papers that are said not to mention something

# In English whatever language is spoken: it is asked of the papers again.
ASK_AGAIN: Final = "What is said about {phrase}?"

BROAD_WANTS: Final = frozenset({Want.OVERVIEW, Want.NAME})
# Words around a subject that are none.
ASIDES: Final = "tell talk explain overview summary info information topic stuff thing research"
# "What is X" can be answered, however many papers speak of X.
DEFINITION: Final = re.compile(r"^\W*what(?:'?s| is| are)\b|\bstands? for\b", re.IGNORECASE)
# Where one phrase of a title ends and the next begins.
SEGMENTS: Final = re.compile(
    r"[:?!;,.()\[\]“”\"]\s*|\s[-–—]+\s"
    r"|\s*\b(?<!-)(?:a|an|the|on|in|for|to|with|by|from|and|or|at|via|using|through|under|over|is|are|as|its|their|what"
    r"|why|how|we|has|have|towards?|into|between|about|during|beyond|can|do|does|not|it)\b(?!-)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clarification:
    """Hold a question back to whoever asked, and 2 to 4 answers to it, each a phrase of a paper."""

    question: str
    choices: tuple[str, ...]


async def clarification(question: str, hits: Sequence[Hit], embedder: Embedder) -> Clarification | None:
    """Return a question back where the question is too broad for one answer, else None.

    It is broad if it says only one or two telling words and names no paper by them, while several of its hits hold
    them all and are about different things. Raises EmbeddingError where a remote model cannot be asked.
    """
    papers = broad_papers(question, [hit.paper for hit in hits])
    if not papers:
        return None
    vectors = await embedder.embed([clean(paper.title) for paper in papers])
    groups = spread(vectors)
    asked = frozenset(content_terms(question))
    phrases = [phrase for at in groups if (phrase := name(papers[at], papers, asked))]
    choices = tuple(dict.fromkeys(phrases))
    if len(choices) < 2:  # noqa: PLR2004 - one choice is none
        return None
    subject = " ".join(_words(question, asked - frozenset(content_terms(ASIDES))))
    back = say("That is a broad one here. What about {subject} do you mean?", subject=f"“{subject}”")
    return Clarification(back, choices)


def broad_papers(question: str, papers: Sequence[Paper]) -> list[Paper]:
    """Return the papers among which a broad question does not choose; none where it is no broad one."""
    read = read_question(question)
    telling = _telling(question)
    if (
        DEFINITION.search(question)
        or read.kind is not Kind.SINGLE
        or not read.wants <= BROAD_WANTS
        or not 0 < len(telling) <= BROAD_WORDS
    ):
        return []
    titles = [frozenset(content_terms(paper.title)) for paper in papers]
    if any(telling & frozenset(content_terms(_own_name(paper.title))) for paper in papers):
        return []
    if len(telling) > 1 and sum(telling <= title for title in titles) == 1:
        return []
    holding = [
        paper
        for paper, title in zip(papers, titles, strict=True)
        if telling <= title | frozenset(content_terms(paper.abstract))
    ]
    return holding if len(holding) >= BROAD_PAPERS else []


def spread(vectors: NDArray[np.float32]) -> tuple[int, ...]:
    """Return up to four rows, the first one first, each as far as can be from those before (unit vectors)."""
    chosen = [0]
    while len(chosen) < MOST_CHOICES:
        nearness = (vectors @ vectors[chosen].T).max(axis=1)
        farthest = int(np.argmin(nearness))
        if nearness[farthest] >= DISTINCT:
            break
        chosen.append(farthest)
    return tuple(sorted(chosen))


def name(paper: Paper, among: Sequence[Paper], asked: frozenset[str]) -> str:
    """Return a phrase of the paper's title that says what sets it apart from the others, empty where there is none.

    A phrase adds something to the words asked; its words should be rare among the others.
    """
    others = [frozenset(content_terms(f"{each.title} {each.abstract}")) for each in among if each is not paper]
    best, best_worth = "", 0.0
    for phrase in phrases_of(paper.title):
        terms = frozenset(content_terms(phrase))
        new = terms - asked
        worth = sum(1 - sum(term in held for held in others) / max(1, len(others)) for term in new)
        # Words asked for make a phrase read as an answer, and of equals the first is best.
        worth += 0.3 * len(terms & asked)
        if new and worth > best_worth:
            best, best_worth = phrase, worth
    return best


def phrases_of(title: str) -> Iterator[str]:
    """Yield the phrases of a title: what stands between its marks and small words; long ones lose their head."""
    for segment in SEGMENTS.split(clean(title)):
        phrase = " ".join(segment.split()[-PHRASE_WORDS:])
        if 0 < len(phrase) <= LONGEST_PHRASE:
            yield phrase


def ways_to_ask(question: str, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return up to four questions that the nearest papers do answer, each about a phrase of a title."""
    papers = [hit.paper for hit in hits]
    asked = frozenset(content_terms(question))
    phrases = [name(paper, papers, asked) for paper in papers[:MOST_CHOICES]]
    return tuple(dict.fromkeys(ASK_AGAIN.format(phrase=phrase) for phrase in phrases if phrase))


def missing(question: str, hits: Sequence[Hit]) -> str:
    """Return why a question is refused: the words that no near paper has in any form, else the kind of thing.

    Of foreign text it holds only letters and digits of the question's own words.
    """
    near = [f"{hit.paper.title} {hit.paper.abstract}" for hit in hits[:NEAREST]]
    lacked = frozenset(missing_words(read_question(gist(question)), near))
    lacking = [f"“{word}”" for word in _words(question, _telling(question)) if word in lacked]
    not_held = say("The papers here do not answer that.")
    if hits and lacking:
        listed = format_list(lacking[:MOST_MISSING], style="or", locale=spoken())
        return f"{not_held} " + say("The nearest ones do not mention {words}.", words=listed)
    kind = _not_given(read_question(question).wants) if hits else None
    return f"{not_held} {kind}" if kind else not_held


def _not_given(wants: Collection[Want]) -> str | None:
    """Return the sentence about the kind of thing that is wanted and not given; None where it is no such kind."""
    if Want.LINK in wants:
        return say("The nearest ones are on the subject, but do not give a link for it.")
    if Want.NUMBER in wants:
        return say("The nearest ones are on the subject, but do not give a number for it.")
    if Want.DATASET in wants:
        return say("The nearest ones are on the subject, but do not give a dataset for it.")
    if Want.REASON in wants:
        return say("The nearest ones are on the subject, but do not give a reason for it.")
    return None


def _telling(question: str) -> frozenset[str]:
    return frozenset(content_terms(question)) - common_terms() - frozenset(content_terms(ASIDES))


def _words(question: str, terms: frozenset[str]) -> tuple[str, ...]:
    """Return the question's own words for these terms, each once: letters and digits only."""
    words = (word for word in re.findall(r"[^\W_]+", question) if len(word) <= LONGEST_WORD)
    return tuple(dict.fromkeys(word for word in words if not terms.isdisjoint(content_terms(word))))


def _own_name(title: str) -> str:
    """Return what a title calls its work, as in "SERL: A Software Suite"; empty where it gives no short name."""
    before, colon, _ = clean(title).partition(":")
    return before if colon and len(before.split()) <= 2 else ""  # noqa: PLR2004 - "GUIDE", "Talking Models"
