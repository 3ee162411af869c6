"""Clean up what sources write in fields: hard-wrapped abstracts, HTML, dates, code links, withdrawals."""

from __future__ import annotations

import datetime as dt
import html
import re

# Characters that belong in no text, and that SQL and hashes refuse.
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
# A blank line or, as arXiv has it, an indented line.
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*|\n[ \t]{2,}")
_SKIPPED = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|table|section|jats:(?:p|sec|title))\b[^<>]*>", re.IGNORECASE)
# Tags by name, because "x<y and y>z" is not one.
_TAGS = re.compile(
    r"</?(?:a|abbr|b|blockquote|cite|code|em|font|i|img|mark|math|pre|q|s|small|span|strong|sub|sup|t[dh]|tt|u|"
    r"jats:[a-z-]+)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)/[\w.-]+/[\w.-]*\w", re.IGNORECASE
)
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_CREDENTIALS = re.compile(r"//[^/@]*@")
_WHAT = r"(?:paper|article|submission|manuscript|work|preprint|report|note|e-?print|version|draft)"
# Only about the paper itself, at the start of a sentence. "Withdrawn from ICLR", "corrects a withdrawn paper" and
# "this supersedes the withdrawn v1" are about something else.
_WITHDRAWN = re.compile(
    rf"(?:\A|[.;:!]\s+|\n)\W*(?:arxiv admin note:\s*)?(?:(?:this|the|our)\s+)?(?:{_WHAT}\s+)?"
    r"(?:(?:has|have)\s+(?:now\s+)?been\s+|is\s+(?:being\s+|now\s+)?|was\s+|being\s+)?(?:temporarily\s+)?"
    r"(?:withdrawn|retracted|removed\s+by\s+arxiv)\b(?!\s+(?:from|at)\s+(?!(?:the\s+)?arxiv))",
    re.IGNORECASE,
)
_ABSTRACT_WITHDRAWN = re.compile(
    rf"\W*(?:this|the)\s+{_WHAT}\s+(?:has\s+been|is|was)\s+(?:withdrawn|retracted|removed)\b", re.IGNORECASE
)


def one_line(text: str) -> str:
    """A text on one line, with single blanks."""
    return " ".join(_IMPOSSIBLE.sub("", text).split())


def unwrap(text: str) -> str:
    """A hard-wrapped text with its lines joined; a blank line separates paragraphs."""
    text = _IMPOSSIBLE.sub("", text).replace("\r\n", "\n").strip()
    return "\n\n".join(one_line(paragraph) for paragraph in _PARAGRAPHS.split(text) if paragraph.strip())


def plain(markup: str) -> str:
    """HTML as text; mathematics such as "x<y" is left as it is."""
    text = _BREAKS.sub("\n\n", _SKIPPED.sub("", markup))
    return html.unescape(_TAGS.sub("", text))


def address(value: object) -> str | None:
    """The value if it is a web address, None otherwise."""
    return value.strip() if isinstance(value, str) and _ADDRESS.fullmatch(value.strip()) else None


def shown(url: str) -> str:
    """An address for use in a sentence, without its password and its query, which may contain a key."""
    return _CREDENTIALS.sub("//", url.partition("?")[0])


def code_link(*texts: str) -> str | None:
    """The first link to a code repository in some texts."""
    found = (match for text in texts if (match := _CODE.search(text)))
    return next((match[0].removesuffix(".git") for match in found), None)


def is_withdrawn(comment: str, abstract: str) -> bool:
    """Whether the comment, or a notice in place of the abstract, says that the paper is withdrawn."""
    return bool(_WITHDRAWN.search(one_line(comment)) or _ABSTRACT_WITHDRAWN.match(abstract))


def moment(value: object) -> dt.datetime | None:
    """An ISO 8601 time in UTC, None for anything else; without a zone, it is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = dt.datetime.fromisoformat(value.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
