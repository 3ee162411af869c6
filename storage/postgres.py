"""Connections to a PostgreSQL server: by libpq's URL, through PgBouncer too, and lost within seconds once it is.

A server that is paused or cut off closes no connection: a statement would wait for it for ever. So one that was not
used just now is asked for a sign of life first, and while a statement takes long a second connection finds out whether
anybody is there. No statement is prepared under a name, as PgBouncer may hand the next one to another session.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import create_async_engine

from storage.breaker import Breaker
from storage.errors import BadInputError, DatabaseAwayError, ServerRefusedError

if TYPE_CHECKING:
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncEngine

FIRST: Final = 3.0  # seconds for the first connection; somebody has just started the program and can wait
CONNECTING: Final = 1.5  # for each after it: Discord waits no longer than 3 s for a sign
LIFE: Final = 0.8  # for a sign of life
FRESH: Final = 1.0  # after which a connection that nobody used is asked for one
LONG: Final = 1.5  # after which a statement is taken to be long
LONGEST: Final = 600.0  # for a statement at all
REST: Final = 2.0  # that a server is left alone which could not be reached twice
# Of libpq's parameters those that asyncpg cannot follow: it would send them to the server as settings.
WITHOUT_EFFECT: Final = frozenset(
    {
        *("channel_binding", "fallback_application_name", "gssdelegation", "gssencmode", "hostaddr", "keepalives"),
        *("keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication"),
        *("require_auth", "requirepeer", "sslcertmode", "sslcompression", "sslcrldir", "sslsni", "tcp_user_timeout"),
    }
)
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]*)(?::\d+)?"
_HOSTS: Final = re.compile(rf"{_HOST}(?:,{_HOST})*")
# What SQLAlchemy's own URLs may say besides, and is so in any case.
IN_ANY_CASE: Final = frozenset({"prepared_statement_cache_size", "statement_cache_size"})


def create_postgres_engine(url: str) -> AsyncEngine:
    """Make an engine for the server at a URL of libpq's or SQLAlchemy's spelling; nothing of it is passed over.

    Every use of it may raise DatabaseAwayError, until the server answers; the first may raise ServerRefusedError.
    Raises BadInputError where the URL names no server.
    """
    server = _Server(url)
    arguments = {
        "async_creator_fn": server.connect,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": str,
    }
    # An error names the values of its statement otherwise, which may be somebody's words, and it may come into a log.
    engine = create_async_engine("postgresql+asyncpg://", connect_args=arguments, hide_parameters=True)
    sa.event.listen(engine.sync_engine, "connect", _note_use)
    sa.event.listen(engine.sync_engine, "checkout", _see_whether_it_lives)
    sa.event.listen(engine.sync_engine, "checkin", _note_use)
    sa.event.listen(engine.sync_engine, "before_cursor_execute", server.begin_watch)
    sa.event.listen(engine.sync_engine, "after_cursor_execute", server.end_watch)
    sa.event.listen(engine.sync_engine, "handle_error", server.explain)
    return engine


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Wait only a moment for what a server that is there does at once: beginnings and ends."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109  # asyncpg's
        if not query.startswith(("BEGIN", "ROLLBACK")):
            return str(await super().execute(query, *args, timeout=timeout))
        try:
            async with asyncio.timeout(LIFE):
                return str(await super().execute(query, *args))
        except TimeoutError:
            self.terminate()  # or its end would be waited for too
            raise asyncpg.InterfaceError("connection is closed") from None

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Say goodbye, and go in any case."""
        try:
            await super().close(timeout=timeout or LIFE)
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
            self.terminate()


