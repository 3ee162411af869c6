"""What people and servers may ask of the bot: limits, allowed channels and roles, and its language."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.discord.gate.rate_limits import Limits, Rate
from bot.store import ServerSettings
from tests.bot.discord.prepared import TITLE, PreparedAnswers, done, kept_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.store import Store
    from tests.local_discord import Channel, LocalDiscord, Message, Person


def has(words: str) -> Callable[[Message], bool]:
    return lambda message: words in message.text


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


class TestLimits:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(per_user=Rate(2, timedelta(minutes=1)), per_server=Rate(3, timedelta(minutes=1)))

    @pytest.mark.usefixtures("bot")
    async def test_who_asks_too_much_is_told_once_when_to_ask_again(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        for number in range(2):
            await ada.says(papers, f"{mention} {number}?")
            await answer_in(papers)
        await ada.says(papers, f"{mention} too much?")
        assert "Please ask again <t:" in (await answer_in(papers)).text
        await ada.says(papers, f"{mention} still too much?")
        await local.stays_silent(0.1)
        refused = await ada.uses_command(papers, "ask", question="by command?")
        assert "Please ask again <t:" in (await refused.finished()).text
        assert refused.ephemeral
        await bob.says(papers, f"{mention} does it scale?")
        assert TITLE in (await answer_in(papers)).text
        assert answers.asked == ["0?", "1?", "does it scale?"]

    @pytest.mark.usefixtures("bot")
    async def test_a_server_has_a_limit_of_its_own(
        self, papers: Channel, answers: PreparedAnswers, mention: str, local: LocalDiscord, ada: Person
    ) -> None:
        for number in range(4):
            await local.guild("Lab").member(f"Person {number}").says(papers, f"{mention} {number}?")
            await answer_in(papers)
        assert len(answers.asked) == 3
        await ada.dms("and in private?")
        assert TITLE in (await answer_in(ada.dm)).text

    def test_room_comes_back_as_time_passes(self) -> None:
        now = 0.0
        limits = Limits(
            per_user=Rate(2, timedelta(seconds=10)), per_server=Rate(100, timedelta(seconds=10)), clock=lambda: now
        )
        assert [limits.take(1, None) for _ in range(3)] == [0.0, 0.0, 10.0]
        now = 4.0
        assert limits.take(1, None) == 6.0
        now = 10.0
        assert limits.take(1, 7) == 0.0

    def test_a_refused_question_counts_against_nobody(self) -> None:
        limits = Limits(
            per_user=Rate(1, timedelta(seconds=10)), per_server=Rate(2, timedelta(seconds=10)), clock=lambda: 0.0
        )
        assert [limits.take(1, 7), limits.take(1, 7), limits.take(2, 7), limits.take(3, 7)] == [0.0, 10.0, 0.0, 10.0]


@pytest.mark.usefixtures("bot")
class TestWhereAndWho:
    async def test_in_other_channels_than_those_allowed_only_the_asker_is_told(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        other = local.guild("Lab").channel("off-topic")
        await local.taken_in()
        await store.servers.save(local.guild("Lab").id, ServerSettings(channels=frozenset({papers.id})))
        await ada.says(other, f"{mention} here?")
        assert papers.mention in (await ada.dm.wait_for_bot_message()).text
        refused = await ada.uses_command(other, "ask", question="here?")
        assert papers.mention in (await refused.finished()).text
        assert refused.ephemeral
        assert not other.bot_messages
        await ada.says(papers, f"{mention} there?")
        await answer_in(papers)
        thread = await ada.opens_thread(papers, "talk")
        await ada.says(thread, f"{mention} in its threads?")
        await answer_in(thread)
        assert answers.asked == ["there?", "in its threads?"]

    async def test_only_the_roles_allowed_may_ask(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, local: LocalDiscord, store: Store, mention: str
    ) -> None:
        guild = local.guild("Lab")
        role = guild.role("readers")
        reader = guild.member("Reader")
        guild.member_roles[reader.id] = [role]
        await local.taken_in()
        await store.servers.save(guild.id, ServerSettings(roles=frozenset({role.id})))
        refused = await ada.uses_command(papers, "ask", question="may I?")
        text = (await refused.finished()).text
        assert f"@{role.name}" in text
        assert not refused.original or not refused.original.pings
        await (await reader.uses_command(papers, "ask", question="may I?")).finished(done)
        said = await reader.says(papers, f"{mention} and so?")
        await (await papers.wait_for_bot_message(lambda message: message.reply_to is said)).wait_until(done)
        assert answers.asked == ["may I?", "and so?"]

    async def test_settings_and_help_are_there_in_every_channel(
        self, papers: Channel, moderator: Person, local: LocalDiscord, store: Store
    ) -> None:
        other = local.guild("Lab").channel("off-topic")
        await local.taken_in()
        await store.servers.save(local.guild("Lab").id, ServerSettings(channels=frozenset({papers.id})))
        shown = await (await moderator.uses_command(other, "help")).finished()
        assert "/ask" in shown.text
        assert papers.mention not in shown.text or "/settings" in shown.text


@pytest.mark.usefixtures("bot")
async def test_an_answer_under_way_is_given_but_not_kept_when_its_asker_has_everything_deleted(
    papers: Channel, ada: Person, answers: PreparedAnswers, store: Store
) -> None:
    answers.released.clear()
    used = await ada.uses_command(papers, "ask", question="a secret?")
    await answers.were_asked()
    shown = await (await ada.uses_command(papers, "privacy")).finished()
    for button, words in [("Delete my data…", "for good?"), ("Yes, delete everything", "nothing about you")]:
        await ada.clicks(shown, button)
        await shown.wait_until(has(words))
    answers.released.set()
    card = await used.finished(lambda message: TITLE in message.text)
    assert not [part for part in card.parts() if part["type"] == 2]
    assert (await store.export(ada.id))["conversations"] == []
    card = await (await ada.uses_command(papers, "ask", question="and now?")).finished(lambda now: TITLE in now.text)
    assert (await kept_as(store, card)).answer.question == "and now?"


@pytest.mark.usefixtures("bot")
class TestLanguage:
    async def test_a_command_is_answered_in_the_language_of_who_uses_it(
        self, papers: Channel, answers: PreparedAnswers, local: LocalDiscord
    ) -> None:
        answers.error = ValueError("no")
        for locale, words in [("de", "Fehler"), ("fr", "erreur"), ("en-GB", "error"), ("ja", "error")]:
            person = local.guild("Lab").member(locale)
            person.locale = locale
            used = await person.uses_command(papers, "ask", question="what?")
            assert words in (await used.finished(lambda message: "…" not in message.text)).text
        assert answers.languages == ["de", "fr", "en", "en"]

    async def test_what_everybody_sees_is_in_the_language_of_the_server_and_the_rest_in_the_readers_own(
        self, papers: Channel, answers: PreparedAnswers, local: LocalDiscord, store: Store
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(language="fr"))
        gerda = local.guild("Lab").member("Gerda")
        gerda.locale = "de"
        card = await (await gerda.uses_command(papers, "ask", question="was?")).finished(done)
        assert "Continuer" in str(card.components)
        alone = await (await gerda.uses_command(papers, "ask", question="was?", private=True)).finished(done)
        assert "Nachfragen" in str(alone.components)
        click = await (await gerda.clicks(card, "👎")).response()
        assert "Was war falsch?" in str(click.modal)
        form = await (await gerda.clicks(card, "Poursuivre")).response()
        await (await gerda.submits(form, {"Deine Frage": "und?"})).finished(done)
        assert answers.languages == ["fr", "de", "fr"]

    async def test_a_mention_is_answered_in_the_language_of_the_server(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, local: LocalDiscord, store: Store, mention: str
    ) -> None:
        answers.error = ValueError("no")
        await store.servers.save(local.guild("Lab").id, ServerSettings(language="fr"))
        await ada.says(papers, f"{mention} what?")
        message = await papers.wait_for_bot_message()
        await message.wait_until(lambda now: "erreur" in now.text)
        assert answers.languages == ["fr"]

    async def test_commands_have_names_in_other_languages(
        self, local: LocalDiscord, ada: Person, papers: Channel
    ) -> None:
        await (await ada.uses_command(papers, "ask", question="what?")).finished(done)
        (ask,) = [command for command in local.world.commands[None] if command["name"] == "ask"]
        assert ask["name_localizations"]["de"] == "fragen"
        assert ask["name_localizations"]["fr"] == "demander"
        assert "en-US" not in ask["name_localizations"]
