"""Connections to a PostgreSQL server, by a libpq URL, also through PgBouncer; a lost server is noticed within seconds.

A server that is paused or cut off does not close its connections, and a statement would wait for ever. So an idle
connection is pinged before use, and while a statement takes long, a second connection checks that the server is alive.
Prepared statements are unnamed, because PgBouncer may send the next one to another session.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from datetime import timedelta
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

FIRST_CONNECT_TIMEOUT: Final = timedelta(seconds=3)  # whoever has just started the program can wait
CONNECT_TIMEOUT: Final = timedelta(seconds=1.5)  # Discord wants an acknowledgement within 3 s
PING_TIMEOUT: Final = timedelta(seconds=0.8)
PING_AFTER: Final = timedelta(seconds=1)  # a connection idle for longer is pinged before use
WATCH_AFTER: Final = timedelta(seconds=1.5)  # a statement that runs longer is watched
STATEMENT_TIMEOUT: Final = timedelta(minutes=10)
REST: Final = timedelta(seconds=2)  # how long no connection is tried after two failures
# libpq parameters that asyncpg does not support: it would send them to the server as settings.
UNSUPPORTED_PARAMETERS: Final = frozenset(
    {
        *("channel_binding", "fallback_application_name", "gssdelegation", "gssencmode", "hostaddr", "keepalives"),
        *("keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication"),
        *("require_auth", "requirepeer", "sslcertmode", "sslcompression", "sslcrldir", "sslsni", "tcp_user_timeout"),
    }
)
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]*)(?::\d+)?"
_HOSTS: Final = re.compile(rf"{_HOST}(?:,{_HOST})*")
# Parameters of SQLAlchemy's URLs whose values are always ours.
OWN_PARAMETERS: Final = frozenset({"prepared_statement_cache_size", "statement_cache_size"})


def create_postgres_engine(url: str) -> AsyncEngine:
    """Create an engine for a libpq or SQLAlchemy URL; no parameter is silently ignored.

    Using it raises DatabaseAwayError while the server is unreachable; the first use may raise ServerRefusedError.
    Raises BadInputError if the URL is wrong.
    """
    server = _Server(url)
    arguments = {
        "async_creator_fn": server.connect,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": str,
    }
    # Otherwise errors contain the statement's parameters, which may be a user's words and may end up in a log.
    engine = create_async_engine("postgresql+asyncpg://", connect_args=arguments, hide_parameters=True)
    sa.event.listen(engine.sync_engine, "connect", _note_use)
    sa.event.listen(engine.sync_engine, "checkout", _ping_if_idle)
    sa.event.listen(engine.sync_engine, "checkin", _note_use)
    sa.event.listen(engine.sync_engine, "before_cursor_execute", server.begin_watch)
    sa.event.listen(engine.sync_engine, "after_cursor_execute", server.end_watch)
    sa.event.listen(engine.sync_engine, "handle_error", server.translate_error)
    return engine


class _TimedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection with a short timeout for BEGIN, ROLLBACK and close, which a live server does at once."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109  # asyncpg's
        if not query.startswith(("BEGIN", "ROLLBACK")):
            return str(await super().execute(query, *args, timeout=timeout))
        try:
            async with asyncio.timeout(PING_TIMEOUT.total_seconds()):
                return str(await super().execute(query, *args))
        except TimeoutError:
            self.terminate()  # or closing it would wait as well
            raise asyncpg.InterfaceError("connection is closed") from None

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Close the connection, or terminate it if the server does not respond."""
        try:
            await super().close(timeout=timeout or PING_TIMEOUT.total_seconds())
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
            self.terminate()


