"""Forms (modals, as Discord calls them) as HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from local_discord.components import ACTION_ROW, LABEL, TEXT_DISPLAY, TEXT_INPUT

from .rich_text import to_html

if TYPE_CHECKING:
    from .scene import Scene

Payload = dict[str, Any]
PARAGRAPH = 2


def form_html(modal: Payload, scene: Scene, key: str) -> str:
    """Draw the content of the dialog with a form."""
    fields = []
    for number, part in enumerate(modal["components"]):
        if part["type"] == TEXT_DISPLAY:
            fields.append(f"<div>{to_html(part['content'], scene)}</div>")
        elif part["type"] == ACTION_ROW:
            fields += [_field(one, one["label"], "", f"{key}-{number}", scene) for one in part["components"]]
        elif part["type"] == LABEL:
            below = part.get("description") or ""
            fields.append(_field(part["component"], part["label"], below, f"{key}-{number}", scene))
    return (
        f'<h2 id="{key}-title">{html.escape(modal["title"])}</h2>{"".join(fields)}'
        '<p class="wrong" role="alert"></p><div class="row end">'
        '<button type="button" class="button style2" data-cancel>Cancel</button>'
        '<button type="submit" class="button style1">Submit</button></div>'
    )


def _field(part: Payload, label: str, below: str, key: str, scene: Scene) -> str:
    needed = part.get("required", True)
    attributes = f'id="{key}" name="{html.escape(part["custom_id"])}"' + (" required" if needed else "")
    hint = f'<p class="hint" id="{key}-hint">{html.escape(below)}</p>' if below else ""
    if below:
        attributes += f' aria-describedby="{key}-hint"'
    star = ' <span aria-hidden="true" class="star">*</span>' if needed else ""
    control = _text(part, attributes) if part["type"] == TEXT_INPUT else _select(part, attributes, scene)
    return f'<div class="field"><label for="{key}">{html.escape(label)}{star}</label>{hint}{control}</div>'


def _text(part: Payload, attributes: str) -> str:
    for name, written in (("min_length", "minlength"), ("max_length", "maxlength"), ("placeholder", "placeholder")):
        if part.get(name):
            attributes += f' {written}="{html.escape(str(part[name]))}"'
    value = html.escape(part.get("value") or "")
    if part.get("style") == PARAGRAPH:
        return f'<textarea rows="5" {attributes}>{value}</textarea>'
    return f'<input type="text" autocomplete="off" {attributes} value="{value}">'


def _select(part: Payload, attributes: str, scene: Scene) -> str:
    if part.get("max_values", 1) > 1:
        attributes += " multiple"
    options = "".join(
        f'<option value="{html.escape(choice.value)}"{" selected" if choice.chosen else ""}>'
        f"{html.escape(choice.label)}</option>"
        for choice in scene.choices(part)
    )
    return f"<select {attributes}>{options}</select>"
