"""Servers that are paused, killed, cut off, emptied, or demand a token: a sentence soon, and no restart afterwards."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import chromadb
import pytest
import sqlalchemy as sa
import trustme
from aiohttp import ClientSession, web

from retrieval.errors import BadInputError, DatabaseAwayError, FootnoteError, ServerRefusedError
from retrieval.index.chroma_server import ChromaServer
from retrieval.index.vectors import DenseIndex
from retrieval.library import Library
from storage.engine import create_engine
from tests.retrieval.index.test_self_check import NumberEmbedder
from tests.retrieval.test_shared import SUBJECTS, finds, first, paper, papers, soon
from tests.servers import Chroma, Postgres, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SENTENCE_WITHIN = 5.0  # seconds
TOKEN = "a token of letters"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the intervals between checks; the time that people wait for a server stays the same."""
    monkeypatch.setattr("retrieval.index.chroma_server.REST", timedelta(seconds=1))
    monkeypatch.setattr("retrieval.index.indexer.GRACE", timedelta(seconds=0.5))
    monkeypatch.setattr("retrieval.maintenance.FOLLOWED_EVERY", timedelta(seconds=0.3))


@pytest.fixture
async def library(tmp_path: Path, chroma: Chroma, database: str) -> AsyncIterator[Library]:
    library = await Library.open(
        tmp_path / "data", NumberEmbedder(), database_url=database, chroma=ChromaServer(chroma.url)
    )
    await library.add(papers())
    yield library
    await library.close()


async def within(seconds: float, library: Library) -> None:
    """Wait until searches use the vectors again and no paper is pending."""
    end = time.monotonic() + seconds
    while True:
        await library.search("On otters")
        if not library.gaps.vectors and not (await library.counts()).pending:
            return
        assert time.monotonic() < end, "not whole again"
        await asyncio.sleep(0.2)


async def test_a_paused_chroma_costs_a_moment_and_then_nothing(library: Library, chroma: Chroma) -> None:
    chroma.pause()
    times = []
    for _ in range(3):
        began = time.monotonic()
        assert (await first(library, "On comets") or "")[0] == "p:comets"  # found by its words
        times.append(time.monotonic() - began)
        assert library.gaps.vectors
    assert max(times) < SENTENCE_WITHIN
    assert times[2] < 0.5  # the breaker answers at once
    chroma.resume()
    await within(10, library)


async def test_what_arrives_while_chroma_is_killed_is_found_by_its_vectors_later(
    library: Library, chroma: Chroma
) -> None:
    chroma.kill()
    began = time.monotonic()
    assert (await first(library, "On comets") or "")[0] == "p:comets"
    await library.add([paper("beavers")])
    assert time.monotonic() - began < SENTENCE_WITHIN
    assert library.gaps.vectors
    assert (await library.counts()).pending == 1
    chroma.start()
    await within(20, library)
    await finds(library, "On beavers", "p:beavers")


@pytest.mark.parametrize("by", ["its folder", "its collections"])
async def test_an_emptied_chroma_is_filled_again_while_the_library_is_open(
    library: Library, chroma: Chroma, by: str
) -> None:
    embedder = library.embedder
    assert isinstance(embedder, NumberEmbedder)
    asked = embedder.asked
    if by == "its folder":
        chroma.kill()
        chroma.empty()
        chroma.start()
    else:
        server = chromadb.HttpClient(port=chroma.port)
        for each in server.list_collections():
            server.delete_collection(each.name)
    began = time.monotonic()
    assert (await first(library, "On comets") or "")[0] == "p:comets"
    assert time.monotonic() - began < SENTENCE_WITHIN
    assert library.gaps.vectors
    await within(30, library)
    found = await asyncio.to_thread(library._parts.dense.query, (await library.embed("On otters")).vector, 100)
    assert {each.rpartition("#")[0] for each, _ in found} == {f"p:{subject}" for subject in SUBJECTS}
    assert embedder.asked - asked < 10  # only the questions


