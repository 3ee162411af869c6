"""The store as a whole: opens its database, and exports and deletes data across all of its parts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bot.store.answers import Answers
from bot.store.budgets import BudgetNotices
from bot.store.cache import DraftCache
from bot.store.deliveries import Deliveries
from bot.store.feedback import FeedbackBook
from bot.store.leases import Leases
from bot.store.ledger import NOBODY, Ledger
from bot.store.searches import Searches
from bot.store.servers import Servers
from bot.store.store_tables import metadata
from bot.store.subscriptions import Subscriptions
from bot.store.threads import Threads
from bot.store.traffic import REMEMBERED, Traffic
from storage.database import Database
from storage.migration import Migrations, drop_backups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bot.store.parts import Part

FILE: Final = "memory.db"
MIGRATIONS: Final = Migrations(Path(__file__).parent / "migrations", "store_version")
# Deleted data is overwritten, not left in free pages. The default differs from one build of SQLite to another.
PRAGMAS: Final = {"secure_delete": "ON"}
# Default lifetime of conversations, of records of shown papers, and of searches since their last use.
RETENTION: Final = timedelta(days=90)
BILLED: Final = timedelta(days=400)  # lifetime of language model usage: a year and a month
# How long the data of a server is kept after the bot left it; and how long backups are, as they hold deleted data.
GRACE: Final = timedelta(days=30)


class Store:
    """Remember servers, answers, threads, feedback and digests; each public method is one transaction.

    Attributes:
        servers: settings, and which servers the bot has left.
        answers: the conversations.
        threads: threads that the bot opened.
        feedback: ratings of answers and stars on papers.
        searches: recent searches, not linked to persons or servers.
        subscriptions: the digests that people ordered, with topics, destinations and schedules.
        deliveries: digests that are due, in progress or posted, and the papers shown in each destination.
        usage: the tokens that calls to the language model took.
        notices: used-up budgets, and whether somebody has been told.
        drafts: recent drafts of the language model, not linked to persons or servers.
        leases: which process holds which shards.
        traffic: recent events and acts, shared by all processes.
        retention: how long conversations, searches and records of shown papers are kept.
    """

    def __init__(self, database: Database, retention: timedelta = RETENTION) -> None:
        self._database = database
        self.retention = retention
        self.servers = Servers(database)
        self.answers = Answers(database)
        self.threads = Threads(database)
        self.feedback = FeedbackBook(database)
        self.searches = Searches(database)
        self.subscriptions = Subscriptions(database)
        self.deliveries = Deliveries(database)
        self.usage = Ledger(database)
        self.notices = BudgetNotices(database)
        self.drafts = DraftCache(database)
        self.leases = Leases(database)
        self.traffic = Traffic(database)
        self._parts: Sequence[Part] = (
            self.servers,
            self.feedback,  # before the answers that it is about
            self.answers,
            self.threads,
            self.deliveries,
            self.subscriptions,
            self.usage,
            self.notices,
            self.traffic,
        )

    @classmethod
    async def open(cls, data_dir: Path, database_url: str | None = None, *, retention: timedelta = RETENTION) -> Store:
        """Open the store in `data_dir` or in the given database; raises the errors of `Database.open`."""
        database = await Database.open(
            database_url or data_dir / FILE, MIGRATIONS, name="The bot's memory", pragmas=PRAGMAS
        )
        try:
            store = cls(database, retention)
            await store.threads.load()
        except BaseException:
            await database.close()
            raise
        return store

    @property
    def shared(self) -> bool:
        """Whether other processes may use it too, because it is on a database server."""
        return self._database.file is None

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def export(self, user_id: int) -> dict[str, Any]:
        """Export everything stored about a person, ready for JSON; ids are strings (JavaScript rounds numbers)."""
        found: dict[str, Any] = {"user_id": str(user_id), "exported_at": datetime.now(UTC).isoformat()}
        async with self._database.reading() as connection:
            for part in self._parts:
                found |= await part.export(connection, user_id)
        return found

    async def forget_person(self, user_id: int) -> int:
        """Delete everything stored about a person in one transaction, and return the number of rows.

        Rows that depend on a conversation (messages, citations, others' ratings) go with it uncounted. Backups made by
        a migration keep the data for up to 30 days more.
        """
        async with self._database.writing() as connection:
            count = sum([await part.forget_person(connection, user_id) for part in self._parts])
        await self._database.purge_log()
        return count

    async def forget_server(self, guild_id: int) -> int:
        """Delete everything stored about a server in one transaction, and return the number of rows."""
        async with self._database.writing() as connection:
            count = sum([await part.forget_server(connection, guild_id) for part in self._parts])
        await self._database.purge_log()
        return count

    async def note_servers(
        self, guild_ids: Iterable[int], now: datetime, mine: Callable[[int], bool] = lambda _: True
    ) -> None:
        """Record which servers the bot is in: it may have joined or left some while it was offline.

        `mine` tells which servers belong to this process.
        """
        here = set(guild_ids)
        async with self._database.writing() as connection:
            known = set(filter(mine, await connection.scalars(_servers_known())))
            await self.servers.note_membership(connection, known & here, known - here, now)

    async def forget_due(self, now: datetime) -> int:
        """Delete everything past its lifetime in one transaction, and return the number of rows.

        These go: conversations, searches and records of shown papers older than `retention`; threads older than that
        without a stored answer; drafts that are a day old; the data of servers that the bot left 30 days ago; backups
        of that age. Language model usage loses its person after the day and its server after `retention`, and goes
        after BILLED. A SQLite file that has become half empty is shrunk.
        """
        today, retained = now.astimezone(UTC).date(), now - self.retention
        async with self._database.writing() as connection:
            await self.feedback.keep_tastes_older(connection, retained)
            count = await self.answers.forget_older(connection, retained)
            count += await self.threads.forget_idle(connection, retained)
            count += await self.searches.forget_older(connection, retained)
            count += await self.drafts.forget_older(connection, now)
            count += await self.deliveries.forget_older(connection, retained)
            await self.traffic.forget_older(connection, now - REMEMBERED)
            await self.usage.forget_older(connection, today, today - self.retention, today - BILLED)
            await self.notices.forget_older(connection, today)
            for guild_id in await self.servers.left_before(connection, now - GRACE):
                count += sum([await part.forget_server(connection, guild_id) for part in self._parts])
        await self._database.shrink()
        await self._database.purge_log()
        if self._database.file is not None:
            await asyncio.to_thread(drop_backups, self._database.file, now - GRACE)
        return count


def _servers_known() -> sa.CompoundSelect[Any]:
    """Select the servers that anything is stored about."""
    columns = [table.c.guild_id for table in metadata.tables.values() if "guild_id" in table.c]
    return sa.union(*(sa.select(column).where(column != NOBODY) for column in columns))
