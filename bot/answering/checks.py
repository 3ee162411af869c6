"""Check drafts against their papers: only statements that their quotes and numbers support get through."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from bot.answering.answer import Support
from bot.answering.entailment.invented_names import unheld_names
from bot.answering.entailment.score import bears_out, negates
from bot.answering.entailment.statement_features import numbers_moved
from bot.answering.prompt import RULES
from bot.answering.reading.language_detection import ENGLISH
from retrieval.text.number_check import count_given, unsupported
from retrieval.text.number_parser import numerals
from retrieval.text.quotes import content_words, count_words, locate, surroundings
from retrieval.text.text import bare_words, clean, fold, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.answer import Draft
    from retrieval import Hit

Reason: TypeAlias = Literal[
    "not a sentence",
    "link or mention",
    "no such paper",
    "no such quote",
    "unrelated quote",
    "number",
    "name",
    "rules",
    "one-sided",
]

_MAX_STATEMENT_CHARACTERS: Final = 600
_MAX_SENTENCES: Final = 2
_MIN_WORDS: Final = 3  # a shorter statement has to stand in the quote word for word
_MAX_SUPPORTS: Final = 8
_RULE_WORDS: Final = 6  # a run of this many words from the prompt is no accident
# Least share of a statement's content words that must stand in the sentences around its quotes. On abstracts about
# neighbouring subjects, paraphrases have 0.35 or more; 2 % of randomly picked sentences reach this value.
_MIN_RELATION: Final = 0.25
_MIN_SHARED_WORDS: Final = 2
_CLEAR_RELATION: Final = 0.5  # share of all its content words that leaves no doubt, even if the title has most of them
# Least probability that the quoted sentences support a statement; docs/quality.md shows the curve.
_MIN_ENTAILMENT: Final = 0.3
# How much better a statement's numbers may fit its quotes in another order, where little else can be compared.
_MAX_NUMBERS_MOVED: Final = 0.3
# Unicode categories: control, format (zero-width and direction marks), lone surrogates, private use.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
# A list marker at the start: statements are shown as a list anyway.
_LIST_MARK: Final = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")
# Citation marks that models add on their own; the renderer adds ours. [0, 1] is an interval.
_CITATION_MARKS: Final = re.compile(r"\s*(?:\[(?:paper\s*)?\d{1,2}\]|【[^【】]*】)", re.IGNORECASE)
# Anything that could lead a reader away or ping somebody on Discord; only addresses that a paper contains may stay.
_LINKS: Final = re.compile(
    r"@(?:everyone|here)\b"
    r"|<(?:@[!&]?|\#|a?:\w+:|t:|id:|/[^<>]*:)[^<>\s]*>"
    r"|\[[^\]]*\]\s*\([^)]*\)"
    r"|[a-z][a-z0-9+.-]*://\S+|\bmailto:\S+|\bwww\.\S+|\bdiscord(?:app)?\.(?:gg|com)\b\S*",
    re.IGNORECASE,
)
# Claims that papers contradict each other, which one paper alone cannot support.
_DISAGREEMENT: Final = re.compile(
    r"\b(?:papers?|stud(?:y|ies)|works?|authors|sources)\b[^.]*\b(?:disagree|contradict|conflict with|at odds)",
    re.IGNORECASE,
)
_PUNCTUATION_AFTER_LINKS: Final = ".,;:)}\"'"


@dataclass(frozen=True, slots=True)
class Checked:
    """A cleaned statement that passed, and its valid supports; quotes are the papers' own characters.

    `doubtful` means that the quotes may not support the statement: a judge decides, or `as_quotes` is shown instead.
    """

    text: str
    supports: tuple[Support, ...]
    doubtful: bool = False
    sentences: tuple[str, ...] = ()

    def as_quotes(self) -> tuple[Checked, ...]:
        """Turn the sentences that the statement rests on into statements of their own."""
        return tuple(
            Checked(clean(sentence), (support,))
            for sentence, support in zip(self.sentences, self.supports, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a draft may not be shown; falsy, so that `if checked := check(...)` works."""

    reason: Reason

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True, slots=True)
class _Ground:
    """What one support rests on: a verbatim quote, and the text around it that may support the statement.

    Attributes:
        support: the number of the paper, and the quote in the paper's own characters.
        title: the paper's title; empty if the quote is from the title itself.
        near: the sentences that the quote is from.
        whole: title and abstract.
    """

    support: Support
    title: str
    near: str
    whole: str


