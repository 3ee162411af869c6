"""Commands in other languages: every word is translated, and Discord accepts the translation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from bot.language import ENGLISH, LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.discord.footnote_bot import FootnoteBot
    from tests.local_discord import LocalDiscord

NAME = re.compile(r"^[-_'\w]{1,32}$")
OTHERS = sorted(set(LANGUAGES) - {ENGLISH})


@pytest.fixture
async def registered(bot: FootnoteBot, local: LocalDiscord) -> list[dict[str, Any]]:
    assert bot.syncing
    await bot.syncing
    return local.world.commands[None]


def parts(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a command with all its subcommands, options and choices."""
    yield command
    for inner in [*(command.get("options") or []), *(command.get("choices") or [])]:
        yield from parts(inner)


@pytest.mark.parametrize("language", OTHERS)
async def test_every_name_and_description_is_translated(registered: list[dict[str, Any]], language: str) -> None:
    lacking = [
        f"{command['name']}: {part[word]}"
        for command in registered
        for part in parts(command)
        for word in ("name", "description")
        if part.get(word) and language not in (part.get(f"{word}_localizations") or {}) and not same(part[word])
    ]
    assert not lacking


@pytest.mark.parametrize("language", OTHERS)
async def test_translated_names_are_such_as_discord_takes(registered: list[dict[str, Any]], language: str) -> None:
    for command in registered:
        for part in parts(command):
            name = (part.get("name_localizations") or {}).get(language)
            if name and "description" in part and part["description"]:
                assert NAME.match(name), name
                assert name == name.lower()


@pytest.mark.parametrize("language", OTHERS)
async def test_no_two_commands_or_options_share_a_translated_name(
    registered: list[dict[str, Any]], language: str
) -> None:
    for siblings in [
        [command for command in registered if command["type"] == 1],
        *(part.get("options") or [] for command in registered for part in parts(command)),
    ]:
        names = [(part.get("name_localizations") or {}).get(language, part["name"]) for part in siblings]
        assert len(names) == len(set(names))


def same(word: str) -> bool:
    """Tell whether a word is the same in every language."""
    return word in {"arxiv", "pdf", "question", "source", "paper", "second", "arXiv", "Hugging Face"}
