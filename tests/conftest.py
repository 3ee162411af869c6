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
from retrieval.catalogue import Catalogue
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

# How long an example takes says more about the machine than about the code. The same examples every time: a check says
# the same twice, and Hypothesis, which with some seeds mutates the same two examples for ever, does not begin to.
# `--hypothesis-profile=default` looks for new ones, and for more of them.
settings.register_profile("footnote", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("footnote")

# Of these each takes some 15 to 30 seconds of processor.
LONGEST = ("tests/bot/discord/test_storm.py", "tests/bot/test_demo.py", "tests/test_bench.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    # What a shell starts in the background is deaf to Ctrl-C, and so would be all that tests start and interrupt.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    if config.getoption("--fast"):
        config.pluginmanager.register(FastLane())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no worker is still at one of them when the others have nothing left to do."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    from tests.servers import Postgres

    server = Postgres().start()
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL that a test may pause and kill; it runs again for the next one."""
    yield postgres_server
    postgres_server.restore()


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a database of the test's own, with empty tables."""
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
    """A Chroma server that a test may pause, kill and empty; it runs again for the next one."""
    yield chroma_server
    chroma_server.restore()


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Coroutine[Any, Any, None]]
) -> Path:
    """Return a folder that the first of the run's workers to want it makes, and that is only ever copied."""
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
    """Have what the run's model makes of a batch of texts kept in a folder, for whichever test gives it the same."""
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
    """The folder that the run's MiniLM is built in, once; each worker opens it once, which takes 0.3 s of processor.

    The same batch of texts is embedded once a run. Embedders of other folders, and other processes, share nothing.
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
    """A folder with the files of a memory and of a catalogue that have their tables, which take 0.1 s to make."""

    async def make(folder: Path) -> None:
        await (await Store.open(folder)).close()
        await (await Catalogue.open(f"sqlite+aiosqlite:///{folder / 'footnote.db'}")).close()

    return made_once(tmp_path_factory, "tables", make)


@pytest.fixture(scope="session")
def empty_dir(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A data dir whose databases have their tables, which takes a while to make, and no rows."""

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
    """An empty library in a folder of its own."""
    await asyncio.to_thread(shutil.copytree, empty_dir, tmp_path / "data", ignore=shutil.ignore_patterns("memory.db*"))
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()


@pytest.fixture
async def library_with(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, empty_dir: Path, models: Path, embedder: LocalEmbedder
) -> AsyncIterator[LibraryWith]:
    """Give libraries of their own that hold some papers, which are embedded once a run."""
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
    """A data dir that holds seeds/, made once and only ever copied."""

    async def fill(folder: Path) -> None:
        library = await Library.open(folder, LocalEmbedder(cache_dir=models))
        await library.add(seeds)
        await library.close()
        (folder / "models").symlink_to(models)

    return made_once(tmp_path_factory, "seeded", fill)


@pytest.fixture
async def seeded(tmp_path: Path, seeded_dir: Path, embedder: LocalEmbedder) -> AsyncIterator[Library]:
    """A library of its own that holds seeds/."""
    await asyncio.to_thread(shutil.copytree, seeded_dir, tmp_path / "data", symlinks=True)
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()