def check(draft: Draft, hits: Sequence[Hit], *, language: str = ENGLISH) -> Checked | Rejection:
    """Check a draft: return it with the papers' own characters as quotes, or the reason to reject it.

    Supports that fail are dropped; the statement must hold on the rest, at least one. Paper numbers count `hits` from
    1. A statement that is not in English need not share words with its quotes, but quotes, numbers, names, negations
    and links are checked all the same.
    """
    text = tidy(draft.text)
    if not is_sentence(text):
        return Rejection("not a sentence")
    grounds, reasons = _grounds(text, draft, hits, language)
    if not grounds:
        return Rejection(reasons[0] if reasons else "no such quote")
    if fault := _fault(text, grounds, language):
        return Rejection(fault)
    supports = tuple(ground.support for ground in grounds)
    return Checked(text, supports, _doubtful(text, grounds, language), tuple(ground.near for ground in grounds))


def _grounds(text: str, draft: Draft, hits: Sequence[Hit], language: str) -> tuple[list[_Ground], list[Reason]]:
    """Find the text that each support rests on, and the reasons why others fail."""
    grounds: dict[Support, _Ground] = {}
    reasons: list[Reason] = []
    for support in dict.fromkeys(draft.supports[:_MAX_SUPPORTS]):
        # A statement on several papers shares its words among them.
        least = _MIN_RELATION / len(draft.supports) if language == ENGLISH else 0.0
        ground = _ground(text, support, hits, min_relation=least, is_only_one=len(draft.supports) == 1)
        if isinstance(ground, _Ground):
            grounds.setdefault(ground.support, ground)
        else:
            reasons.append(ground)
    return list(grounds.values()), reasons


def _fault(text: str, grounds: Sequence[_Ground], language: str) -> Reason | None:
    """Find what is wrong with a statement given everything that it rests on, or None."""
    titles = "\n".join(ground.title for ground in grounds)
    near = "\n".join(ground.near for ground in grounds)
    whole = "\n".join(ground.whole for ground in grounds)
    if language == ENGLISH and not _is_related(text, titles, near):
        return "unrelated quote"
    if fault := _invented(text, f"{titles}\n{near}", whole, language):
        return fault
    return "one-sided" if _one_sided(text, whole, grounds) else None


def _doubtful(text: str, grounds: Sequence[_Ground], language: str) -> bool:
    """Check whether a statement may differ from its quotes in meaning, or names something that its papers do not."""
    near = "\n".join(f"{ground.title}\n{ground.near}" for ground in grounds)
    if fold(text).strip(" .") in fold(near):
        return False
    if language != ENGLISH:
        quotes = "\n".join(ground.support.quote for ground in grounds)
        moved = numbers_moved(numerals(text, language), numerals(near))
        return negates(text) != negates(quotes) or moved > _MAX_NUMBERS_MOVED
    whole = "\n".join(ground.whole for ground in grounds)
    return bool(unheld_names(text, whole).likely) or bears_out(text, near) < _MIN_ENTAILMENT


def tidy(text: str) -> str:
    """Put a statement on one line, without invisible characters, list markers and the model's own citation marks."""
    # Whitespace first: a line break is a control character too.
    one_line = " ".join(unicodedata.normalize("NFC", text).split())
    visible = "".join(character for character in one_line if unicodedata.category(character) not in _INVISIBLE)
    return _LIST_MARK.sub("", _CITATION_MARKS.sub("", visible)).strip()


