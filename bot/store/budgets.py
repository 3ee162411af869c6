"""Token budgets per day (UTC), the meter that enforces them, and notices that a budget is used up.

A call is recorded before it is made, with the tokens that it is expected to take, and corrected when it is over. Every
process reads the sums from the store before each call. So budgets hold across processes and restarts; they can be
exceeded only by what running calls take beyond their estimates. A call whose process died counts with its estimate.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.errors import WriterError
from bot.llm.meter import Begun
from bot.store.ledger import NOBODY
from bot.store.store_tables import budget_notices
from storage.database import DATABASE_ERRORS, insert_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.llm import Payer, Spent
    from bot.store.ledger import Ledger, Totals
    from storage.database import Database

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Budgets:
    """Tokens per day for everybody together, for each server and for each person; 0 is no limit."""

    day: int = 0
    server: int = 0
    person: int = 0


class BudgetNotices:
    """Store which budgets are used up, and whether somebody has been told.

    A notice is of one server, or of NOBODY for the budget of everybody together.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, day: date, guild_id: int) -> None:
        """Record that a budget is used up; the second time on a day changes nothing."""
        async with self._database.writing() as connection:
            insert = insert_into(connection, budget_notices).values(day=day, guild_id=guild_id, told=False)
            await connection.execute(insert.on_conflict_do_nothing())

    async def untold(self, day: date) -> list[int]:
        """List the notices of a day that nobody has been told of: ids of servers, or NOBODY."""
        query = sa.select(budget_notices.c.guild_id).where(budget_notices.c.day == day, ~budget_notices.c.told)
        async with self._database.reading() as connection:
            return list(await connection.scalars(query.order_by(budget_notices.c.guild_id)))

    async def mark_told(self, day: date, guild_id: int) -> None:
        """Record that somebody was told, or that nobody can be."""
        which = (budget_notices.c.day == day) & (budget_notices.c.guild_id == guild_id)
        async with self._database.writing() as connection:
            await connection.execute(sa.update(budget_notices).where(which).values(told=True))

    async def forget_older(self, connection: AsyncConnection, day: date) -> None:
        """Delete the notices from before a day."""
        await connection.execute(sa.delete(budget_notices).where(budget_notices.c.day < day))

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:  # noqa: ARG002
        """Export nothing: notices are not about persons."""
        return {}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:  # noqa: ARG002
        """Delete nothing: notices are not about persons."""
        return 0

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete the notices of a server."""
        return (
            await connection.execute(sa.delete(budget_notices).where(budget_notices.c.guild_id == guild_id))
        ).rowcount


class StoreMeter:
    """Count calls in the store, and say when a budget is used up.

    If the store cannot be written, calls go uncounted; if there are budgets and it cannot be read, no call is made.
    """

    def __init__(
        self,
        usage: Ledger,
        notices: BudgetNotices,
        budgets: Budgets,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._usage = usage
        self._notices = notices
        self._budgets = budgets
        self._now = now
        self._noted: set[tuple[date, int]] = set()

    async def exhausted_budget(self, payer: Payer) -> str | None:
        """Name the budget that this payer has used up ("day", "server", "person"), None if there is room.

        Raises WriterError if there is a budget but the store cannot be read.
        """
        if self._budgets == Budgets():
            return None
        day = self._today()
        try:
            totals = await self._usage.totals(day, payer)
            name = next(_used_up(self._budgets, totals, payer), None)
            await self._note(day, name, payer)
        except DATABASE_ERRORS as error:
            logger.warning("the budget cannot be read: %s", type(error).__name__)
            raise WriterError("was not asked, because its budget cannot be read just now") from error
        return name

    async def begin(self, payer: Payer, expected: Spent) -> Begun | None:
        """Record a call before it is made; None if the store cannot be written."""
        begun = Begun(self._today(), payer, expected)
        try:
            await self._usage.add(begun.day, payer, expected)
        except DATABASE_ERRORS as error:
            logger.warning("a call could not be written down before it: %s", type(error).__name__)
            return None
        return begun

    async def record(self, payer: Payer, spent: Spent, begun: Begun | None = None) -> None:
        """Record what a call took, replacing the estimate from `begin`."""
        try:
            if begun is None:
                await self._usage.add(self._today(), payer, spent)
            else:
                await self._usage.settle(begun, spent)
        except DATABASE_ERRORS as error:
            tokens = spent.prompt_tokens + spent.completion_tokens
            logger.warning("a call of %d tokens could not be counted: %s", tokens, type(error).__name__)

    async def _note(self, day: date, name: str | None, payer: Payer) -> None:
        """Record that a budget is used up, unless it is a person's."""
        if name not in ("day", "server"):
            return
        whose = payer.server_id if name == "server" and payer.server_id else NOBODY
        if (day, whose) not in self._noted:
            await self._notices.note(day, whose)
            self._noted = {noted for noted in self._noted if noted[0] == day} | {(day, whose)}

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()


def _used_up(budgets: Budgets, totals: Totals, payer: Payer) -> Iterator[str]:
    """Yield the names of the used-up budgets, the widest first; an exempt role lifts only the person's budget."""
    if 0 < budgets.day <= totals.day:
        yield "day"
    if payer.server_id and 0 < budgets.server <= totals.server:
        yield "server"
    if payer.person_id and not payer.exempt and 0 < budgets.person <= totals.person:
        yield "person"
