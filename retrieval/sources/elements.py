"""Text from XML elements: formulas once, paragraphs apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAGRAPHS: Final = frozenset({"p", "sec", "title", "list", "list-item", "AbstractText"})
_LEFT_OUT: Final = frozenset(
    {"label", "fn", "graphic", "inline-graphic", "media", "annotation", "tex-math", "object-id"}
)
_HEADING: Final = re.compile(r"\A\s*(?:abstract|summary)\s*[:.]?\s*\Z", re.IGNORECASE)


def local(element: Any) -> str:  # noqa: ANN401  # lxml has no types
    """An element's name without its namespace; "" for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def find(element: Any, path: str) -> list[Any]:  # noqa: ANN401
    """The elements at a path of names, in any namespace."""
    found = [element]
    for name in path.split("/"):
        found = [child for parent in found for child in parent if local(child) == name]
    return found


def within(element: Any, name: str) -> list[Any]:  # noqa: ANN401
    """All elements with a name, at any depth."""
    return list(element.iter(f"{{*}}{name}"))


def line(element: Any, path: str) -> str:  # noqa: ANN401
    """The first text at a path, on one line; "" if there is none."""
    return next((found for match in find(element, path) if (found := " ".join(text(match).split()))), "")


def text(element: Any) -> str:  # noqa: ANN401
    """An element's text, with blank lines between paragraphs and without labels, footnotes and pictures."""
    return re.sub(r"\n\s*\n\s*", "\n\n", "".join(_pieces(element))).strip()


def _pieces(element: Any) -> Iterator[str]:  # noqa: ANN401
    yield element.text or ""
    for child in element:
        name = local(child)
        only_tex = name == "tex-math" and local(element) != "alternatives"
        heading = name == "title" and _HEADING.match("".join(child.itertext()))
        footnote = name == "xref" and child.get("ref-type") == "fn"
        if name and (name not in _LEFT_OUT or only_tex) and not heading and not footnote:
            apart = "\n\n" if name in _PARAGRAPHS else ""
            yield apart
            yield from _pieces(child)
            yield apart
        yield child.tail or ""