def is_sentence(text: str) -> bool:
    """Check whether a text is a statement in prose or a name given as an answer: not empty, and not a page."""
    return (
        len(text) <= _MAX_STATEMENT_CHARACTERS and bool(content_words(text)) and len(sentences(text)) <= _MAX_SENTENCES
    )


def invented_links(text: str, source: str) -> list[str]:
    """List the links and mentions in a statement that its papers do not contain."""
    links = _links(text)
    return sorted(links - _links(source)) if links else []


def _links(text: str) -> set[str]:
    return {match[0].rstrip(_PUNCTUATION_AFTER_LINKS) for match in _LINKS.finditer(text)}


def relation(text: str, title: str, near: str) -> float:
    """Compute the share (0..1) of a statement's content words found in the sentences it rests on.

    Words of the title do not count: every sentence of a paper is related to them.
    """
    words = content_words(text) - content_words(title)
    return len(words & content_words(near)) / len(words) if words else 1.0


def _invented(text: str, near: str, whole: str, language: str) -> Reason | None:
    """Name the kind of thing that a statement makes up, or None."""
    if invented_links(text, whole):
        return "link or mention"
    if unsupported(text, near, whole, language):
        return "number"
    if unheld_names(text, whole, capitals=language == ENGLISH).sure:
        return "name"
    from_rules = _word_runs(text) & _word_runs_of_rules()
    return "rules" if from_rules and from_rules - _word_runs(whole) else None


def _one_sided(text: str, whole: str, grounds: Sequence[_Ground]) -> bool:
    """Check whether a statement claims that papers disagree but cites only one, which does not say so itself."""
    papers = {ground.support.paper_number for ground in grounds}
    return len(papers) == 1 and bool(_DISAGREEMENT.search(text)) and not _DISAGREEMENT.search(whole)


def _is_related(text: str, title: str, near: str) -> bool:
    """Check whether a statement is about its quote; one shared word is too little, as a long quote soon has it.

    Numbers that the quote gives, in whatever notation, count as shared words.
    """
    if count_words(text) < _MIN_WORDS:
        return content_words(text) <= content_words(f"{title}\n{near}")
    stated, quoted = content_words(text), content_words(near)
    words = stated - content_words(title)
    shared = len(words & quoted) + count_given(text, near)
    if len(stated & quoted) > _MIN_SHARED_WORDS and len(stated & quoted) >= _CLEAR_RELATION * len(stated):
        return True  # even if most of these words are in its title
    return shared >= min(_MIN_SHARED_WORDS, len(words)) and shared >= _MIN_RELATION * len(words)


@cache
def _word_runs_of_rules() -> frozenset[tuple[str, ...]]:
    return frozenset(_word_runs(RULES))


def _word_runs(text: str) -> set[tuple[str, ...]]:
    words = bare_words(text.casefold())
    return {tuple(words[start : start + _RULE_WORDS]) for start in range(len(words) - _RULE_WORDS + 1)}


def _ground(
    text: str, support: Support, hits: Sequence[Hit], *, min_relation: float, is_only_one: bool
) -> _Ground | Reason:
    """Find the text that a support rests on, or the reason why it fails.

    At least `min_relation` (0..1) of the statement's content words must stand near the quote; `is_only_one` says that
    the statement has no other support.
    """
    if not 1 <= support.paper_number <= len(hits):
        return "no such paper"
    paper = hits[support.paper_number - 1].paper
    for source in (paper.abstract, paper.title):
        if span := locate(support.quote, source):
            break
    else:
        return "no such quote"
    near = surroundings(span, source)
    title = paper.title if source is paper.abstract else ""
    # With several papers, the title tells which one is meant.
    related = relation(text, title, near) if is_only_one else relation(text, "", f"{title}\n{near}")
    if related < min_relation and not count_given(text, near) and relation(text, "", near) < _CLEAR_RELATION:
        return "unrelated quote"
    quote = Support(support.paper_number, source[slice(*span)])
    return _Ground(quote, title, near, f"{paper.title}\n{paper.abstract}")
