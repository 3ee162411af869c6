"""Read a message as a person would: all of its text and all of its links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, Any]
URL = re.compile(r"https?://[^\s<>\]\"]+")


def walk(components: list[Payload]) -> Iterator[Payload]:
    """Yield every component, nested ones after their parents, including accessories and labelled ones."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        yield from walk([component[key] for key in ("accessory", "component") if component.get(key)])


def displayed_text(components: list[Payload]) -> str:
    """Join the text of all TextDisplays, the place where mentions notify in Components V2."""
    return "\n".join(part["content"] for part in walk(components) if part.get("type") == 10)


def words(content: str, embeds: list[Payload], components: list[Payload]) -> str:
    """Join everything readable, one line per part."""
    lines: list[str | None] = [content]
    for embed in embeds:
        lines += [(embed.get("author") or {}).get("name"), embed.get("title"), embed.get("description")]
        lines += [field[key] for field in embed.get("fields") or [] for key in ("name", "value")]
        lines.append((embed.get("footer") or {}).get("text"))
    for part in walk(components):
        lines += [part.get("content"), part.get("label"), part.get("placeholder"), part.get("description")]
        for option in part.get("options") or []:
            lines += [option.get("label"), option.get("description")]
        lines += [item.get("description") for item in part.get("items") or []]
    return "\n".join(line for line in lines if line)


def links(content: str, embeds: list[Payload], components: list[Payload]) -> list[str]:
    """List every link that can be followed, once each, in order."""
    found: list[str | None] = [_trimmed(url) for url in URL.findall(words(content, embeds, components))]
    for embed in embeds:
        found += [embed.get("url"), (embed.get("author") or {}).get("url")]
        found += [(embed.get(key) or {}).get("url") for key in ("image", "thumbnail")]
    for part in walk(components):
        found.append(part.get("url"))
        found += [(part.get(key) or {}).get("url") for key in ("media", "file")]
        found += [item["media"]["url"] for item in part.get("items") or []]
    return list(dict.fromkeys(url for url in found if url))


def _trimmed(url: str) -> str:
    url = url.rstrip(".,;:!?*_'")
    while url.endswith(")") and url.count(")") > url.count("("):
        url = url[:-1]
    return url
