from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.store import ServerSettings, Store
from bot.store.store import MIGRATIONS
from bot.store.store_tables import metadata
from storage.errors import DatabaseUnusableError, FootnoteError, MigrationError
from tests.bot.store.kept import ANA, SERVER, kept

if TYPE_CHECKING:
    from tests.bot.store.conftest import Place

ROOT = Path(__file__).parents[3]
KEEPS_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from bot.store import Store
from tests.bot.store.kept import kept

async def main():
    store = await Store.open(Path(sys.argv[1]), sys.argv[2] or None)
    async def keep(worker):
        for number in range(10_000):
            one = kept(f"{worker}-{number}")
            await store.answers.keep(one)
            await store.answers.mark_posted(one.answer_id, [worker * 10_000 + number])
            print(worker, number, flush=True)
    await asyncio.gather(*(keep(worker) for worker in range(4)))

asyncio.run(main())
"""


@pytest.mark.parametrize("tables", [False])
async def test_the_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        options = {"version_table": MIGRATIONS.version_table, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    def rules(inspector: sa.Inspector) -> set[tuple[str, str, str]]:
        return {
            (table, key["constrained_columns"][0], key["options"]["ondelete"])
            for table in metadata.tables
            for key in inspector.get_foreign_keys(table)
        }

    async with store._database.reading() as connection:
        assert await connection.run_sync(differences) == []
        made = await connection.run_sync(lambda connection: rules(sa.inspect(connection)))
    meant = {
        (table.name, key.parent.name, key.ondelete) for table in metadata.sorted_tables for key in table.foreign_keys
    }
    assert made == meant


async def test_two_openings_at_once_both_work(place: Place) -> None:
    one, two = await asyncio.gather(place.open(), place.open())
    await one.answers.keep(kept("one"))
    assert await two.answers.get(kept("one").answer_id) == kept("one")
    await one.close()
    await two.close()


async def test_many_writers_in_two_stores_on_one_database_all_succeed(place: Place) -> None:
    stores = [await place.open(), await place.open()]
    await stores[0].answers.keep(kept("one", "arxiv:1"))

    async def click(person: int) -> None:
        store = stores[person % 2]
        await store.feedback.rate(kept("one").answer_id, person, 1)
        await store.feedback.star("arxiv:1", person, SERVER)

    await asyncio.gather(*(click(person) for person in range(40)))
    assert await stores[0].feedback.liked(SERVER) == {"arxiv:1": 60.0}
    for store in stores:
        await store.close()


async def test_nothing_that_was_kept_is_lost_to_kill_9(place: Place) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", KEEPS_UNTIL_KILLED, str(place.data_dir), place.url or ""],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = asyncio.get_running_loop().call_later(60, process.kill)
    try:
        assert process.stdout is not None
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(60)]
    finally:
        process.kill()
        rest, _ = await asyncio.to_thread(process.communicate, timeout=30)
        watchdog.cancel()
    assert process.returncode == -signal.SIGKILL
    done = [line.split() for line in [*lines, *rest.splitlines()] if line.strip()]
    assert len(done) >= 60
    store = await place.open()
    for worker, number in done:
        found = await store.answers.of_message(int(worker) * 10_000 + int(number))
        assert found == kept(f"{worker}-{number}")
    await store.close()


async def test_a_store_of_a_newer_version_is_refused_with_a_sentence(place: Place) -> None:
    store = await place.open()
    async with store._database.writing() as connection:
        await connection.execute(sa.text("UPDATE store_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(MigrationError, match=r"newer version of Footnote .*9999.*update Footnote"):
        await place.open()


async def test_a_file_that_is_no_database_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "memory.db").write_bytes(b"This is a letter to a friend.\n" * 100)
    with pytest.raises(DatabaseUnusableError, match="not a database"):
        await Store.open(tmp_path)


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://me:hunter2@host/x", "postgresql+asyncpg://me:hunter2@127.0.0.1:1/x"]
)
async def test_a_database_that_cannot_be_reached_is_said_so_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(FootnoteError, match="FOOTNOTE_DATABASE_URL") as caught:
        await Store.open(tmp_path, url)
    assert "hunter2" not in str(caught.value)


async def test_a_sqlite_url_is_a_file_like_any_other(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'new folder' / 'else.db'}"
    store = await Store.open(tmp_path, url)
    await store.servers.save(SERVER, ServerSettings(prefix="?"))
    await store.close()
    store = await Store.open(tmp_path, url)
    assert await store.servers.of(SERVER) == ServerSettings(prefix="?")
    assert await store.export(ANA)
    await store.close()
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["else.db"]
