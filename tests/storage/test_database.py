"""The database that all parts share: how its transactions behave, whoever opens it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from storage.database import Database, upsert
from storage.errors import DatabaseUnusableError
from storage.migration import Migrations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

metadata = sa.MetaData()
people = sa.Table("people", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("age", sa.Integer))
letters = sa.Table("letters", metadata, sa.Column("author", sa.ForeignKey("people.name", ondelete="CASCADE")))
MAKES_THEM = """
import sqlalchemy as sa
revision = "0001"
down_revision = None

def upgrade(op):
    op.create_table("people", sa.Column("name", sa.Text, primary_key=True), sa.Column("age", sa.Integer))
    op.create_table("letters", sa.Column("author", sa.Text, sa.ForeignKey("people.name", ondelete="CASCADE")))
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Migrations:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "r0001.py").write_text(MAKES_THEM)
    return Migrations(tmp_path, "version")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in a folder that does not exist yet, with characters that have a meaning in URLs."""
    return tmp_path / "50% ? #1" / "some.db"


@pytest.fixture
async def database(file: Path, migrations: Migrations) -> AsyncIterator[Database]:
    database = await Database.open(file, migrations, name="It", pragmas={"secure_delete": "ON"})
    yield database
    await database.close()


async def ages(database: Database) -> dict[str, int]:
    async with database.reading() as connection:
        return dict((await connection.execute(sa.select(people.c.name, people.c.age))).all())


async def keep(database: Database, name: str, age: int) -> None:
    async with database.writing() as connection:
        await upsert(connection, people, {"name": name}, {"age": age})


async def test_whoever_reads_first_and_then_writes_never_fails_for_another(
    database: Database, file: Path, migrations: Migrations
) -> None:
    other = await Database.open(file, migrations, name="It")  # like another process
    await keep(database, "Ana", 0)

    async def grow_older(database: Database) -> None:
        async with database.writing() as connection:
            age = await connection.scalar(sa.select(people.c.age))
            await asyncio.sleep(0)
            await connection.execute(sa.update(people).values(age=(age or 0) + 1))

    await asyncio.gather(*(grow_older((database, other)[number % 2]) for number in range(20)))
    assert await ages(other) == {"Ana": 20}
    await other.close()


async def test_a_transaction_that_reads_sees_one_state(database: Database) -> None:
    await keep(database, "Ana", 30)
    async with database.reading() as connection:
        before = await connection.scalar(sa.select(people.c.age))
        await keep(database, "Ana", 31)
        assert await connection.scalar(sa.select(people.c.age)) == before == 30
    assert await ages(database) == {"Ana": 31}


async def test_what_a_thread_reads_is_what_was_written_just_before(database: Database) -> None:
    for age in range(3):
        await keep(database, "Ana", age)
        assert await database.read(lambda connection: connection.scalar(sa.select(people.c.age))) == age


async def test_a_transaction_that_fails_leaves_nothing_and_holds_nobody_up(database: Database) -> None:
    async def fail() -> None:
        async with database.writing() as connection:
            await upsert(connection, people, {"name": "Ana"}, {"age": 1})
            await connection.execute(sa.insert(letters).values(author="nobody"))

    with pytest.raises(IntegrityError):  # references are enforced
        await fail()
    assert await ages(database) == {}
    await keep(database, "Ben", 2)
    assert await ages(database) == {"Ben": 2}


async def test_every_connection_has_the_settings_of_all_and_the_database_s_own(database: Database) -> None:
    async with database.reading() as first, database.reading() as second:
        for connection in (first, second):
            names = ("journal_mode", "foreign_keys", "secure_delete")
            values = [await connection.scalar(sa.text(f"PRAGMA {name}")) for name in names]
            assert values == ["wal", 1, 1]


async def test_what_cannot_be_opened_is_named_with_what_to_do(tmp_path: Path, migrations: Migrations) -> None:
    for location in (tmp_path, tmp_path / "versions" / "r0001.py" / "some.db", tmp_path / "versions" / "r0001.py"):
        with pytest.raises(DatabaseUnusableError, match=r"^The letters cannot be opened \(.+\); restore it from"):
            await Database.open(location, migrations, name="The letters")
