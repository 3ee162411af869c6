"""/help and /about on the local Discord."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from discord import app_commands

from bot.store import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.local_discord import Channel, LocalDiscord, Person

    Online = Callable[[], AbstractAsyncContextManager[FootnoteBot]]

FOR_MODERATORS = {"library", "settings", "submit"}


COMMAND = re.compile(r"</([\w -]+):\d+>")


@pytest.mark.usefixtures("bot")
class TestHelp:
    async def test_a_member_finds_every_command_that_they_may_use_to_click_on_in_three_groups_with_an_example_each(
        self, papers: Channel, ada: Person, bot: FootnoteBot
    ) -> None:
        used = await ada.uses_command(papers, "help")
        text = (await used.finished()).text
        commands = bot.tree.get_commands()
        names = {each.name for each in commands if isinstance(each, app_commands.Command)} - FOR_MODERATORS
        inner = {each.qualified_name for each in bot.tree.walk_commands() if each.qualified_name.startswith("digest ")}
        assert {"search", "paper", "similar", "compare", "trending", "about", "privacy", "help", "ask"} <= names
        assert set(COMMAND.findall(text)) == names | inner
        assert "**Ask about this**" in text
        assert "**Find papers like this**" in text
        assert [line for line in text.split("\n") if line.startswith("### ")] == [
            "### Ask",
            "### Find papers",
            "### Digests and settings",
        ]
        assert text.count("\n> -# ") == 3
        assert len(text.split("\n")) <= 12
        assert used.ephemeral

    async def test_a_moderator_finds_theirs_too(self, papers: Channel, moderator: Person, ada: Person) -> None:
        theirs = COMMAND.findall((await (await moderator.uses_command(papers, "help")).finished()).text)
        members = COMMAND.findall((await (await ada.uses_command(papers, "help")).finished()).text)
        assert set(theirs) - set(members) >= {"settings", "submit", "library list", "library remove"}

    @pytest.mark.parametrize("language", ["de", "fr"])
    async def test_every_language_has_it_short(self, papers: Channel, moderator: Person, language: str) -> None:
        moderator.locale = language
        text = (await (await moderator.uses_command(papers, "help")).finished()).text
        assert len(text) < 1500
        assert "</digest subscribe:" in text

    async def test_a_direct_message_shows_what_works_there(self, ada: Person) -> None:
        text = (await (await ada.uses_command(ada.dm, "help")).finished()).text
        assert "</search:" in text
        assert "</settings:" not in text
        assert "</trending:" not in text

    async def test_help_can_be_asked_for_with_the_prefix(self, papers: Channel, ada: Person) -> None:
        await ada.says(papers, "!help")
        assert "</search:" in (await papers.wait_for_bot_message()).text

    async def test_about_can_be_asked_for_by_a_mention(self, papers: Channel, ada: Person, local: LocalDiscord) -> None:
        await ada.says(papers, f"{local.bot.mention} about")
        assert "74 papers" in (await papers.wait_for_bot_message()).text

    async def test_about_counts_the_papers_by_source(self, papers: Channel, ada: Person) -> None:
        text = (await (await ada.uses_command(papers, "about")).finished()).text
        assert "Thank you to arXiv for use of its open access interoperability." in text
        assert "**74 papers**" in text
        assert "Hugging Face: 74 papers" in text
        assert "Footnote 0." in text
        assert "word for word" in text


async def test_the_bot_goes_by_the_name_that_it_has_on_the_server(
    papers: Channel, ada: Person, online: Online, store: Store, local: LocalDiscord
) -> None:
    lab = local.guild("Lab")
    lab.nicks[local.bot.id] = "Dr. *Fußnote*"
    await store.servers.save(lab.id, ServerSettings(prefix="*?"))
    async with online():
        text = (await (await ada.uses_command(papers, "help")).finished()).text
        assert "@Dr. \\*Fußnote\\* which papers" in text
        assert "\\*?ask" in text
        await ada.dms("who are you?")
        assert "I am Footnote" in (await ada.dm.wait_for_bot_message()).text


async def test_commands_in_sentences_are_to_click_on_in_every_language(bot: FootnoteBot, local: LocalDiscord) -> None:
    ids = {each["name"]: each["id"] for each in local.world.commands[None]}
    resume, ask = f"</digest resume:{ids['digest']}>", f"</ask:{ids['ask']}>"
    assert await bot.linked("Use /ask, or /digest resume.") == f"Use {ask}, or {resume}."
    assert await bot.linked("/übersicht fortsetzen macht damit weiter.") == f"{resume} macht damit weiter."
    for words in ("and/ask", "https://a.b/ask", "/asking", "/digest", f"{ask}"):
        assert await bot.linked(words) == words


@pytest.mark.usefixtures("bot")
async def test_who_has_no_digests_is_told_what_to_click(papers: Channel, ada: Person) -> None:
    text = (await (await ada.uses_command(papers, "digest list")).finished()).text
    assert COMMAND.findall(text) == ["digest subscribe"]
