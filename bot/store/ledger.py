"""The ledger: language model usage by day, server, person, purpose and model.

Every call adds to one row in a single statement, so that processes on one database count together. The person is stored
for the day only, because personal budgets need it; after that the amounts move to the row of NOBODY.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

from bot.store.domain import Spending
from bot.store.row_mapper import exported
from bot.store.store_tables import usage
from storage.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.llm import Payer, Spent
    from bot.llm.meter import Begun
    from storage.database import Database

NOBODY: Final = 0
KEY: Final = ("day", "guild_id", "person_id", "purpose", "model")
EXPORTED: Final = ("purpose", "model", "calls", "prompt_tokens", "completion_tokens")
AMOUNTS: Final = ("calls", "estimated", "prompt_tokens", "completion_tokens")
TOKENS: Final = usage.c.prompt_tokens + usage.c.completion_tokens


class Totals(NamedTuple):
    """Tokens used on a day: by everybody, by a server and by a person."""

    day: int
    server: int
    person: int


class Ledger:
    """Add up language model usage."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Usage of people who were forgotten, on that day only: it still counts against their budget.
        self._forgotten: dict[int, tuple[date, int]] = {}

    async def add(self, day: date, payer: Payer, spent: Spent) -> None:
        """Add a call to its row."""
        async with self._database.writing() as connection:
            await self._add(connection, _key(day, payer.server_id, payer.person_id, spent), _amounts(spent))

    async def settle(self, begun: Begun, spent: Spent) -> None:
        """Replace a call's estimate by what it took; the estimate may have moved to the row of NOBODY by now."""
        before, after = _amounts(begun.expected), _amounts(spent)
        more = {name: usage.c[name] + after[name] - before[name] for name in AMOUNTS}
        async with self._database.writing() as connection:
            for key in _where_it_went(begun):
                same = sa.and_(*(usage.c[name] == value for name, value in key.items()))
                if (await connection.execute(sa.update(usage).where(same).values(more))).rowcount:
                    return
            await self._add(connection, _key(begun.day, None, None, begun.expected), after)

    async def totals(self, day: date, payer: Payer) -> Totals:
        """Sum the tokens used on a day: by everybody, by the payer's server and by the person."""
        of_server = sa.case((usage.c.guild_id == payer.server_id, TOKENS), else_=0)
        of_person = sa.case((usage.c.person_id == payer.person_id, TOKENS), else_=0)
        sums = [sa.func.coalesce(sa.func.sum(tokens), 0) for tokens in (TOKENS, of_server, of_person)]
        async with self._database.reading() as connection:
            everything, server, person = (await connection.execute(sa.select(*sums).where(usage.c.day == day))).one()
        return Totals(int(everything), int(server), int(person) + self._from_before(day, payer.person_id))

    async def since(self, day: date, guild_id: int | None = None) -> list[Spending]:
        """List the usage since a day by day, purpose and model, of one server or of all."""
        parts = [usage.c.day, usage.c.purpose, usage.c.model]
        query = sa.select(*parts, *(sa.func.sum(usage.c[name]) for name in AMOUNTS)).where(usage.c.day >= day)
        if guild_id is not None:
            query = query.where(usage.c.guild_id == guild_id)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.group_by(*parts).order_by(*parts))
            return [Spending(on, purpose, model, *map(int, amounts)) for on, purpose, model, *amounts in rows]

    async def forget_older(self, connection: AsyncConnection, people: date, servers: date, everything: date) -> None:
        """Thin out old usage, each step from a day of its own.

        Usage before `people` loses its person, usage before `servers` its server, and usage before `everything` is
        deleted.
        """
        await connection.execute(sa.delete(usage).where(usage.c.day < everything))
        await self._let_go(connection, "person_id", usage.c.day < people)
        await self._let_go(connection, "guild_id", usage.c.day < servers)

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export a person's usage."""
        server = sa.func.nullif(usage.c.guild_id, NOBODY).label("guild_id")
        rows = await connection.execute(
            sa.select(usage.c.day, server, *(usage.c[name] for name in EXPORTED))
            .where(usage.c.person_id == user_id)
            .order_by(*(usage.c[name] for name in KEY))
        )
        return {"language_model": [exported(row) for row in rows]}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Forget that the usage was this person's; it stays in the sums.

        What they used on the latest day is kept in memory, so that their budget of that day still holds.
        """
        theirs = usage.c.person_id == user_id
        latest = sa.select(usage.c.day, sa.func.sum(TOKENS)).where(theirs).group_by(usage.c.day)
        row = (await connection.execute(latest.order_by(usage.c.day.desc()).limit(1))).one_or_none()
        if row is not None:
            taken = int(row[1]) + self._from_before(row[0], user_id)
            others = {who: entry for who, entry in self._forgotten.items() if entry[0] == row[0]}
            self._forgotten = others | {user_id: (row[0], taken)}
        return await self._let_go(connection, "person_id", theirs)

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Forget that the usage was this server's; it stays in the sums."""
        return await self._let_go(connection, "guild_id", usage.c.guild_id == guild_id)

    def _from_before(self, day: date, person_id: int | None) -> int:
        """Look up what a person used on a day before being forgotten."""
        on, tokens = self._forgotten.get(person_id or NOBODY, (None, 0))
        return tokens if on == day else 0

    async def _let_go(self, connection: AsyncConnection, column: str, which: sa.ColumnElement[bool]) -> int:
        """Add rows to those of NOBODY, delete them, and return how many there were."""
        going = which & (usage.c[column] != NOBODY)
        others = [usage.c[name] for name in KEY if name != column]
        sums = [sa.func.sum(usage.c[name]) for name in AMOUNTS]
        names = [*(other.name for other in others), column, *AMOUNTS]
        left = sa.select(*others, sa.literal(NOBODY, sa.BigInteger), *sums).where(going).group_by(*others)
        insert = insert_into(connection, usage).from_select(names, left)
        more = {name: usage.c[name] + insert.excluded[name] for name in AMOUNTS}
        await connection.execute(insert.on_conflict_do_update(index_elements=KEY, set_=more))
        return (await connection.execute(sa.delete(usage).where(going))).rowcount

    async def _add(self, connection: AsyncConnection, key: dict[str, Any], amounts: dict[str, int]) -> None:
        insert = insert_into(connection, usage).values(key | amounts)
        more = {name: usage.c[name] + insert.excluded[name] for name in AMOUNTS}
        await connection.execute(insert.on_conflict_do_update(index_elements=KEY, set_=more))


def _key(day: date, server_id: int | None, person_id: int | None, spent: Spent) -> dict[str, Any]:
    values = (day, server_id or NOBODY, person_id or NOBODY, spent.purpose, spent.model)
    return dict(zip(KEY, values, strict=True))


def _amounts(spent: Spent) -> dict[str, int]:
    values = (1, int(spent.estimated), spent.prompt_tokens, spent.completion_tokens)
    return dict(zip(AMOUNTS, values, strict=True))


def _where_it_went(begun: Begun) -> Iterator[dict[str, Any]]:
    """Yield the rows a call may be in: its own, and those after person, server or both were forgotten."""
    for server_id in dict.fromkeys((begun.payer.server_id, None)):
        for person_id in dict.fromkeys((begun.payer.person_id, None)):
            yield _key(begun.day, server_id, person_id, begun.expected)
