"""`footnote copy`: copy a whole library and the bot's memory between databases, row by row, and compare them."""

from __future__ import annotations

import hashlib
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bot.console import progress_bar, show_figures, stdout
from bot.store import FILE, Store
from bot.store import store_tables as memory
from retrieval import BadInputError, LibraryDamagedError
from retrieval.catalogue import catalogue_tables as library
from retrieval.catalogue.catalogue import Catalogue
from retrieval.data_dir import CATALOGUE, lock_data_dir
from storage.engine import create_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine

ROWS: Final = 500  # per transaction
# Valid only for one database or one moment: the live collection, and the state of running processes.
LEFT: Final = frozenset({"library_state", "index_turn", "shard_leases", "seen_events", "acts"})
# An answer refers to the one before it.
ORDERS: Final = {"answers": ("asked_at", "answer_id")}
UNFINISHED: Final = sa.Table("footnote_copy", sa.MetaData(), sa.Column("source", sa.Text, nullable=False))


@dataclass(frozen=True, slots=True)
class DataLocation:
    """Where a library and a memory are stored: in a data dir, or both in one database."""

    name: str
    catalogue: str | Path
    folder: Path
    memory: str | None
    own: bool

    @classmethod
    def read(cls, written: str) -> DataLocation:
        """Parse a data dir's path or a database's URL."""
        if "://" in written:
            return cls(_nameless(written), written, Path(), written, own=False)
        folder = Path(written).expanduser().resolve()
        return cls(str(folder), folder / CATALOGUE, folder, None, own=True)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[dict[str, AsyncEngine]]:
        """Open an engine for each table, with the tables migrated."""
        async with AsyncExitStack() as stack:
            if self.own:
                stack.callback(lock_data_dir(self.folder).release)
            await (await Catalogue.open(self.catalogue)).close()
            await (await Store.open(self.folder, self.memory)).close()
            first = create_engine(self.catalogue)
            stack.push_async_callback(first.dispose)
            second = create_engine(self.memory or self.folder / FILE)
            stack.push_async_callback(second.dispose)
            yield {table.name: first for table in library.metadata.sorted_tables} | {
                table.name: second for table in memory.metadata.sorted_tables
            }


async def copy(source: str, target: str) -> None:
    """Copy the missing rows, compare both sides, and print the counts; raises BadInputError for an unfit target."""
    if "://" not in source and not (Path(source).expanduser() / CATALOGUE).exists():
        raise BadInputError(f"{source} holds no library; name a data dir, or a database like postgresql://host/name.")
    came, goes = DataLocation.read(source), DataLocation.read(target)
    if came.name == goes.name:
        raise BadInputError("Source and target are the same; name another target with --to.")
    tables = [
        table
        for metadata in (library.metadata, memory.metadata)
        for table in metadata.sorted_tables
        if table.name not in LEFT
    ]
    async with came.opened() as read, goes.opened() as written:
        await _begin(written["papers"], came.name, goes.name)
        totals = {table.name: await _count(read[table.name], table) for table in tables}
        with progress_bar("Copying") as report:
            done = 0
            for table in tables:
                before = done
                async for rows in _copied(table, read[table.name], written[table.name]):
                    done = before + rows
                    report(done, sum(totals.values()))
                done = before + totals[table.name]
                await _go_on_counting(table, written[table.name])
        with progress_bar("Comparing") as report:
            for number, table in enumerate(tables, 1):
                if await _sum(table, read[table.name]) != await _sum(table, written[table.name]):
                    raise LibraryDamagedError(
                        f"{table.name} is not the same in both; stop whatever writes to {came.name}, empty "
                        f"{goes.name}, and copy again."
                    )
                report(number, len(tables))
        async with written["papers"].begin() as connection:
            await connection.execute(sa.schema.DropTable(UNFINISHED))
    copied = {name: rows for name, rows in totals.items() if rows}
    show_figures("Copied; counts and hashes match", copied, stdout())


async def _begin(engine: AsyncEngine, source: str, target: str) -> None:
    """Record the source, so that the copy can be resumed; refuse a target with other data in it."""
    async with engine.begin() as connection:
        there = await connection.run_sync(lambda plain: sa.inspect(plain).has_table(UNFINISHED.name))
        if there:
            if await connection.scalar(sa.select(UNFINISHED.c.source)) != source:
                raise BadInputError(f"{target} contains part of another library; name an empty database with --to.")
            return
        if await connection.scalar(sa.select(sa.exists().select_from(library.papers))):
            raise BadInputError(f"{target} already contains papers; name an empty database with --to.")
        await connection.execute(sa.schema.CreateTable(UNFINISHED))
        await connection.execute(sa.insert(UNFINISHED).values(source=source))


async def _copied(table: sa.Table, read: AsyncEngine, written: AsyncEngine) -> AsyncIterator[int]:
    """Copy the rows that the target lacks, in the source's order, and yield how many it has."""
    rows = await _count(written, table)
    last = None
    if rows:
        async with read.connect() as connection:
            last = (await connection.execute(_in_order(table).offset(rows - 1).limit(1))).one_or_none()
        yield rows
    async for some in _read(table, read, last):
        async with written.begin() as connection:
            await connection.execute(sa.insert(table), [dict(row._mapping) for row in some])  # noqa: SLF001  # public
        rows += len(some)
        yield rows


async def _read(
    table: sa.Table, engine: AsyncEngine, last: sa.Row[Any] | None = None
) -> AsyncIterator[Sequence[sa.Row[Any]]]:
    """Yield a table's rows after `last` in batches, in the database's own order."""
    keys = _keys(table)
    while True:
        query = _in_order(table).limit(ROWS)
        if last is not None:
            given = [sa.literal(last._mapping[key], key.type) for key in keys]  # noqa: SLF001  # public
            query = query.where(sa.tuple_(*keys) > sa.tuple_(*given))
        async with engine.connect() as connection:
            some = (await connection.execute(query)).all()
        if not some:
            return
        yield some
        last = some[-1]


async def _sum(table: sa.Table, engine: AsyncEngine) -> tuple[int, int]:
    """Compute the number of rows, and a hash of them that does not depend on their order."""
    count = total = 0
    async for some in _read(table, engine):
        for row in some:
            digest = hashlib.sha256(json.dumps([_plain(value) for value in row], sort_keys=True).encode()).digest()
            total = (total + int.from_bytes(digest)) % (1 << 256)
        count += len(some)
    return count, total


async def _go_on_counting(table: sa.Table, engine: AsyncEngine) -> None:
    """Make PostgreSQL number new rows after the copied ones."""
    column = table.autoincrement_column
    if column is None or engine.dialect.name != "postgresql":
        return
    async with engine.begin() as connection:
        sequence = await connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
        if sequence and (most := await connection.scalar(sa.select(sa.func.max(column)))):
            await connection.execute(sa.select(sa.func.setval(sequence, most)))


async def _count(engine: AsyncEngine, table: sa.Table) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _keys(table: sa.Table) -> list[sa.Column[Any]]:
    names = ORDERS.get(table.name)
    return [table.c[name] for name in names] if names else list(table.primary_key)


def _in_order(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*_keys(table))


def _plain(value: object) -> object:
    """Convert a value to a form that is the same for both kinds of database."""
    if isinstance(value, (bytes, memoryview)):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def _nameless(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest.rpartition('@')[2]}"
