"""Make foreign text safe to show in Discord: it cannot format, link, mention, hide or overflow anything."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bot.discord.ui.discord_limits import URL_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

ELLIPSIS = "…"
ZERO_WIDTH_SPACE = "\u200b"

_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})  # control, zero-width and direction characters, lone surrogates
_UNSEEN_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # fillers and the empty Braille cell
_MARKS_IN_A_ROW = 3  # written languages put no more marks on one letter; piles of them cover other lines

_SPECIAL = re.compile(r"[\\`*_~|\[\]<]")
_OPENED = re.compile(r"(?<=<)(?=[@#:/A-Za-z])")
_EVERYONE = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_SCHEME = re.compile(r":(?=//)")
_EMOJI_NAME = re.compile(r":(?=[\w+\\-]+:)")
_LINE_START = re.compile(r"^(\d+(?=\.)|(?=[#>-]))")
_NETLOC = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")

_BRACKETS = str.maketrans("[]", "()")


def plain(text: str) -> str:
    """Put the text on one line, without invisible characters and piled-up marks."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    pieces: list[str] = []
    marks = 0
    for character in text:
        shown = " " if character.isspace() else character
        category = unicodedata.category(shown)
        if category in _UNSEEN_CATEGORIES or shown in _UNSEEN_LETTERS:
            continue
        marks = marks + 1 if category.startswith("M") else 0
        if marks <= _MARKS_IN_A_ROW:
            pieces.append(shown)
    return " ".join("".join(pieces).split())


def escape(text: str) -> str:
    """Escape one line of text so that Discord shows it literally, at any position in a line."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    # Discord's servers find mentions despite backslashes, so a mention is split, too.
    text = _OPENED.sub(ZERO_WIDTH_SPACE, text)
    text = _EVERYONE.sub(f"@{ZERO_WIDTH_SPACE}", text)
    text = _SCHEME.sub(r"\:", text)
    text = _EMOJI_NAME.sub(r"\:", text)
    return _LINE_START.sub(r"\1\\", text)


def length(text: str) -> int:
    """Count UTF-16 code units, as Discord does at most."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, limit: int) -> str:
    """Shorten the text to whole words from both ends around an ellipsis, so that its escaped form fits.

    `limit` is the length of the escaped text; a longer first word is cut.
    """
    if len(text) > 4 * limit:  # text further in cannot be part of the result, and takes time to escape
        text = f"{text[: 2 * limit]} {text[-2 * limit :]}"
    elif length(escape(text)) <= limit:
        return text
    words = text.split(" ")
    fitting = bisect_right(range(1, len(words)), limit, key=lambda count: length(escape(_ends(words, count))))
    if fitting:
        return _ends(words, fitting)
    letters = bisect_right(range(len(text)), limit, key=lambda end: length(escape(text[:end] + ELLIPSIS)))
    return text[: max(letters - 1, 0)] + ELLIPSIS


def shorten_at_end(text: str, limit: int) -> str:
    """Shorten the text to its first words and an ellipsis, in at most `limit` characters.

    For places without Markdown: labels, names of threads.
    """
    if length(text) <= limit:
        return text
    cut = text[: bisect_right(range(1, len(text) + 1), limit - 1, key=lambda end: length(text[:end]))]
    head, _, _ = cut.rpartition(" ")
    return (head if length(head) > limit // 2 else cut).rstrip() + ELLIPSIS


def _ends(words: Sequence[str], count: int) -> str:
    tail = count // 2
    return " ".join([*words[: count - tail], ELLIPSIS, *words[len(words) - tail :]])


def safe_url(url: str) -> str | None:
    """Encode everything in a web address that could end a link; None if the address is unusable."""
    try:
        encoded = quote(url.strip(), safe="%/:=&?#+!$,;")
        parts = urlsplit(encoded)
    except ValueError:  # a lone surrogate, or half an IPv6 address
        return None
    usable = parts.scheme in {"http", "https"} and _NETLOC.fullmatch(parts.netloc)
    return encoded if usable and len(encoded) <= URL_CHARACTERS else None


def link(text: str, url: str | None) -> str:
    """Format plain text as a masked link, or just escaped if there is no usable address.

    Brackets in the text become parentheses: Discord finds the end of a link's text despite backslashes, so that an
    escaped bracket could still open a link of its own.
    """
    target = safe_url(url) if url else None
    return escape(text) if target is None else f"[{escape(text.translate(_BRACKETS))}]({target})"
