"""Everything that people do passes the one gate; nothing bypasses it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import defaultdict
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from discord import app_commands
from discord.ext import commands

import bot.discord
from bot.discord.answers import answer_buttons
from bot.discord.digests import digest_buttons
from bot.discord.gate.gate import ActKind
from bot.discord.gate.gate_components import Clickable, Form
from bot.discord.gate.rate_limits import Limits, Rate
from bot.discord.papers import paper_buttons
from bot.store import ServerSettings
from tests.bot.discord.prepared import TITLE, done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.discord.footnote_bot import FootnoteBot
    from tests.local_discord import Channel, LocalDiscord, Person

SOURCES = Path(bot.discord.__file__).parent


@cache
def calls() -> dict[str, set[str]]:
    """Map each function's name to the packages of bot/discord that call it."""
    found = defaultdict(set)
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found[getattr(node.func, "id", getattr(node.func, "attr", ""))].add(path.relative_to(SOURCES).parts[0])
    return found


@pytest.mark.parametrize("name", ["set_task_language", "note_if_new", "take_on", "note_refusal", "AccessRules"])
def test_only_the_gate_decides(name: str) -> None:
    assert calls()[name] == {"gate"}


def callbacks(bot: FootnoteBot) -> Iterator[tuple[str, Any]]:
    for command in bot.tree.walk_commands():
        if not isinstance(command, app_commands.Group):
            yield command.qualified_name, command.callback
    for menu in bot.tree.get_commands():
        if isinstance(menu, app_commands.ContextMenu):
            yield menu.name, menu.callback
    for prefixed in bot.commands:
        assert isinstance(prefixed, commands.Command)
        yield prefixed.name, prefixed.callback


async def test_every_command_asks_the_gate_before_anything_else(bot: FootnoteBot) -> None:
    names = []
    for name, callback in callbacks(bot):
        tree = ast.parse(textwrap.dedent(inspect.getsource(callback)))
        first = min((node for node in ast.walk(tree) if isinstance(node, ast.Await)), key=lambda node: node.lineno)
        awaited = ast.unparse(first.value)
        assert ".admit(" in awaited or "self._gate.answer(" in awaited, (name, awaited)
        names.append(name)
    assert len(names) > 20


def test_no_click_and_no_form_has_a_door_of_its_own() -> None:
    # A choice from a menu passes the gate as the button that it names.
    kinds: set[type[Clickable[Any]]] = {*Clickable.kinds, digest_buttons.About, digest_buttons.AboutDigest} - {
        answer_buttons.Menu
    }
    assert {*answer_buttons.ALL, *paper_buttons.ALL} - {answer_buttons.Menu} <= kinds
    assert all(kind.callback is Clickable.callback for kind in kinds)
    assert all("on_submit" not in vars(kind) for kind in Form.__subclasses__())


class TestOrder:
    async def test_who_may_not_ask_is_not_counted(
        self, bot: FootnoteBot, local: LocalDiscord, papers: Channel, ada: Person
    ) -> None:
        bot.services.gate.limits[ActKind.QUESTION] = Limits(
            Rate(1, timedelta(minutes=1)), Rate(1, timedelta(minutes=1))
        )
        guild = local.guild("Lab")
        await bot.services.store.servers.save(guild.id, ServerSettings(channels=frozenset({1})))
        for _ in range(2):
            refused = await (await ada.uses_command(papers, "ask", question="what?")).finished()
            assert "I may answer only in certain channels" in refused.text
        await bot.services.store.servers.save(guild.id, ServerSettings())
        assert TITLE in (await (await ada.uses_command(papers, "ask", question="what?")).finished(done)).text
        refused = await (await ada.uses_command(papers, "ask", question="what?")).finished()
        assert "a lot of questions" in refused.text
        assert refused.ephemeral

    async def test_what_is_refused_is_refused_in_the_language_of_whoever_acts(
        self, bot: FootnoteBot, papers: Channel, ada: Person
    ) -> None:
        bot.services.gate.limits[ActKind.ACTION] = Limits(per_user=Rate(1, timedelta(minutes=1)))
        ada.locale = "de"
        await (await ada.uses_command(papers, "help")).finished()
        assert "Nicht so schnell" in (await (await ada.uses_command(papers, "help")).finished()).text

    async def test_a_closing_bot_takes_nothing_on(self, bot: FootnoteBot, papers: Channel, ada: Person) -> None:
        await bot.services.gate.shutdown.drain(timedelta(milliseconds=10))
        refused = await (await ada.uses_command(papers, "ask", question="what?")).finished()
        assert "being restarted" in refused.text
