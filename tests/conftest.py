from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from threading import get_ident
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from hypothesis import settings

from bot.store import Store
from retrieval.catalogue.catalogue import Catalogue
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from retrieval.sources import open_source
from tests.fast import FastLane, add_option
from tests.papers import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
    from pathlib import Path

    from retrieval.papers import Paper
    from retrieval.sources.fetched import Fetched
    from tests.servers import Chroma, Postgres

    LibraryWith = Callable[[Sequence[Paper | Fetched]], Awaitable[Library]]

# No deadline: how long an example takes says more about the machine than about the code. The same examples every time:
# two runs then agree, and Hypothesis never gets a seed with which it mutates the same two examples for ever.
# `--hypothesis-profile=default` looks for new examples, and for more of them.
settings.register_profile("footnote", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("footnote")

# Each of these takes some 15 to 30 seconds of CPU time.
LONGEST = ("tests/bot/discord/test_storm.py", "tests/bot/test_demo.py", "tests/test_bench.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    # A shell makes its background jobs ignore Ctrl-C, and so would every process that tests start and interrupt.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    if config.getoption("--fast"):
        config.pluginmanager.register(FastLane())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is left with one of them while the others have nothing to do."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    from tests.servers import Postgres

    server = Postgres().start()
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL that a test may pause and kill; it is running again for the next test."""
    yield postgres_server
    postgres_server.restore()


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of this test's own database, with empty tables."""
    url = await postgres.make_database()
    yield url
    postgres.restore()
    await postgres.drop_database(url)


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroma]:
    from tests.servers import Chroma

    server = Chroma(tmp_path_factory.mktemp("chroma")).start()
    yield server
    server.kill()


@pytest.fixture
def chroma(chroma_server: Chroma) -> Iterator[Chroma]:
    """A Chroma server that a test may pause, kill and empty; it is running again for the next test."""
    yield chroma_server
    chroma_server.restore()


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Coroutine[Any, Any, None]]
) -> Path:
    """Get a folder that the first worker to need it makes for the whole test run; tests copy it and never change it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            part = root / f"{name}.part"
            with ThreadPoolExecutor(1) as apart:  # a loop may be running here
                apart.submit(asyncio.run, make(part)).result()
            part.rename(folder)
    return folder


def embedded_once(folder: Path, run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the model's run so that each batch of texts is embedded once per test run, and then read from a folder."""
    folder.mkdir(exist_ok=True)

    def kept(embedder: LocalEmbedder, texts: list[str], *, with_words: bool) -> Any:
        file = folder / hashlib.sha256(repr((texts, with_words)).encode()).hexdigest()
        with suppress(FileNotFoundError):
            return pickle.loads(file.read_bytes())
        made = run(embedder, texts, with_words=with_words)
        part = folder / f"{os.getpid()}-{get_ident()}"
        part.write_bytes(pickle.dumps(made))
        part.replace(file)
        return made

    return kept


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which MiniLM is built, once per test run; each worker opens it once, which takes 0.3 s of CPU time.

    The same batch of texts is embedded once per run. Embedders of other folders, and other processes, share nothing.
    """

    async def build(folder: Path) -> None:
        embedder = LocalEmbedder(cache_dir=folder)
        await embedder.load()
        await embedder.close()

    folder = made_once(tmp_path_factory, "models", build)
    opened: dict[str, Any] = {}

    def is_the_runs(embedder: LocalEmbedder) -> bool:
        return not embedder._model_dir and embedder._cache_dir.resolve() == folder.resolve()

    own_run = LocalEmbedder._run
    kept_run = embedded_once(folder.with_name("embedded"), own_run)

    def run(embedder: LocalEmbedder, texts: list[str], *, with_words: bool) -> Any:
        return (kept_run if is_the_runs(embedder) else own_run)(embedder, texts, with_words=with_words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalEmbedder, "_run", run)
        for name in ("_tokenizer", "_session"):
            own = vars(LocalEmbedder)[name].func

            def shared(embedder: LocalEmbedder, name: str = name, own: Callable[..., Any] = own) -> object:
                if not is_the_runs(embedder):
                    return own(embedder)
                if name not in opened:
                    opened[name] = own(embedder)
                return opened[name]

            attribute = cached_property(shared)
            attribute.__set_name__(LocalEmbedder, name)
            patch.setattr(LocalEmbedder, name, attribute)
        yield folder


@pytest.fixture
async def embedder(models: Path) -> AsyncIterator[LocalEmbedder]:
    embedder = LocalEmbedder(cache_dir=models)
    yield embedder
    await embedder.close()


@pytest.fixture(scope="session")
def seeds() -> list[Paper]:
    return plain(open_source("seeds").papers)


@pytest.fixture(scope="session")
def tables_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database files of a store and a catalogue, whose empty tables take 0.1 s to make."""

    async def make(folder: Path) -> None:
        await (await Store.open(folder)).close()
        await (await Catalogue.open(f"sqlite+aiosqlite:///{folder / 'footnote.db'}")).close()

    return made_once(tmp_path_factory, "tables", make)


@pytest.fixture(scope="session")
def empty_dir(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A data dir whose databases have tables, which take a while to make, but no rows."""

    async def make(folder: Path) -> None:
        embedder = LocalEmbedder(cache_dir=models)
        library = await Library.open(folder, embedder)
        store = await Store.open(folder)
        await store.close()
        await library.close()
        await embedder.close()

    return made_once(tmp_path_factory, "empty", make)


@pytest.fixture
async def library(tmp_path: Path, empty_dir: Path, embedder: LocalEmbedder) -> AsyncIterator[Library]:
    """An empty library in its own folder."""
    await asyncio.to_thread(shutil.copytree, empty_dir, tmp_path / "data", ignore=shutil.ignore_patterns("memory.db*"))
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()


@pytest.fixture
async def library_with(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, empty_dir: Path, models: Path, embedder: LocalEmbedder
) -> AsyncIterator[LibraryWith]:
    """Make libraries of the given papers, which are embedded once per test run."""
    opened: list[Library] = []

    async def give(papers: Sequence[Paper | Fetched]) -> Library:
        async def fill(folder: Path) -> None:
            shutil.copytree(empty_dir, folder, ignore=shutil.ignore_patterns("memory.db*"))
            library = await Library.open(folder, LocalEmbedder(cache_dir=models))  # the library closes it
            await library.add(papers)
            await library.close()

        name = f"papers-{hashlib.sha256(repr(papers).encode()).hexdigest()[:16]}"
        made = await asyncio.to_thread(made_once, tmp_path_factory, name, fill)
        folder = tmp_path / f"data{len(opened) or ''}"
        await asyncio.to_thread(shutil.copytree, made, folder)
        opened.append(await Library.open(folder, embedder))
        return opened[-1]

    yield give
    for library in opened:
        await library.close()


@pytest.fixture(scope="session")
def seeded_dir(tmp_path_factory: pytest.TempPathFactory, models: Path, seeds: list[Paper]) -> Path:
    """A data dir of seeds/, made once per test run; tests copy it and never change it."""

    async def fill(folder: Path) -> None:
        library = await Library.open(folder, LocalEmbedder(cache_dir=models))
        await library.add(seeds)
        await library.close()
        (folder / "models").symlink_to(models)

    return made_once(tmp_path_factory, "seeded", fill)


@pytest.fixture
async def seeded(tmp_path: Path, seeded_dir: Path, embedder: LocalEmbedder) -> AsyncIterator[Library]:
    """A library of seeds/, in its own folder."""
    await asyncio.to_thread(shutil.copytree, seeded_dir, tmp_path / "data", symlinks=True)
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()
