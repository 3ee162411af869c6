"""Strip JATS, HTML and MathML from titles and abstracts; text that only resembles markup stays."""

from __future__ import annotations

import html
import re
from typing import Final

# Tags by name and with well-formed attributes, because "x<y and y>z" and "p <i and j> k" are not tags.
_ATTRIBUTES: Final = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"'=]+))*\s*/?"
_NAMES: Final = (
    "a|abbr|abstract|b|bdi|blockquote|bold|br|cite|code|disp-formula|div|em|ext-link|font|h[1-6]|i|img|inf|"
    "inline-formula|inline-graphic|italic|li|list|list-item|mark|math|mi|mn|mo|monospace|mrow|msub|msup|mtext|ol|p|pre|"
    "q|roman|s|sc|scp|sec|section|small|span|strong|styled-content|sub|sup|t[dhr]|table|title|tt|u|ul|underline|xref"
)
_TAG: Final = re.compile(rf"</?(?:(?:jats|mml|m):[a-z][a-z0-9-]*|{_NAMES}){_ATTRIBUTES}>", re.IGNORECASE)
_BREAK: Final = re.compile(
    rf"</?(?:jats:)?(?:p|div|br|li|ul|ol|h[1-6]|tr|table|section|sec|title|list-item|list){_ATTRIBUTES}>", re.IGNORECASE
)
_SKIPPED: Final = re.compile(
    r"<(script|style)\b[^<>]*>.*?</\1\s*>|<!--.*?-->|<!\[CDATA\[|\]\]>", re.IGNORECASE | re.DOTALL
)
# A formula comes twice, as MathML and as TeX; TeX stays, as other papers have it.
_TWICE: Final = re.compile(
    r"<(?:jats:)?alternatives>.*?<(?:jats:)?tex-math[^<>]*>(.*?)</(?:jats:)?tex-math>.*?</(?:jats:)?alternatives>",
    re.DOTALL,
)
_ANNOTATION: Final = re.compile(r"<(mml:|m:)?annotation\b[^<>]*>.*?</(?:mml:|m:)?annotation>", re.DOTALL)
_HEADING: Final = re.compile(
    rf"<(?P<tag>(?:jats:)?title|h[1-6]|b|strong){_ATTRIBUTES}>\s*(?:abstract|summary)\s*[:.]?\s*</(?P=tag)>",
    re.IGNORECASE,
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DEEPEST: Final = 3  # "&amp;lt;p&amp;gt;": text that passed through several systems was escaped by each


def has_markup(text: str) -> bool:
    """Whether a text contains a tag or an entity."""
    return bool("<" in text and _TAG.search(text)) or bool("&" in text and _ENTITY.search(text))


def without_markup(text: str) -> str:
    """A text without tags and with its entities decoded; a blank line separates paragraphs."""
    for _ in range(_DEEPEST):
        if not has_markup(text):
            break
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), _without_tags(text))
    return text


def _without_tags(text: str) -> str:
    text = _ANNOTATION.sub("", _TWICE.sub(r"\1", _SKIPPED.sub("", text)))
    text = _HEADING.sub("", text)
    return _TAG.sub("", _BREAK.sub("\n\n", text))
