"""Read what sources write into a field: hard-wrapped abstracts, HTML, dates, links to code, withdrawals."""

from __future__ import annotations

import datetime as dt
import html
import re

# No text has these, and neither SQL nor a hash takes them.
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
# A blank line, or arXiv's own way: a line that begins with blanks.
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*|\n[ \t]{2,}")
_SKIPPED = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|table|section|jats:(?:p|sec|title))\b[^<>]*>", re.IGNORECASE)
# Tags by name, because "x<y and y>z" is none.
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
# Said of the paper itself, at the beginning of a sentence. "Withdrawn from ICLR", "corrects a withdrawn paper" and
# "this supersedes the withdrawn v1" are said of something else.
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
    """Return the text without line breaks and doubled blanks."""
    return " ".join(_IMPOSSIBLE.sub("", text).split())


def unwrap(text: str) -> str:
    """Return a hard-wrapped text with its lines joined; paragraphs stay apart by a blank line."""
    text = _IMPOSSIBLE.sub("", text).replace("\r\n", "\n").strip()
    return "\n\n".join(one_line(paragraph) for paragraph in _PARAGRAPHS.split(text) if paragraph.strip())


def plain(markup: str) -> str:
    """Return HTML as text, with mathematics such as "x<y" left whole."""
    text = _BREAKS.sub("\n\n", _SKIPPED.sub("", markup))
    return html.unescape(_TAGS.sub("", text))


def address(value: object) -> str | None:
    """Return a value that is a web address, None for any other."""
    return value.strip() if isinstance(value, str) and _ADDRESS.fullmatch(value.strip()) else None


def shown(url: str) -> str:
    """Return an address as it may stand in a sentence: without a password and without a query, that may hold a key."""
    return _CREDENTIALS.sub("//", url.partition("?")[0])


def code_link(*texts: str) -> str | None:
    """Return the first link to a repository of code."""
    found = (match for text in texts if (match := _CODE.search(text)))
    return next((match[0].removesuffix(".git") for match in found), None)


def is_withdrawn(comment: str, abstract: str) -> bool:
    """Tell whether the comment, or an abstract put in place of the old one, says that the paper is withdrawn."""
    return bool(_WITHDRAWN.search(one_line(comment)) or _ABSTRACT_WITHDRAWN.match(abstract))


def moment(value: object) -> dt.datetime | None:
    """Return an ISO 8601 time in UTC, None for anything else; a time without a zone is UTC's."""
    if not isinstance(value, str):
        return None
    try:
        parsed = dt.datetime.fromisoformat(value.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
