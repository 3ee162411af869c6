"""Components V2 as HTML: buttons, selects and layouts of messages."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import discord

from local_discord.components import SELECTS

from .rich_text import to_html

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .scene import Scene

Payload = dict[str, Any]
_LINK: Final = 5
_WEB: Final = ("https://", "http://")
_FILE: Final = "attachment://"


class Components:
    """Draw the components of one message.

    Args:
        scene: the channel and viewer.
        files: the addresses of the message's files, by name.
        key: a prefix that makes ids unique in the page.
    """

    def __init__(self, scene: Scene, files: Mapping[str, str], key: str) -> None:
        self._scene = scene
        self._files = files
        self._key = key

    def drawn(self, parts: Iterable[Payload]) -> str:
        """Draw a list of components."""
        return "".join(map(self._one, parts))

    def _one(self, part: Payload) -> str:  # noqa: PLR0911  # one for each kind
        kind = discord.ComponentType(part["type"])
        match kind:
            case discord.ComponentType.container:
                accent = part.get("accent_color")
                bar = "" if accent is None else f' style="--accent:#{accent:06x}"'
                return f'<div class="container"{bar}>{self.drawn(part["components"])}</div>'
            case discord.ComponentType.section:
                beside = self._one(part["accessory"]) if part.get("accessory") else ""
                return f'<div class="section"><div>{self.drawn(part["components"])}</div>{beside}</div>'
            case discord.ComponentType.action_row:
                return f'<div class="row">{self.drawn(part["components"])}</div>'
            case discord.ComponentType.text_display:
                return f'<div class="display">{to_html(part["content"], self._scene)}</div>'
            case discord.ComponentType.separator:
                return "<hr>" if part.get("divider", True) else '<div class="space"></div>'
            case discord.ComponentType.button:
                return _button(part)
            case discord.ComponentType.media_gallery:
                return f'<div class="gallery">{"".join(map(self._picture, part["items"]))}</div>'
            case discord.ComponentType.thumbnail:
                return self._picture(part)
            case discord.ComponentType.file:
                return self._file(part["file"]["url"])
        return self._select(part) if part["type"] in SELECTS else ""

    def _picture(self, item: Payload) -> str:
        description = html.escape(item.get("description") or "")
        return f'<img src="{html.escape(self._address(item["media"]["url"]))}" alt="{description}">'

    def _file(self, url: str) -> str:
        name = html.escape(url.removeprefix(_FILE))
        return f'<a class="file" href="{html.escape(self._address(url))}" download>{name}</a>'

    def _address(self, url: str) -> str:
        """Look up the address of a file of the message; empty for anything else, as nothing external is loaded."""
        return self._files.get(url.removeprefix(_FILE), "")

    def _select(self, part: Payload) -> str:
        most = part.get("max_values", 1)
        choices = self._scene.choices(part)
        chosen = [choice.label for choice in choices if choice.chosen]
        key = f"{self._key}-{part['id']}"
        name = html.escape(part.get("placeholder") or "Choose")
        shown = html.escape(", ".join(chosen)) or name
        options = "".join(
            f'<li role="option" id="{key}-{number}" aria-selected="{str(choice.chosen).lower()}"'
            f' data-value="{html.escape(choice.value)}">{html.escape(choice.label)}'
            + (f"<small>{html.escape(choice.description)}</small>" if choice.description else "")
            + "</li>"
            for number, choice in enumerate(choices)
        )
        several = ' aria-multiselectable="true"' if most > 1 else ""
        off = " disabled" if part.get("disabled") else ""
        label = f"{name}: {shown}" if chosen else name
        return (
            f'<div class="select" data-select="{html.escape(part["custom_id"])}"'
            f' data-least="{part.get("min_values", 1)}" data-most="{most}">'
            f'<button type="button" aria-haspopup="listbox" aria-expanded="false" aria-controls="{key}"'
            f' aria-label="{label}" data-key="{key}"{off}><span>{shown}</span>'
            '<span aria-hidden="true">⌄</span></button>'
            f'<ul role="listbox" id="{key}" aria-label="{name}" tabindex="-1"{several} hidden>{options}</ul></div>'
        )


def _button(part: Payload) -> str:
    emoji = (part.get("emoji") or {}).get("name") or ""
    label = html.escape(" ".join(filter(None, (emoji, part.get("label")))))
    if part["style"] == _LINK:
        url = part["url"] if part["url"].startswith(_WEB) else ""
        return (
            f'<a class="button" href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">{label}'
            '<span aria-hidden="true"> ↗</span></a>'
        )
    off = " disabled" if part.get("disabled") else ""
    custom_id = html.escape(part["custom_id"])
    return (
        f'<button type="button" class="button style{part["style"]}" data-click="{custom_id}"'
        f' data-key="{custom_id}"{off}>{label}</button>'
    )