async def test_a_library_opens_while_chroma_is_away_and_is_whole_once_it_is_there(
    tmp_path: Path, chroma: Chroma, database: str, library: Library
) -> None:
    chroma.kill()
    began = time.monotonic()
    other = await Library.open(tmp_path / "b", NumberEmbedder(), database_url=database, chroma=ChromaServer(chroma.url))
    assert time.monotonic() - began < SENTENCE_WITHIN
    assert (await first(other, "On comets") or "")[0] == "p:comets"
    assert other.gaps.vectors
    chroma.start()
    await within(20, other)
    await other.close()


async def test_a_connection_that_is_cut_is_made_anew(tmp_path: Path, chroma: Chroma, database: str) -> None:
    async with Cutter(chroma.port) as cutter:
        server = ChromaServer(f"http://127.0.0.1:{cutter.port}")
        library = await Library.open(tmp_path / "cut", NumberEmbedder(), database_url=database, chroma=server)
        await library.add(papers())
        await within(10, library)
        cutter.cut()
        assert (await first(library, "On comets") or "")[0] == "p:comets"
        assert not library.gaps.vectors
        cutter.open = False
        cutter.cut()
        assert (await first(library, "On comets") or "")[0] == "p:comets"
        assert library.gaps.vectors
        cutter.open = True
        await within(10, library)
        await library.close()