class _Server:
    """Know how a server is reached, and whether it is there."""

    def __init__(self, url: str) -> None:
        self._dsn, self._address, self._patience = _read(url)
        self._breaker = Breaker(REST)
        self._reached = False

    async def connect(self, **_: object) -> asyncpg.Connection:
        """Open a connection."""
        if not self._breaker.closed():
            raise self._away("no connection")
        patience = self._patience or (CONNECTING if self._reached else FIRST)
        try:
            async with asyncio.timeout(patience):
                connection = await self._open()
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            if self._reached:  # the database was dropped, to be restored perhaps, or its user shut out for a while
                raise self._away(_first_line(error)) from error
            self._breaker.worked()
            raise ServerRefusedError(
                f"The database server at {self._address} will not have us ({_first_line(error)}); check "
                "FOOTNOTE_DATABASE_URL."
            ) from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self._breaker.failed()
            raise self._away(_first_line(error)) from error
        except ValueError as error:  # of a certificate that cannot be read, say
            raise BadInputError(f"FOOTNOTE_DATABASE_URL cannot be followed ({_first_line(error)}).") from error
        self._breaker.worked()
        self._reached = True
        return connection

    def begin_watch(self, connection: sa.Connection, *_: object) -> None:
        """Look whether the server is there when a statement has taken long."""
        driver = connection.connection.driver_connection
        loop = asyncio.get_running_loop()
        connection.info["footnote_watch"] = loop.call_later(LONG, self._start_watch, connection, driver)

    def end_watch(self, connection: sa.Connection, *_: object) -> None:
        """Leave it at that, as the statement has ended."""
        _stop_watch(connection)

    def explain(self, context: ExceptionContext) -> Exception | None:
        """Return a sentence for an error that is a server's absence; it also ends what is still connected."""
        if context.connection is not None:
            _stop_watch(context.connection)
        error = context.original_exception
        if not isinstance(error, Exception) or isinstance(error, DatabaseAwayError):  # who is cancelled has no trouble
            return None
        cause = getattr(error, "__cause__", None)
        if not (context.is_disconnect or isinstance(error, OSError) or isinstance(cause, _ABSENT)):
            return None
        context.is_disconnect = True
        lost = isinstance(cause, asyncpg.UndefinedTableError)
        return self._away("it has lost its tables" if lost else "the connection broke off")

    def _start_watch(self, connection: sa.Connection, driver: asyncpg.Connection) -> None:
        connection.info["footnote_watch"] = asyncio.get_running_loop().create_task(self._watch(driver))

    async def _watch(self, driver: asyncpg.Connection) -> None:
        """End a connection whose server does not take another one; one that refuses it is there."""
        while True:
            try:
                async with asyncio.timeout(CONNECTING):
                    other = await self._open()
            except OSError:
                driver.terminate()
                return
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                pass
            else:
                with suppress(Exception):
                    await other.close(timeout=LIFE)
            await asyncio.sleep(LONG)

    async def _open(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._dsn, connection_class=_Connection, statement_cache_size=0, command_timeout=LONGEST
        )

    def _away(self, reason: str) -> DatabaseAwayError:
        return DatabaseAwayError(
            f"The database at {self._address} does not answer ({reason}); make sure that the server runs, and check "
            "FOOTNOTE_DATABASE_URL."
        )


# Of a server that stops, starts, or has lost its tables.
_ABSENT: Final = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.UndefinedTableError)


def _stop_watch(connection: sa.Connection) -> None:
    watch: asyncio.TimerHandle | asyncio.Task[None] | None = connection.info.pop("footnote_watch", None)
    if watch is not None:
        watch.cancel()


def _see_whether_it_lives(connection: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401  # SQLAlchemy's
    if record.driver_connection.is_closed():
        raise DisconnectionError
    if time.monotonic() - record.info.get("footnote_used", 0.0) > FRESH:
        try:
            connection.ping()
        except Exception as error:
            raise DisconnectionError from error


def _note_use(_connection: object, record: Any) -> None:  # noqa: ANN401
    record.info["footnote_used"] = time.monotonic()


def _read(url: str) -> tuple[str, str, float | None]:
    """Return a URL as asyncpg reads it, the hosts in it, and how many seconds it gives a connection."""
    try:
        parts = urlsplit(url.strip())
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _no_server() from None
    sent: dict[str, str] = {}
    patience: float | None = None
    for name, value in parameters:
        if name in WITHOUT_EFFECT:
            raise BadInputError(f"FOOTNOTE_DATABASE_URL says {name}, which has no effect here; leave it out.")
        if name == "connect_timeout":
            patience = _seconds(value)
        elif name == "ssl":
            sent["sslmode"] = value
        elif name == "host" and name in sent:  # SQLAlchemy names several hosts so, each with its port
            sent[name] += f",{value}"
        elif name not in IN_ANY_CASE:
            sent[name] = value
    login, _, hosts = parts.netloc.rpartition("@")
    if parts.fragment or not _HOSTS.fullmatch(hosts):
        raise _no_server()
    address = hosts or sent.get("host") or sent.get("service") or "localhost"
    netloc = f"{_quoted(login)}@{hosts}" if login else hosts
    return urlunsplit(("postgresql", netloc, parts.path, urlencode(sent), "")), address, patience


def _quoted(login: str) -> str:
    """Return user and password so that a sign which libpq takes as it is stands for itself."""
    user, colon, password = login.partition(":")
    return f"{quote(user, safe='%')}{colon}{quote(password, safe='%')}"


def _seconds(value: str) -> float:
    if not value.isdecimal() or not int(value):
        raise BadInputError("connect_timeout in FOOTNOTE_DATABASE_URL is no number of seconds; write it like 5.")
    return float(value)


def _no_server() -> BadInputError:
    return BadInputError(
        "FOOTNOTE_DATABASE_URL names no database that Footnote can use; write it as "
        "postgresql://user:password@host/name, or leave it out for SQLite in the data dir."
    )


def _first_line(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
