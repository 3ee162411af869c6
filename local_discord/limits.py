"""Refuse messages, modals, choices and commands that break Discord's documented limits."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from .components import check_components, check_modal_components
from .errors import ApiError, Form
from .mentions import check_allowed_mentions

Payload = dict[str, Any]

CONTENT = 2000
EMBED_TOTAL = 6000
NONCE = 25
FILE_BYTES = 10 * 1024 * 1024
REQUEST_BYTES = 25 * 1024 * 1024
COMMAND_TOTAL = 8000
COMMANDS_OF_TYPE = {1: 100, 2: 15, 3: 15}
AUTO_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
COMMAND_NAME = re.compile(r"^[-_'\w]{1,32}$")

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15


def check_message(message: Payload, files: dict[str, bytes]) -> None:
    """Check a message as it would be stored, new or edited, with its files."""
    form = Form()
    content, embeds = message.get("content"), message.get("embeds") or []
    components, v2 = message.get("components") or [], bool((message.get("flags") or 0) & COMPONENTS_V2)
    form.length("content", content, 0, CONTENT)
    form.count("embeds", len(embeds), 0, 10)
    for number, embed in enumerate(embeds):
        _check_embed(form, f"embeds.{number}", embed)
    if sum(map(_embed_length, embeds)) > EMBED_TOTAL:
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}")
    for legacy in ("content", "embeds"):
        if v2 and message.get(legacy):
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            form.wrong(legacy, code, f"The '{legacy}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
    check_components(form, components, v2=v2)
    check_allowed_mentions(form, message.get("allowed_mentions"))
    form.length("nonce", None if message.get("nonce") is None else str(message["nonce"]), 0, NONCE)
    form.count("attachments", len(message.get("attachments") or files), 0, 10)
    form.check()
    if any(len(data) > FILE_BYTES for data in files.values()) or sum(map(len, files.values())) > REQUEST_BYTES:
        raise ApiError(413, 40005, "Request entity too large")
    if not (content or embeds or components or files or message.get("attachments") or message.get("sticker_ids")):
        raise ApiError(400, 50006, "Cannot send an empty message")


def check_thread(body: Payload) -> None:
    """Check a thread's name and the minutes until it is archived."""
    form = Form()
    form.length("name", body.get("name"), 1, 100)
    if body.get("auto_archive_duration") not in (None, *AUTO_ARCHIVE_MINUTES):
        form.wrong("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {AUTO_ARCHIVE_MINUTES}.")
    form.check()


def check_modal(modal: Payload) -> None:
    """Check a modal's title, id and inputs."""
    form = Form()
    form.length("data.title", modal.get("title"), 1, 45)
    form.length("data.custom_id", modal.get("custom_id"), 1, 100)
    check_modal_components(form, modal.get("components") or [])
    form.check()


def check_choices(choices: list[Payload]) -> None:
    """Check the choices of an autocompletion."""
    form = Form()
    form.count("data.choices", len(choices), 0, 25)
    _check_choices(form, "data.choices", choices)
    form.check()


def check_commands(commands: list[Payload]) -> None:
    """Check a full set of application commands, as sent by a bulk overwrite."""
    form = Form()
    for kind, number in Counter(command.get("type", 1) for command in commands).items():
        form.count("commands", number, 0, COMMANDS_OF_TYPE[kind])
    for path, command in enumerate(commands):
        twins = [
            one for one in commands if (one["name"], one.get("type", 1)) == (command["name"], command.get("type", 1))
        ]
        if len(twins) > 1:
            form.wrong(
                f"{path}.name",
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
        if command.get("type", 1) == 1:
            _check_option(form, str(path), command)
        else:
            form.length(f"{path}.name", command.get("name"), 1, 32)
        if _command_length(command) > COMMAND_TOTAL:
            form.wrong(str(path), "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({COMMAND_TOTAL})")
    form.check()


def _check_embed(form: Form, path: str, embed: Payload) -> None:
    form.length(f"{path}.title", embed.get("title"), 0, 256)
    form.length(f"{path}.description", embed.get("description"), 0, 4096)
    form.length(f"{path}.footer.text", (embed.get("footer") or {}).get("text"), 0, 2048)
    form.length(f"{path}.author.name", (embed.get("author") or {}).get("name"), 0, 256)
    form.count(f"{path}.fields", len(embed.get("fields") or []), 0, 25)
    for number, field in enumerate(embed.get("fields") or []):
        form.length(f"{path}.fields.{number}.name", field.get("name"), 1, 256)
        form.length(f"{path}.fields.{number}.value", field.get("value"), 1, 1024)
    if embed.get("url") and not embed["url"].startswith(("http://", "https://")):
        form.wrong(f"{path}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https').")


def _embed_length(embed: Payload) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts.append((embed.get("author") or {}).get("name"))
    texts += [field.get(key) for field in embed.get("fields") or [] for key in ("name", "value")]
    return sum(len(text) for text in texts if text)


def _check_option(form: Form, path: str, option: Payload) -> None:
    name, options = str(option.get("name", "")), option.get("options") or []
    if not COMMAND_NAME.match(name) or name != name.lower():
        form.wrong(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    form.length(f"{path}.description", option.get("description"), 1, 100)
    for locale, translated in (option.get("name_localizations") or {}).items():
        if not COMMAND_NAME.match(translated) or translated != translated.lower():
            form.wrong(
                f"{path}.name_localizations.{locale}", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"
            )
    for locale, translated in (option.get("description_localizations") or {}).items():
        form.length(f"{path}.description_localizations.{locale}", translated, 1, 100)
    form.count(f"{path}.options", len(options), 0, 25)
    form.count(f"{path}.choices", len(option.get("choices") or []), 0, 25)
    _check_choices(form, f"{path}.choices", option.get("choices") or [])
    if option.get("choices") and option.get("autocomplete"):
        form.wrong(
            f"{path}.autocomplete",
            "APPLICATION_COMMAND_AUTOCOMPLETE_WITH_CHOICES",
            "choices exclude autocomplete",
        )
    needed = [bool(inner.get("required")) for inner in options]
    if needed != sorted(needed, reverse=True):
        form.wrong(
            f"{path}.options",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
            "Required options must come first",
        )
    for number, inner in enumerate(options):
        _check_option(form, f"{path}.options.{number}", inner)


def _check_choices(form: Form, path: str, choices: list[Payload]) -> None:
    for number, choice in enumerate(choices):
        form.length(f"{path}.{number}.name", choice.get("name"), 1, 100)
        if isinstance(choice.get("value"), str):
            form.length(f"{path}.{number}.value", choice["value"], 1, 100)


def _command_length(option: Payload) -> int:
    own = len(option.get("name") or "") + len(option.get("description") or "")
    own += sum(len(choice["name"]) + len(str(choice["value"])) for choice in option.get("choices") or [])
    return own + sum(map(_command_length, option.get("options") or []))
