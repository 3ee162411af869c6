"""/help and /about on the local Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.discord.settings.server_settings import described
from bot.store import ServerSettings

if TYPE_CHECKING:
    from local_discord import Channel, LocalDiscord, Person

    from bot.discord.client import FootnoteBot
    from bot.store import Store

FOR_MODERATORS = {"settings", "submit"}


@pytest.mark.usefixtures("bot")
class TestHelp:
    async def test_a_member_finds_every_command_that_they_may_use(
        self, papers: Channel, ada: Person, bot: FootnoteBot
    ) -> None:
        used = await ada.uses_command(papers, "help")
        text = (await used.finished()).text
        names = {command.name for command in bot.tree.get_commands()}
        assert {"search", "paper", "similar", "compare", "trending", "about", "privacy", "help", "ask"} <= names
        assert {"Ask about this", "Find papers like this"} <= names
        for name in names - FOR_MODERATORS:
            assert f"**{name}**" in text or f"**/{name}** – " in text or f"**/{name} " in text
        assert not any(f"/{name}**" in text for name in FOR_MODERATORS)
        assert used.ephemeral

    async def test_a_moderator_finds_every_setting_with_what_it_stands_at(
        self, papers: Channel, moderator: Person, store: Store, local: LocalDiscord
    ) -> None:
        settings = ServerSettings(prefix="*?", channels=frozenset({papers.id}), digest_zone="Europe/Berlin")
        await store.servers.save(local.guild("Lab").id, settings)
        answer = await (await moderator.uses_command(papers, "help")).finished()
        for fact in described(settings, listens=True):
            assert f"**{fact.name}:** {fact.value}" in answer.text
        assert papers.mention in answer.text
        assert "\\*?ask" in answer.text
        assert "**/settings**" in answer.text
        assert not answer.pings

    @pytest.mark.parametrize("language", ["en-US", "de", "fr"])
    async def test_the_fullest_settings_fit_in_every_language(
        self, papers: Channel, moderator: Person, store: Store, local: LocalDiscord, language: str
    ) -> None:
        ids = frozenset(range(10**18, 10**18 + 60))
        settings = ServerSettings("`*_~`", ids, ids, True, True, "fr", 23, "America/Argentina/ComodRivadavia")
        await store.servers.save(local.guild("Lab").id, settings)
        moderator.locale = language
        answer = await (await moderator.uses_command(papers, "help")).finished()
        assert "ComodRivadavia" in answer.text

    async def test_a_direct_message_shows_what_works_there(self, ada: Person) -> None:
        text = (await (await ada.uses_command(ada.dm, "help")).finished()).text
        assert "/search" in text
        assert "/settings" not in text
        assert "/trending" not in text

    async def test_help_can_be_asked_for_with_the_prefix(self, papers: Channel, ada: Person) -> None:
        await ada.says(papers, "!help")
        assert "**/search**" in (await papers.wait_for_bot_message()).text

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
