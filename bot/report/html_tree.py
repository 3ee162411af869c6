"""HTML as a tree of elements: text is escaped by the serialiser, so no foreign title can become markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias
from xml.etree.ElementTree import Element, fromstring

from bot.console import printable
from bot.report.pictures import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Node: TypeAlias = "Element | str | None"


def node(tag: str, *children: Node, **attributes: str) -> Element:
    """Make an element; text loses control and direction characters, and None children are left out.

    An attribute that is a Python keyword ends in an underscore: `class_`.
    """
    made = Element(tag, {name.rstrip("_"): value for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif child:
            _append(made, _shown(child))
    return made


def table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str) -> Element:
    """Make a table; a float from 0 to 1 is shown as a share, None as an empty cell."""
    return node(
        "div",
        node(
            "table",
            node("caption", caption, class_="hidden"),
            node("thead", node("tr", *(node("th", name, scope="col") for name in head))),
            node("tbody", *(node("tr", *map(_cell, row)) for row in rows)),
        ),
        class_="wide",
    )


def figure(svg: str, label: str, caption: str, numbers: Element) -> Element:
    """Make a figure: a picture in the page's colours, its caption, and its numbers as a table that unfolds."""
    picture = _inline(svg)
    picture.set("role", "img")
    picture.set("aria-label", label)
    details = node("details", node("summary", "The numbers"), numbers)
    return node("figure", picture, node("figcaption", caption), details)


def tiles(values: Mapping[str, str]) -> Element:
    """Make a list of tiles from names and values."""
    pairs = (node("div", node("dt", name), node("dd", value)) for name, value in values.items())
    return node("dl", *pairs, class_="tiles")


def _cell(value: object) -> Element:
    if isinstance(value, float):
        return node("td", f"{value:.3f}", class_="share", style=f"--v:{value:.3f}")
    return node("td", "" if value is None else str(value))


def _inline(svg: str) -> Element:
    """Make an SVG part of the page: colours by name, no namespaces, and no ids that two pictures would share."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return fromstring(svg)  # noqa: S314  # drawn by ourselves a moment ago


def _append(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _shown(text: str) -> str:
    """Make text printable, and reduce outer whitespace to one space, which separates it from the next element."""
    lead, trail = (" " if end.isspace() else "" for end in (text[0], text[-1]))
    return f"{lead}{printable(text)}{trail}" if printable(text) else " "
