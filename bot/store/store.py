"""The store as a whole: opened, exported and forgotten across all its parts."""

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
from bot.store.memory_tables import metadata
from bot.store.searches import Searches
from bot.store.servers import Servers
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
# What is forgotten is overwritten, not left in free pages; not every SQLite does so by itself.
PRAGMAS: Final = {"secure_delete": "ON"}
# How long conversations are kept, what digests showed, and searches since a page was last turned, unless it is set.
RETENTION: Final = timedelta(days=90)
BILLED: Final = timedelta(days=400)  # how long it is known what was taken of language models: a year and a month
GRACE: Final = timedelta(days=30)  # how long a server that the bot left is, and a backup, which knows no forgetting


class Store:
    """Remember servers, answers, threads, feedback and digests; each method, of the parts too, is one transaction.

    Attributes:
        servers: settings of servers, and which ones the bot left.
        answers: the conversations.
        threads: which threads the bot opened.
        feedback: ratings of answers and stars on papers.
        searches: what was looked for; that is no person's and no server's.
        subscriptions: who wants to be told of what, where and when.
        deliveries: which digests are due, under way and posted, and what each place was shown.
        usage: what calls to the language model took.
        notices: which budgets were used up, and whether somebody was told.
        drafts: what the language model wrote lately; that is no person's and no server's.
        leases: which process holds which shards of the bot.
        traffic: what people did just now, for all processes.
        retention: how long conversations, searches and what digests showed are kept.
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
        """Open the store in `data_dir`, or in the database named; raises what `Database.open` does."""
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
        """Say whether other processes may use it too: it is on a server."""
        return self._database.file is None

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def export(self, user_id: int) -> dict[str, Any]:
        """Return everything that is kept of a person, ready for JSON; ids are strings, as JavaScript rounds numbers."""
        found: dict[str, Any] = {"user_id": str(user_id), "exported_at": datetime.now(UTC).isoformat()}
        async with self._database.reading() as connection:
            for part in self._parts:
                found |= await part.export(connection, user_id)
        return found

    async def forget_person(self, user_id: int) -> int:
        """Delete everything that is kept of a person, at once, and return how many rows that were.

        What hangs on a conversation (messages, citations, others' ratings) goes with it uncounted. Backups made by a
        migration keep it for up to 30 days more.
        """
        async with self._database.writing() as connection:
            count = sum([await part.forget_person(connection, user_id) for part in self._parts])
        await self._database.purge()
        return count

    async def forget_server(self, guild_id: int) -> int:
        """Delete everything that is kept of a server, at once, and return how many rows that were."""
        async with self._database.writing() as connection:
            count = sum([await part.forget_server(connection, guild_id) for part in self._parts])
        await self._database.purge()
        return count

    async def note_servers(
        self, guild_ids: Iterable[int], now: datetime, mine: Callable[[int], bool] = lambda _: True
    ) -> None:
        """Note which servers the bot is in: it may have come back to some, and have left others, while it was away.

        `mine` says which servers this process would see.
        """
        here = set(guild_ids)
        async with self._database.writing() as connection:
            known = set(filter(mine, await connection.scalars(_servers_known())))
            await self.servers.note(connection, known & here, known - here, now)

    async def forget_due(self, now: datetime) -> int:
        """Delete what was kept for long enough, at once, and return how many rows that were.

        That is conversations, searches and what digests showed older than `retention`, threads without a conversation
        since, drafts of yesterday, and servers that the bot left 30 days ago; backups of the file that old go too. Of
        what the language model took it is forgotten whose it was, the person with the day, the server after
        `retention`, and all after BILLED. Where a file of SQLite has come to be half empty it is made smaller.
        """
        today, retained = now.astimezone(UTC).date(), now - self.retention
        async with self._database.writing() as connection:
            await self.feedback.forget_older(connection, retained)
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
        await self._database.give_back()
        await self._database.purge()
        if self._database.file is not None:
            await asyncio.to_thread(drop_backups, self._database.file, now - GRACE)
        return count


def _servers_known() -> sa.CompoundSelect[Any]:
    """Return the query for the servers that anything is kept of."""
    columns = [table.c.guild_id for table in metadata.tables.values() if "guild_id" in table.c]
    return sa.union(*(sa.select(column).where(column != NOBODY) for column in columns))
