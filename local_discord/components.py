"""Refuse buttons, selects, layouts and modal inputs that break Discord's component rules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .plain_text import walk

if TYPE_CHECKING:
    from .errors import Form

Payload = dict[str, Any]

ACTION_ROW, BUTTON, STRING_SELECT, TEXT_INPUT, SECTION, TEXT_DISPLAY, THUMBNAIL = 1, 2, 3, 4, 9, 10, 11
MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER, LABEL, FILE_UPLOAD = 12, 13, 14, 17, 18, 19
RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 21, 22, 23
SELECTS = (3, 5, 6, 7, 8)
LAYOUT = (ACTION_ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR)
LABELLED = (TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)
LINK_STYLE, PREMIUM_STYLE = 5, 6
V2_COMPONENTS = 40
V2_TEXT = 4000


def check_components(form: Form, components: list[Payload], *, v2: bool) -> None:
    """Check a message's components under the old rules or under those of Components V2."""
    allowed = (*LAYOUT, CONTAINER) if v2 else (ACTION_ROW,)
    if v2:
        everything = list(walk(components))
        form.count("components", len(everything), 1, V2_COMPONENTS)
        if sum(len(part.get("content") or "") for part in everything if part["type"] == TEXT_DISPLAY) > V2_TEXT:
            code = "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"
            form.wrong("components", code, f"Total size of displayable text exceeds {V2_TEXT}")
    else:
        form.count("components", len(components), 0, 5)
    for number, component in enumerate(components):
        _check(form, f"components.{number}", component, allowed)
    _check_unique_ids(form, components)


def check_modal_components(form: Form, components: list[Payload]) -> None:
    """Check the labels, inputs and texts of a modal."""
    form.count("data.components", len(components), 1, 5)
    for number, component in enumerate(components):
        path = f"data.components.{number}"
        if component.get("type") == ACTION_ROW:
            inputs = component.get("components") or []
            form.count(f"{path}.components", len(inputs), 1, 1)
            for text in inputs:
                _check(form, f"{path}.components.0", text, (TEXT_INPUT,))
                form.length(f"{path}.components.0.label", text.get("label"), 1, 45)
        else:
            _check(form, path, component, (LABEL, TEXT_DISPLAY))
    _check_unique_ids(form, components)


def _check(form: Form, path: str, part: Payload, allowed: tuple[int, ...]) -> None:
    kind = part.get("type")
    if kind not in allowed:
        form.wrong(f"{path}.type", "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {allowed}.')
    elif kind == ACTION_ROW:
        _check_row(form, path, part)
    elif kind == BUTTON:
        _check_button(form, path, part)
    elif kind in SELECTS:
        _check_select(form, path, part)
    elif kind == TEXT_INPUT:
        _check_text_input(form, path, part)
    elif kind == LABEL:
        form.length(f"{path}.label", part.get("label"), 1, 45)
        form.length(f"{path}.description", part.get("description"), 0, 100)
        _check(form, f"{path}.component", part.get("component") or {}, LABELLED)
    elif kind in (FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX):
        form.length(f"{path}.custom_id", part.get("custom_id"), 1, 100)
        form.count(f"{path}.options", len(part.get("options") or []), 0, 10)
    else:
        _check_layout(form, path, part)


def _check_layout(form: Form, path: str, part: Payload) -> None:
    inner = part.get("components") or []
    if part["type"] == TEXT_DISPLAY:
        form.length(f"{path}.content", part.get("content"), 1, V2_TEXT)
    elif part["type"] == SECTION:
        form.count(f"{path}.components", len(inner), 1, 3)
        _check_all(form, path, inner, (TEXT_DISPLAY,))
        _check(form, f"{path}.accessory", part.get("accessory") or {}, (BUTTON, THUMBNAIL))
    elif part["type"] == CONTAINER:
        form.count(f"{path}.components", len(inner), 1, V2_COMPONENTS)
        _check_all(form, path, inner, LAYOUT)
    elif part["type"] == MEDIA_GALLERY:
        form.count(f"{path}.items", len(part.get("items") or []), 1, 10)
    elif part["type"] == THUMBNAIL:
        form.length(f"{path}.description", part.get("description"), 0, 1024)


def _check_all(form: Form, path: str, parts: list[Payload], allowed: tuple[int, ...]) -> None:
    for number, part in enumerate(parts):
        _check(form, f"{path}.components.{number}", part, allowed)


def _check_row(form: Form, path: str, row: Payload) -> None:
    parts = row.get("components") or []
    only_one = any(part.get("type") in SELECTS for part in parts)
    form.count(f"{path}.components", len(parts), 1, 1 if only_one else 5)
    _check_all(form, path, parts, (BUTTON, *SELECTS))


def _check_button(form: Form, path: str, button: Payload) -> None:
    style = button.get("style")
    form.length(f"{path}.label", button.get("label"), 0, 80)
    if not button.get("label") and not button.get("emoji") and style != PREMIUM_STYLE:
        form.wrong(path, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji")
    if style == LINK_STYLE:
        form.length(f"{path}.url", button.get("url"), 1, 512)
        if button.get("custom_id"):
            form.wrong(
                path,
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "custom_id and url exclude each other",
            )
        if not str(button.get("url")).startswith(("http://", "https://", "discord://")):
            form.wrong(
                f"{path}.url",
                "URL_TYPE_INVALID_SCHEME",
                "Scheme must be one of ('discord', 'http', 'https').",
            )
    elif style != PREMIUM_STYLE:
        form.length(f"{path}.custom_id", button.get("custom_id"), 1, 100)


def _check_select(form: Form, path: str, select: Payload) -> None:
    form.length(f"{path}.custom_id", select.get("custom_id"), 1, 100)
    form.length(f"{path}.placeholder", select.get("placeholder"), 0, 150)
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not (0 <= least <= 25 and 1 <= most <= 25 and least <= most):
        form.wrong(f"{path}.max_values", "NUMBER_TYPE_RANGE", "min_values and max_values must lie in 0-25 and 1-25")
    if select["type"] != STRING_SELECT:
        return
    options = select.get("options") or []
    form.count(f"{path}.options", len(options), 1, 25)
    if most > len(options):
        form.wrong(f"{path}.max_values", "COMPONENT_MAX_VALUES_INVALID", "max_values exceeds the number of options")
    for number, option in enumerate(options):
        form.length(f"{path}.options.{number}.label", option.get("label"), 1, 100)
        form.length(f"{path}.options.{number}.value", option.get("value"), 1, 100)
        form.length(f"{path}.options.{number}.description", option.get("description"), 0, 100)
        if sum(other.get("value") == option.get("value") for other in options) > 1:
            form.wrong(
                f"{path}.options.{number}.value",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "Duplicate value",
            )


def _check_text_input(form: Form, path: str, text: Payload) -> None:
    form.length(f"{path}.custom_id", text.get("custom_id"), 1, 100)
    form.length(f"{path}.placeholder", text.get("placeholder"), 0, 100)
    form.length(f"{path}.value", text.get("value"), 0, 4000)
    shortest, longest = text.get("min_length") or 0, text.get("max_length") or 4000
    if not 0 <= shortest <= longest <= 4000:
        form.wrong(f"{path}.max_length", "NUMBER_TYPE_RANGE", "Lengths must lie between 0 and 4000")


def _check_unique_ids(form: Form, components: list[Payload]) -> None:
    used = Counter(part["custom_id"] for part in walk(components) if part.get("custom_id"))
    for custom_id, times in used.items():
        if times > 1:
            form.wrong(
                "components",
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                f"Component custom id {custom_id!r} is used twice",
            )