class Cutter:
    """A tunnel to a port of this machine that a test can cut or close."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.open = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, back}
        await asyncio.gather(_pump(reader, back), _pump(there, writer), return_exceptions=True)
        back.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(1 << 16):
        writer.write(some)
        await writer.drain()
    writer.close()


class Guard:
    """A proxy in front of a Chroma server that demands a token, adds a path, and has the quotas of Chroma Cloud."""

    def __init__(self, chroma: Chroma) -> None:
        self._chroma = chroma
        self.most = 0

    @asynccontextmanager
    async def serving(self, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/behind/it{path:.*}", self._serve)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        async with ClientSession() as self._session:
            yield f"{'https' if context else 'http'}://localhost:{port}/behind/it"
        await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Chroma-Token") != TOKEN and "Basic bWU6c2VjcmV0" not in request.headers.get(
            "Authorization", ""
        ):
            return web.json_response({"error": "Unauthenticated"}, status=401)
        body = await request.read()
        if body and request.path.endswith(("/query", "/get", "/upsert")):
            asked = await request.json()
            self.most = max(self.most, asked.get("n_results") or 0, len(asked.get("ids") or ()))
        async with self._session.request(
            request.method,
            self._chroma.url + request.match_info["path"],
            data=body,
            params=request.query,
            headers={"Content-Type": "application/json"},
        ) as reply:
            return web.Response(body=await reply.read(), status=reply.status, content_type=reply.content_type)


def dense(tmp_path: Path, server: ChromaServer) -> DenseIndex:
    return DenseIndex.open(folder=tmp_path / "none", server=server, stamp="stamp", name="footnote-test")


async def opened(tmp_path: Path, server: ChromaServer) -> int:
    index = await asyncio.to_thread(dense, tmp_path, server)
    count = await asyncio.to_thread(index.count)
    await asyncio.to_thread(index.close)
    return count


async def test_token_user_path_and_tls_of_a_server_are_used(
    tmp_path: Path, chroma: Chroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with Guard(chroma).serving(context) as url:
        away = await asyncio.to_thread(dense, tmp_path, ChromaServer(url, TOKEN))
        with pytest.raises(FootnoteError, match="certificate is not trusted"):
            await asyncio.to_thread(away.count)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert await opened(tmp_path, ChromaServer(url, TOKEN)) == 0
        assert await opened(tmp_path, ChromaServer(url.replace("://", "://me:secret@"))) == 0


@pytest.mark.parametrize(
    ("token", "tenant", "path", "sentence"),
    [
        ("wrong", None, "", "FOOTNOTE_CHROMA__TOKEN"),
        (TOKEN, "nobody's", "", "FOOTNOTE_CHROMA__TENANT"),
        (TOKEN, None, "/elsewhere", "FOOTNOTE_CHROMA__URL"),
    ],
)
async def test_a_server_that_will_not_have_us_is_one_sentence(
    tmp_path: Path, chroma: Chroma, token: str, tenant: str | None, path: str, sentence: str
) -> None:
    async with Guard(chroma).serving() as url:
        with pytest.raises(ServerRefusedError, match=sentence) as caught:
            await opened(tmp_path, ChromaServer(url + path, token, tenant))
    assert "\n" not in str(caught.value)
    assert token not in str(caught.value)


async def test_an_old_server_and_one_that_is_no_chroma_are_one_sentence(tmp_path: Path) -> None:
    async def other(_: web.Request) -> web.Response:
        return web.json_response({"detail": "Not Found"}, status=404)

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    for handler in (other, page):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        with pytest.raises(ServerRefusedError, match=r"no Chroma server of version 1\.0"):
            await opened(tmp_path, ChromaServer(f"http://127.0.0.1:{port}"))
        await runner.cleanup()


async def test_tenant_and_database_are_used_and_the_quotas_of_the_cloud_kept(
    tmp_path: Path, chroma: Chroma, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ClientSession() as session:
        await (await session.post(f"{chroma.url}/api/v2/tenants", json={"name": "lab"})).read()
        made = await session.post(f"{chroma.url}/api/v2/tenants/lab/databases", json={"name": "papers"})
        assert made.ok
    monkeypatch.setattr("retrieval.index.chroma_server.CLOUD", re.compile("localhost"))
    monkeypatch.setattr("retrieval.index.chroma_server.CLOUD_BY_TLS_ALONE", False)
    guard = Guard(chroma)
    async with guard.serving() as url:
        server = ChromaServer(url, TOKEN, "lab", "papers")
        library = await Library.open(tmp_path / "c", NumberEmbedder(), database_url=database, chroma=server)
        await library.add([paper(f"{subject}{number}") for subject in SUBJECTS for number in range(15)])
        await within(20, library)  # on an overloaded machine Chroma may be away for a moment
        await library.search("On otters7", source="test")
        await library._indexer.check()
        await library.close()
    async with ClientSession() as session:
        kept = await session.get(f"{chroma.url}/api/v2/tenants/lab/databases/papers/collections")
        assert len(await kept.json()) == 1
    assert 200 < guard.most <= 300


@pytest.mark.parametrize(
    "server",
    [
        ChromaServer("localhost:8000"),
        ChromaServer("http://localhost:many"),
        ChromaServer("http://localhost:8000/?tenant=lab"),
        ChromaServer("http://localhost:8000/#lab"),
        ChromaServer("http://me:secret@localhost:8000", "token"),
        ChromaServer("http://api.trychroma.com", "token"),
        ChromaServer("https://api.trychroma.com"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(tmp_path: Path, server: ChromaServer) -> None:
    with pytest.raises(BadInputError, match=r"FOOTNOTE_CHROMA__") as caught:
        dense(tmp_path, server)
    assert "secret" not in str(caught.value)


async def outage(library: Library) -> float:
    """Measure how many seconds it takes until the database is reported as away."""
    began = time.monotonic()
    with pytest.raises(DatabaseAwayError, match="FOOTNOTE_DATABASE_URL"):
        await library.counts()
    return time.monotonic() - began


async def is_back(library: Library, papers: int) -> None:
    """Wait until the database answers and has this many papers, and the library has followed."""
    end = time.monotonic() + 10
    while True:
        with suppress(DatabaseAwayError):
            if (await library.counts()).papers == library._lexical.count() == papers:
                return
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def test_a_postgres_that_cuts_all_connections_is_asked_on_others(
    library: Library, postgres: Postgres, database: str
) -> None:
    engine = create_engine(database)

    async def sleep() -> None:
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(30)"))

    asleep = asyncio.create_task(sleep())
    await asyncio.sleep(0.3)
    for _ in range(3):
        await postgres.end_connections(database)
        began = time.monotonic()
        await is_back(library, len(SUBJECTS))
        assert (await first(library, "On comets") or "")[0] == "p:comets"
        assert time.monotonic() - began < SENTENCE_WITHIN
    with pytest.raises(DatabaseAwayError):
        await asyncio.wait_for(asleep, SENTENCE_WITHIN)
    await engine.dispose()


async def test_a_postgres_that_lost_its_database_is_a_sentence_until_there_is_another_library_in_it(
    library: Library, postgres: Postgres, database: str, chroma: Chroma, tmp_path: Path
) -> None:
    backup, server = await postgres.make_database(), ChromaServer(chroma.url)
    other = await Library.open(tmp_path / "other", NumberEmbedder(), database_url=backup, chroma=server)
    # It has as many changes as the first library.
    await other.add([paper(f"beavers{number}") for number in range(len(SUBJECTS))])
    await other.close()
    await postgres.drop_database(database)
    assert max([await outage(library) for _ in range(3)]) < 1
    await postgres.make_database(database, tables=False)
    assert max([await outage(library) for _ in range(3)]) < 1
    await postgres.drop_database(database)
    await postgres.make_database(database, restored_from=backup)
    await finds(library, "On beavers3", "p:beavers3")
    await soon(lambda: library._lexical.has("beavers3") and not library._lexical.has("otters"))
    assert library._lexical.count() == len(SUBJECTS)
    await library.add(papers())
    await within(10, library)
    await finds(library, "On otters", "p:otters")


async def test_a_postgres_whose_tables_are_emptied_is_filled_again_without_a_restart(
    library: Library, postgres: Postgres, database: str
) -> None:
    await postgres.empty_tables(database)
    await is_back(library, 0)
    assert await library.search("On otters") == []
    await library.add([paper("beavers"), *papers()])
    await within(10, library)
    for subject in ("beavers", *SUBJECTS):
        await finds(library, f"On {subject}", f"p:{subject}")


async def test_a_postgres_that_is_paused_or_killed_is_a_sentence_soon_and_nothing_afterwards(
    library: Library, postgres: Postgres
) -> None:
    await asyncio.sleep(1.2)  # so that no connection is fresh
    postgres.pause()
    assert max([await outage(library) for _ in range(3)]) < SENTENCE_WITHIN
    postgres.resume()
    await is_back(library, len(SUBJECTS))
    postgres.kill()
    assert max([await outage(library) for _ in range(3)]) < 1
    postgres.start()
    await is_back(library, len(SUBJECTS))
    await library.add([paper("beavers")])
    assert (await first(library, "On beavers") or "")[0] == "p:beavers"


async def test_a_statement_that_is_long_goes_on_and_one_of_a_paused_server_does_not(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(postgres.url())
    with monkeypatch.context() as shorter:
        shorter.setattr("storage.postgres.WATCH_AFTER", timedelta(seconds=0.3))
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(1.5)"))

    async def sleep() -> None:
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(2)"))

    asleep = asyncio.create_task(sleep())
    await asyncio.sleep(0.5)
    postgres.pause()
    began = time.monotonic()
    with pytest.raises(DatabaseAwayError):
        await asleep
    assert time.monotonic() - began < SENTENCE_WITHIN
    postgres.resume()
    await engine.dispose()


async def test_urls_are_read_as_libpq_reads_them(postgres: Postgres) -> None:
    at, gone = f"127.0.0.1:{postgres.port}", f"127.0.0.1:{free_port()}"
    for url in (
        f"postgres://postgres@{at}/postgres?sslmode=prefer&application_name=papers&connect_timeout=3",
        f"postgresql://postgres@{gone},{at}/postgres?target_session_attrs=read-write",
        f"postgresql+asyncpg://postgres:a%40b@{at}/postgres?ssl=prefer&prepared_statement_cache_size=0",
        f"postgresql://postgres@/postgres?host=127.0.0.1&port={postgres.port}",
        f"postgresql+psycopg2://postgres@/postgres?host={gone}&host={at}",
        f"postgresql://postgres@{at}/postgres?options=-c%20search_path%3Dpublic",
    ):
        engine = create_engine(url)
        async with engine.connect() as connection:
            assert await connection.scalar(sa.text("SELECT 1")) == 1
            assert (await connection.scalars(sa.text("SELECT name FROM pg_prepared_statements"))).all() == []
        await engine.dispose()


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ("?sslmode=require", DatabaseAwayError, "SSL"),
        ("?keepalives=1", BadInputError, "keepalives"),
        ("?connect_timeout=soon", BadInputError, "connect_timeout"),
        ("?colour=red", FootnoteError, "colour"),
        ("x", ServerRefusedError, "does not exist"),
    ],
)
async def test_a_url_that_cannot_be_followed_is_one_sentence(
    postgres: Postgres, change: str, kind: type[FootnoteError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        await create_engine(postgres.url() + change).connect()
    assert "\n" not in str(caught.value)