class _Server:
    """A server: how to connect to it, and whether it is alive."""

    def __init__(self, url: str) -> None:
        self._dsn, self._address, self._patience = _parse_url(url)
        self._breaker = Breaker(REST)
        self._reached = False

    async def connect(self, **_: object) -> asyncpg.Connection:
        """Open a connection, unless the breaker is open."""
        if not self._breaker.allows_call():
            raise self._away_error("no connection")
        patience = self._patience or (CONNECT_TIMEOUT if self._reached else FIRST_CONNECT_TIMEOUT)
        try:
            async with asyncio.timeout(patience.total_seconds()):
                connection = await self._open()
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            if self._reached:  # dropped, perhaps to be restored, or its user locked out for a while
                raise self._away_error(_first_line(error)) from error
            self._breaker.record_success()
            raise ServerRefusedError(
                f"The database server at {self._address} will not have us ({_first_line(error)}); check "
                "FOOTNOTE_DATABASE_URL."
            ) from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self._breaker.record_failure()
            raise self._away_error(_first_line(error)) from error
        except ValueError as error:  # such as a certificate that cannot be read
            raise BadInputError(f"FOOTNOTE_DATABASE_URL cannot be followed ({_first_line(error)}).") from error
        self._breaker.record_success()
        self._reached = True
        return connection

    def begin_watch(self, connection: sa.Connection, *_: object) -> None:
        """Start to watch the server if a statement takes long."""
        driver = connection.connection.driver_connection
        loop = asyncio.get_running_loop()
        watch = loop.call_later(WATCH_AFTER.total_seconds(), self._start_watch, connection, driver)
        connection.info["footnote_watch"] = watch

    def end_watch(self, connection: sa.Connection, *_: object) -> None:
        """Stop watching: the statement has ended."""
        _stop_watch(connection)

    def translate_error(self, context: ExceptionContext) -> Exception | None:
        """Translate a driver's error to DatabaseAwayError if the server is gone, and drop its connection; else None."""
        if context.connection is not None:
            _stop_watch(context.connection)
        error = context.original_exception
        if not isinstance(error, Exception) or isinstance(error, DatabaseAwayError):  # a cancelled task is no error
            return None
        cause = getattr(error, "__cause__", None)
        if not (context.is_disconnect or isinstance(error, OSError) or isinstance(cause, _AWAY_ERRORS)):
            return None
        context.is_disconnect = True
        tables_lost = isinstance(cause, asyncpg.UndefinedTableError)
        return self._away_error("it has lost its tables" if tables_lost else "the connection broke off")

    def _start_watch(self, connection: sa.Connection, driver: asyncpg.Connection) -> None:
        connection.info["footnote_watch"] = asyncio.get_running_loop().create_task(self._watch(driver))

    async def _watch(self, driver: asyncpg.Connection) -> None:
        """Terminate a connection once its server accepts no other one; a server that refuses is alive."""
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
                    other = await self._open()
            except OSError:
                driver.terminate()
                return
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                pass
            else:
                with suppress(Exception):
                    await other.close(timeout=PING_TIMEOUT.total_seconds())
            await asyncio.sleep(WATCH_AFTER.total_seconds())

    async def _open(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._dsn,
            connection_class=_TimedConnection,
            statement_cache_size=0,
            command_timeout=STATEMENT_TIMEOUT.total_seconds(),
        )

    def _away_error(self, reason: str) -> DatabaseAwayError:
        return DatabaseAwayError(
            f"The database at {self._address} does not answer ({reason}); make sure that the server runs, and check "
            "FOOTNOTE_DATABASE_URL."
        )


# What a server raises that is stopping or starting, or whose tables are gone.
_AWAY_ERRORS: Final = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.UndefinedTableError)


def _stop_watch(connection: sa.Connection) -> None:
    watch: asyncio.TimerHandle | asyncio.Task[None] | None = connection.info.pop("footnote_watch", None)
    if watch is not None:
        watch.cancel()


def _ping_if_idle(connection: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401  # SQLAlchemy's
    """Raise DisconnectionError if a connection is closed or does not reply; SQLAlchemy then takes another one."""
    if record.driver_connection.is_closed():
        raise DisconnectionError
    if time.monotonic() - record.info.get("footnote_used", 0.0) > PING_AFTER.total_seconds():
        try:
            connection.ping()
        except Exception as error:
            raise DisconnectionError from error


def _note_use(_connection: object, record: Any) -> None:  # noqa: ANN401
    """Note when a connection was last used, for `_ping_if_idle`."""
    record.info["footnote_used"] = time.monotonic()


def _parse_url(url: str) -> tuple[str, str, timedelta | None]:
    """Parse a URL into one that asyncpg accepts, its hosts, and its connect_timeout."""
    try:
        parts = urlsplit(url.strip())
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _no_database_error() from None
    sent: dict[str, str] = {}
    patience: timedelta | None = None
    for name, value in parameters:
        if name in UNSUPPORTED_PARAMETERS:
            raise BadInputError(f"FOOTNOTE_DATABASE_URL says {name}, which has no effect here; leave it out.")
        if name == "connect_timeout":
            patience = _timeout(value)
        elif name == "ssl":
            sent["sslmode"] = value
        elif name == "host" and name in sent:  # SQLAlchemy's spelling of several hosts, each with its port
            sent[name] += f",{value}"
        elif name not in OWN_PARAMETERS:
            sent[name] = value
    login, _, hosts = parts.netloc.rpartition("@")
    if parts.fragment or not _HOSTS.fullmatch(hosts):
        raise _no_database_error()
    address = hosts or sent.get("host") or sent.get("service") or "localhost"
    netloc = f"{_percent_encode(login)}@{hosts}" if login else hosts
    return urlunsplit(("postgresql", netloc, parts.path, urlencode(sent), "")), address, patience


def _percent_encode(login: str) -> str:
    """Percent-encode user and password where libpq would take a character literally."""
    user, colon, password = login.partition(":")
    return f"{quote(user, safe='%')}{colon}{quote(password, safe='%')}"


def _timeout(value: str) -> timedelta:
    if not value.isdecimal() or not int(value):
        raise BadInputError("connect_timeout in FOOTNOTE_DATABASE_URL is no number of seconds; write it like 5.")
    return timedelta(seconds=int(value[:9]))


def _no_database_error() -> BadInputError:
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
