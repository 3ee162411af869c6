"""/settings on the local Discord: the panel, what it changes, and what it refuses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.settings.server_settings import checked_hour, checked_prefix, checked_zone, described
from bot.discord.settings.settings_panel import panel
from bot.llm.meter import Payer, Spent
from bot.store import ServerSettings, Spending
from local_discord.limits import COMPONENTS_V2, check_message
from local_discord.plain_text import displayed_text
from retrieval.errors import BadInputError
from tests.bot.store.kept import NOW

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.local_discord import Channel, LocalDiscord, Message, Person

    Kept: TypeAlias = Callable[[], Awaitable[ServerSettings]]

CHANNELS = "Channels: all – choose some"
ROLES = "Roles: everyone – choose some"
EXEMPT = "Exempt roles: none – choose some"


@pytest.fixture
async def shown(bot: FootnoteBot, papers: Channel, moderator: Person) -> Message:
    return await (await moderator.uses_command(papers, "settings")).finished()


@pytest.fixture
def kept(store: Store, local: LocalDiscord) -> Kept:
    return lambda: store.servers.of(local.guild("Lab").id)


async def saved(message: Message, *words: str) -> None:
    await message.wait_until(lambda now: "✅ Saved." in now.text and all(word in now.text for word in words))


class TestPanel:
    async def test_it_shows_every_setting_with_what_it_stands_at_to_the_moderator_alone(self, shown: Message) -> None:
        for setting in described(ServerSettings(), listens=True):
            assert setting.text in shown.text
        assert shown.ephemeral
        assert shown.is_v2

    @pytest.mark.usefixtures("bot")
    async def test_members_do_not_see_the_command(self, papers: Channel, ada: Person) -> None:
        with pytest.raises(AssertionError, match="does not see"):
            await ada.uses_command(papers, "settings")

    async def test_channels_and_roles_are_chosen_and_let_go(
        self, shown: Message, moderator: Person, papers: Channel, local: LocalDiscord, kept: Kept
    ) -> None:
        readers = local.guild("Lab").role("readers")
        await moderator.chooses(shown, CHANNELS, papers)
        await saved(shown, papers.mention)
        await moderator.chooses(shown, ROLES, readers)
        await saved(shown, readers.mention)
        assert ((await kept()).channels, (await kept()).roles) == (frozenset({papers.id}), frozenset({readers.id}))
        (select,) = [part for part in shown.parts() if part.get("placeholder") == CHANNELS]
        assert [int(value["id"]) for value in select["default_values"]] == [papers.id]
        await moderator.chooses(shown, CHANNELS)
        await saved(shown, "**Channels:** all")
        await moderator.chooses(shown, ROLES)
        await saved(shown, "**Roles:** everyone")
        assert not shown.pings

    async def test_exempt_roles_are_chosen_and_let_go(
        self, shown: Message, moderator: Person, local: LocalDiscord, kept: Kept
    ) -> None:
        readers = local.guild("Lab").role("readers")
        await moderator.chooses(shown, EXEMPT, readers)
        await saved(shown, "**Exempt roles:** <@&")
        assert ((await kept()).exempt, (await kept()).roles) == (frozenset({readers.id}), frozenset[int]())
        await moderator.chooses(shown, EXEMPT)
        await saved(shown, "**Exempt roles:** none")
        assert (await kept()).exempt == frozenset()

    async def test_what_the_language_model_took_in_this_server_this_month_is_shown(
        self, shown: Message, moderator: Person, papers: Channel, local: LocalDiscord, store: Store
    ) -> None:
        assert "tokens this month" not in shown.text
        here, today = local.guild("Lab").id, datetime.now(UTC).date()
        before = today.replace(day=1) - timedelta(days=1)
        for day, server, model in [
            (today, here, "gpt-5.4-mini"),
            (today, here, "qwen3:8b"),
            (before, here, "gpt-5.4-mini"),
            (today, here + 1, "gpt-5.4-mini"),
        ]:
            await store.usage.add(day, Payer(server, moderator.id), Spent("answer", model, 1_000_000, 100_000))
        again = await (await moderator.uses_command(papers, "settings")).finished()
        assert "**Language model:** 2,200,000 tokens this month, $1.20" in again.text
        await moderator.clicks(again, "Open threads")
        await saved(again, "2,200,000 tokens this month")

    async def test_a_channel_in_which_the_bot_may_not_write_is_named(
        self, shown: Message, moderator: Person, papers: Channel, local: LocalDiscord
    ) -> None:
        closed = local.guild("Lab").channel("closed")
        closed.deny("send_messages")
        await moderator.chooses(shown, CHANNELS, papers, closed)
        await saved(shown, f"I need the permissions View Channel and Send Messages in {closed.mention}.")

    async def test_a_setting_that_leaves_the_moderator_out_does_not_lock_them_out(
        self, shown: Message, moderator: Person, papers: Channel, local: LocalDiscord
    ) -> None:
        await moderator.chooses(shown, ROLES, local.guild("Lab").role("readers"))
        await moderator.chooses(shown, CHANNELS, local.guild("Lab").channel("elsewhere"))
        await saved(shown, "<#", "<@&")
        again = await (await moderator.uses_command(papers, "settings")).finished()
        await moderator.chooses(again, ROLES)
        await saved(again, "**Roles:** everyone")

    async def test_the_language_is_chosen(self, shown: Message, moderator: Person, kept: Kept) -> None:
        await moderator.chooses(shown, "Language", "Deutsch")
        await saved(shown, "**Language:** Deutsch")
        assert (await kept()).language == "de"
        await moderator.chooses(shown, "Language", "As set in the server")
        await saved(shown, "**Language:** as set in the server")
        assert (await kept()).language is None

    async def test_switches_turn_on_and_off(self, shown: Message, moderator: Person, kept: Kept) -> None:
        await moderator.clicks(shown, "Make answers private")
        await saved(shown, "**Private answers:** on")
        await moderator.clicks(shown, "Open threads")
        await saved(shown, "**Threads:** on")
        assert ((await kept()).private, (await kept()).threads) == (True, True)
        await moderator.clicks(shown, "Make answers public")
        await saved(shown, "**Private answers:** off")
        assert ((await kept()).private, (await kept()).threads) == (False, True)

    async def test_two_changes_at_once_both_stand(
        self, shown: Message, moderator: Person, store: Store, kept: Kept
    ) -> None:
        gate, world = store._database.writing(), moderator.world
        async with gate:
            await moderator.clicks(shown, "Open threads")
            await moderator.clicks(shown, "Make answers private")
            await world.journal.until(
                lambda: len([one for one in world.interactions.values() if one.kind == "deferred update"]) == 2,
                "both to be acknowledged",
            )
        await saved(shown, "**Threads:** on", "**Private answers:** on")
        assert ((await kept()).threads, (await kept()).private) == (True, True)

    async def test_the_prefix_is_typed_and_works_at_once(
        self, shown: Message, moderator: Person, papers: Channel, ada: Person
    ) -> None:
        form = await moderator.clicks(shown, "Change the prefix…")
        await moderator.submits(form, {"Prefix": "fn?"})
        await saved(shown, "**Prefix:** fn?")
        await ada.says(papers, "fn?help")
        assert "/search" in (await papers.wait_for_bot_message()).text

    async def test_a_prefix_that_cannot_be_is_explained_and_changes_nothing(
        self, shown: Message, moderator: Person, kept: Kept
    ) -> None:
        await moderator.submits(await moderator.clicks(shown, "Change the prefix…"), {"Prefix": "/ask"})
        await shown.wait_until(lambda now: "Discord itself uses / at the start of a message" in now.text)
        assert (await kept()).prefix == "!"

    async def test_the_digest_is_typed_and_a_wrong_zone_is_answered_with_the_nearest(
        self, shown: Message, moderator: Person, kept: Kept
    ) -> None:
        form = await moderator.clicks(shown, "Change the digest…")
        await moderator.submits(form, {"Hour": "18:00", "Time zone": "Europe/Berlni"})
        await shown.wait_until(lambda now: "did you mean Europe/Berlin?" in now.text)
        assert (await kept()).digest_hour == 9
        form = await moderator.clicks(shown, "Change the digest…")
        await moderator.submits(form, {"Hour": "18:00", "Time zone": "europe/berlin"})
        await saved(shown, "daily at 18:00, Europe/Berlin")
        assert ((await kept()).digest_hour, (await kept()).digest_zone) == (18, "Europe/Berlin")

    async def test_who_may_no_longer_manage_the_server_changes_nothing(
        self, shown: Message, moderator: Person, local: LocalDiscord, kept: Kept
    ) -> None:
        local.guild("Lab").member_roles[moderator.id] = []
        clicked = await moderator.clicks(shown, "Open threads")
        refusal = await clicked.followup()
        assert "Only moderators may do that here" in refusal.text
        assert refusal.ephemeral
        assert not (await kept()).threads


async def test_a_panel_opened_before_a_restart_still_works(
    papers: Channel,
    moderator: Person,
    online: Callable[[], AbstractAsyncContextManager[FootnoteBot]],
    kept: Kept,
) -> None:
    async with online():
        shown = await (await moderator.uses_command(papers, "settings")).finished()
    async with online():
        await moderator.clicks(shown, "Open threads")
        await saved(shown, "**Threads:** on")
        assert (await kept()).threads


def test_a_panel_of_the_fullest_settings_is_within_the_limits() -> None:
    ids = frozenset(range(10**18, 10**18 + 60))
    settings = ServerSettings("\\`*_~", ids, ids, True, True, "fr", 23, "America/Argentina/ComodRivadavia", ids)
    spending = Spending(NOW.date(), "answer", "gpt-5.4", 10**6, 10**6, 10**12, 10**12)
    view = panel(settings, listens=False, spendings=[spending], note="x" * 200, warning="x" * 600)
    check_message({"components": view.to_components(), "flags": COMPONENTS_V2}, {})
    assert displayed_text(view.to_components()).count("<#") == 10


@pytest.mark.parametrize("typed", ["!", "fn?", "  ?  ", "¿", "ab-c!"])
def test_a_visible_prefix_is_taken(typed: str) -> None:
    assert checked_prefix(typed) == typed.strip()


@pytest.mark.parametrize(
    "typed", ["", "   ", "a b", "toolong", "\u200b", "a\u200b", "\n", "/", "@me", "<@1>", "#", ":"]
)
def test_a_prefix_that_nobody_could_type_or_see_is_refused(typed: str) -> None:
    with pytest.raises(BadInputError):
        checked_prefix(typed)


@pytest.mark.parametrize(("typed", "hour"), [("9", 9), ("09", 9), (" 18:00 ", 18), ("0", 0), ("7 Uhr", 7), ("23h", 23)])
def test_an_hour_is_read_as_people_write_it(typed: str, hour: int) -> None:
    assert checked_hour(typed) == hour


@pytest.mark.parametrize("typed", ["", "24", "9:30", "noon", "-1", "123"])
def test_what_is_no_whole_hour_is_refused(typed: str) -> None:
    with pytest.raises(BadInputError):
        checked_hour(typed)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("UTC", "UTC"),
        ("europe/berlin", "Europe/Berlin"),
        (" America/New York ", "America/New_York"),
        ("Tokyo", "Asia/Tokyo"),
    ],
)
async def test_a_zone_is_found_however_it_is_written(typed: str, zone: str) -> None:
    assert await checked_zone(typed) == zone


@given(st.text(max_size=80))
def test_any_zone_is_either_known_or_refused_with_a_suggestion(typed: str) -> None:
    try:
        outcome = asyncio.run(checked_zone(typed))
    except BadInputError as error:
        outcome = str(error).partition("did you mean ")[2].removesuffix("?")
    assert ZoneInfo(outcome).key == outcome


def test_settings_named_by_id_are_shown_as_mentions_that_discord_resolves() -> None:
    facts = {
        fact.key: fact.value
        for fact in described(ServerSettings(channels=frozenset({5}), roles=frozenset({6})), listens=True)
    }
    assert (facts["channels"], facts["roles"]) == ("<#5>", "<@&6>")
    assert discord.utils.escape_markdown(facts["channels"]) == facts["channels"]
