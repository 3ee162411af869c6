"""Check drafts against the papers that were given: only what their quotes and numbers bear out gets through."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from bot.answering.answer import Support
from bot.answering.prompt import RULES
from retrieval.numbers import unsupported
from retrieval.quotes import content_words, count_words, locate, surroundings
from retrieval.text import bare_words, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.answer import Draft
    from retrieval.papers import Hit

Reason: TypeAlias = Literal[
    "not a sentence",
    "link or mention",
    "no such paper",
    "no such quote",
    "unrelated quote",
    "number",
    "rules",
    "one-sided",
]

_MAX_STATEMENT_CHARACTERS: Final = 600
_MAX_SENTENCES: Final = 2
_MIN_WORDS: Final = 3
_MAX_SUPPORTS: Final = 8
_RULE_WORDS: Final = 6  # that many of the prompt's words in a row are no accident
# Least share of a statement's content words that its quote's sentences must have. On abstracts about neighbouring
# subjects, paraphrases have 0.35 and more; of sentences picked at random 2 % have as much as this.
_MIN_RELATION: Final = 0.25
_MIN_SHARED_WORDS: Final = 2
# Unicode categories: control, format (zero-width and direction marks), lone surrogates, private use.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
_LIST_MARK: Final = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")
# Citation marks that models add on their own; ours are put there by the renderer. [0, 1] is an interval.
_MARKS: Final = re.compile(r"\s*(?:\[(?:paper\s*)?\d{1,2}\]|【[^【】]*】)", re.IGNORECASE)
_LINKS: Final = re.compile(
    r"@(?:everyone|here)\b"
    r"|<(?:@[!&]?|\#|a?:\w+:|t:|id:|/[^<>]*:)[^<>\s]*>"
    r"|\[[^\]]*\]\s*\([^)]*\)"
    r"|[a-z][a-z0-9+.-]*://\S+|\bmailto:\S+|\bwww\.\S+|\bdiscord(?:app)?\.(?:gg|com)\b\S*",
    re.IGNORECASE,
)
# What says that papers contradict each other, which no paper alone bears out.
_DISAGREEMENT: Final = re.compile(
    r"\b(?:papers?|stud(?:y|ies)|works?|authors|sources)\b[^.]*\b(?:disagree|contradict|conflict with|at odds)",
    re.IGNORECASE,
)
_AFTER_LINKS: Final = ".,;:)}\"'"


@dataclass(frozen=True, slots=True)
class Checked:
    """Hold a statement that passed, cleaned, and the supports that hold; quotes are the papers' own characters."""

    text: str
    supports: tuple[Support, ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Say why a draft may not be shown; false, so that `if checked := check(...)` reads as it should."""

    reason: Reason

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True, slots=True)
class _Ground:
    """What one support rests on: a verbatim quote, and the text around it that may bear the statement out."""

    support: Support
    title: str
    near: str
    whole: str


def check(draft: Draft, hits: Sequence[Hit], *, translated: bool = False) -> Checked | Rejection:
    """Return the draft with the papers' own words as quotes, or why it may not be shown.

    A support that fails is dropped; the statement must hold on those that are left, at least one. Paper numbers
    count `hits` from 1. A statement that is `translated` need not share words with its quotes, which are in another
    language; quotes, numbers and links are held against them all the same.
    """
    text = tidy(draft.text)
    if not is_sentence(text):
        return Rejection("not a sentence")
    grounds: list[_Ground] = []
    reasons: list[Reason] = []
    for support in dict.fromkeys(draft.supports[:_MAX_SUPPORTS]):
        # A statement on several papers shares its words among them.
        least = 0.0 if translated else _MIN_RELATION / len(draft.supports)
        outcome = _ground(text, support, hits, least=least)
        if isinstance(outcome, _Ground):
            grounds.append(outcome)
        else:
            reasons.append(outcome)
    if not grounds:
        return Rejection(reasons[0] if reasons else "no such quote")
    titles = "\n".join(ground.title for ground in grounds)
    near = "\n".join(ground.near for ground in grounds)
    whole = "\n".join(ground.whole for ground in grounds)
    if not translated and (relation(text, titles, near) < _MIN_RELATION or not _shares_words(text, titles, near)):
        return Rejection("unrelated quote")
    if fault := _invented(text, f"{titles}\n{near}", whole):
        return Rejection(fault)
    if _one_sided(text, whole, grounds):
        return Rejection("one-sided")
    return Checked(text, tuple(dict.fromkeys(ground.support for ground in grounds)))


def tidy(text: str) -> str:
    """Return a statement on one line, without invisible characters, list marks and the model's own citation marks."""
    # Blanks first: a line break is a control character too.
    one_line = " ".join(unicodedata.normalize("NFC", text).split())
    visible = "".join(each for each in one_line if unicodedata.category(each) not in _INVISIBLE)
    return _LIST_MARK.sub("", _MARKS.sub("", visible)).strip()


def is_sentence(text: str) -> bool:
    """Say whether a text is one statement in prose: neither a word or two, nor a page."""
    return (
        len(text) <= _MAX_STATEMENT_CHARACTERS
        and count_words(text) >= _MIN_WORDS
        and len(sentences(text)) <= _MAX_SENTENCES
    )


def invented_links(text: str, source: str) -> list[str]:
    """Return the links and mentions of a statement that its papers do not contain."""
    return sorted(_links(text) - _links(source))


def _links(text: str) -> set[str]:
    return {match[0].rstrip(_AFTER_LINKS) for match in _LINKS.finditer(text)}


def relation(text: str, title: str, near: str) -> float:
    """Return the share (0..1) of a statement's content words that stand in the sentences it rests on.

    The title's words do not count: every sentence of a paper is related to them.
    """
    words = content_words(text) - content_words(title)
    return len(words & content_words(near)) / len(words) if words else 1.0


def _invented(text: str, near: str, whole: str) -> Reason | None:
    """Return what kind of thing a statement says that its papers do not, or None."""
    if invented_links(text, whole):
        return "link or mention"
    if unsupported(text, near, whole):
        return "number"
    return "rules" if _runs(text) & _runs(RULES) - _runs(whole) else None


def _one_sided(text: str, whole: str, grounds: Sequence[_Ground]) -> bool:
    """Say whether a statement sets papers against each other and rests on one alone, which does not say so itself."""
    papers = {ground.support.paper_number for ground in grounds}
    return len(papers) == 1 and bool(_DISAGREEMENT.search(text)) and not _DISAGREEMENT.search(whole)


def _shares_words(text: str, title: str, near: str) -> bool:
    """Say whether two words, or all of fewer, stand in the quote: one alone is soon found in a long quote."""
    words = content_words(text) - content_words(title)
    return len(words & content_words(near)) >= min(_MIN_SHARED_WORDS, len(words))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = bare_words(text.casefold())
    return {tuple(words[at : at + _RULE_WORDS]) for at in range(len(words) - _RULE_WORDS + 1)}


def _ground(text: str, support: Support, hits: Sequence[Hit], *, least: float) -> _Ground | Reason:
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
    if relation(text, title, near) < least:
        return "unrelated quote"
    quote = Support(support.paper_number, source[slice(*span)])
    return _Ground(quote, title, near, f"{paper.title}\n{paper.abstract}")
