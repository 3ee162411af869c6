"""Who pays for a question, and who is told when a budget is used up, on the local Discord."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot.discord.alerts import Alerts
from bot.discord.lifecycle import tell_owner
from bot.llm.meter import Payer
from bot.store import ServerSettings
from bot.store.ledger import NOBODY

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from local_discord.guilds import Guild
    from tests.bot.discord.prepared import PreparedAnswers
    from tests.local_discord import Channel, LocalDiscord, Person

TODAY = datetime.now(UTC).date()


@pytest.fixture
def alerts(bot: FootnoteBot) -> Alerts:
    return Alerts(bot, partial(tell_owner, bot))


def owns(guild: Guild, person: Person) -> None:
    """Make somebody the owner of a server: give them the id that the local Discord names as its owner."""
    person.id = guild.id + 1
    person.world.users[person.id] = person


@pytest.mark.usefixtures("bot")
class TestPayer:
    async def test_a_question_is_paid_by_its_server_and_person_however_it_is_asked(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        server = local.guild("Lab").id
        await ada.says(papers, f"{mention} what does it freeze?")
        await answers.were_asked(1)
        await ada.uses_command(papers, "ask", question="and what else?")
        await answers.were_asked(2)
        await ada.says(ada.dm, "what does it freeze?")
        await answers.were_asked(3)
        assert answers.payers == [Payer(server, ada.id), Payer(server, ada.id), Payer(None, ada.id)]

    async def test_who_has_an_exempt_role_is_exempt_in_that_server(
        self,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        mention: str,
        local: LocalDiscord,
        store: Store,
    ) -> None:
        lab = local.guild("Lab")
        readers = lab.role("readers")
        await local.taken_in()
        await store.servers.save(lab.id, ServerSettings(exempt=frozenset({readers.id})))
        await ada.says(papers, f"{mention} what does it freeze?")
        await answers.were_asked(1)
        lab.member_roles[ada.id] = [readers]
        await ada.says(papers, f"{mention} and what else?")
        await answers.were_asked(2)
        await ada.says(ada.dm, "what does it freeze?")
        await answers.were_asked(3)
        assert [payer.exempt for payer in answers.payers] == [False, True, False]


class TestAlerts:
    async def test_the_owner_of_a_server_is_told_once_in_the_servers_language(
        self, alerts: Alerts, store: Store, local: LocalDiscord, ada: Person
    ) -> None:
        lab = local.guild("Lab")
        owns(lab, ada)
        await store.servers.save(lab.id, ServerSettings(language="de"))
        await store.notices.note(TODAY, lab.id)
        for _ in range(2):
            await alerts.tell(TODAY)
        told = await ada.dm.wait_for_bot_message()
        assert "Lab hat seine Tokens für heute aufgebraucht" in told.text
        assert await store.notices.untold(TODAY) == []
        await asyncio.sleep(0.1)
        assert len(ada.dm.bot_messages) == 1

    async def test_who_runs_the_bot_is_told_of_the_days_budget(
        self, alerts: Alerts, store: Store, local: LocalDiscord, ada: Person
    ) -> None:
        local.world.users[1] = ada
        ada.id = 1
        await store.notices.note(TODAY, NOBODY)
        await alerts.tell(TODAY)
        assert "FOOTNOTE_LLM__TOKENS_PER_DAY" in (await ada.dm.wait_for_bot_message()).text
        assert await store.notices.untold(TODAY) == []

    async def test_a_server_that_another_process_serves_is_left_to_it(self, alerts: Alerts, store: Store) -> None:
        await store.notices.note(TODAY, 7)
        await alerts.tell(TODAY)
        assert await store.notices.untold(TODAY) == [7]

    async def test_it_looks_again_and_ends_when_told_to_stop(
        self, alerts: Alerts, store: Store, local: LocalDiscord, ada: Person
    ) -> None:
        lab = local.guild("Lab")
        owns(lab, ada)
        await store.notices.note(TODAY, lab.id)
        stop = asyncio.Event()
        running = asyncio.create_task(alerts.run(stop))
        await ada.dm.wait_for_bot_message()
        stop.set()
        await asyncio.wait_for(running, 10)
