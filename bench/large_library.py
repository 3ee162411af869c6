"""Build a large library without a model, and measure it.

    uv run python bench/large_library.py build DATA_DIR --papers 20000 --from arxiv-20k.jsonl.gz [--from MORE]
    uv run python bench/large_library.py measure DATA_DIR [--bot]

The papers are those of the files; when they run out, more are made by splicing titles and shuffling sentences between
abstracts. They are indexed as usual, except for the model: each word has a fixed random unit vector, and a text is the
sum of its words' vectors, so that texts with common words are near each other, as with a real model. Building again
with more papers continues from those that exist.

`measure` opens the library like a process whose model is loaded, and queries it with vectors stored at build time, so
it times everything but the embedding. With `--bot` it also starts `footnote run` against a local Discord, and prints
its memory when it is ready.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import time
import zlib
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bot.discord.ui.markdown import plain
from retrieval.embedding.local import LocalEmbedder
from retrieval.embedding.word_vectors import Words
from retrieval.index import indexer
from retrieval.library import Library
from retrieval.papers import Paper
from retrieval.search.query import QueryVectors
from retrieval.sources import open_source
from retrieval.sources.fetched import Fetched
from retrieval.text.text import sentences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = Path.home() / ".cache" / "footnote"
QUERIES: Final = "queries.npz"
ASKED: Final = 300  # queries, of which the first are a warm-up
WARM_UP: Final = 50
BEGAN: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ARRIVING: Final = dt.timedelta(days=365)  # the period over which all papers arrive
TABLE: Final = 1 << 16  # number of word vectors; words share them by hash


@cache
def _table() -> NDArray[np.float32]:
    table = np.random.default_rng(0).standard_normal((TABLE, LocalEmbedder.dimensions), np.float32)
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True), np.float32)


class StandIn(LocalEmbedder):
    """A stand-in for the local model, with cheap vectors."""

    async def load(self) -> None:
        """Do nothing."""

    def _run(self, texts: list[str], *, with_words: bool) -> tuple[NDArray[np.float32], list[Words]]:
        words = []
        for text in texts:
            names = self.split_words(text) if with_words else tuple(dict.fromkeys(text.lower().split()))
            words.append(Words(names, _table()[[zlib.crc32(name.encode()) % TABLE for name in names]]))
        rows = np.stack([each.vectors.sum(axis=0) if each.words else _table()[0] for each in words])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True), words if with_words else []


def papers(files: Sequence[str], number: int) -> Iterator[Fetched]:
    """Yield this many papers: those of the files, then synthetic ones made from them."""
    real: dict[str, Fetched] = {}
    for file in files:
        for each in open_source(file).papers:
            fetched = each if isinstance(each, Fetched) else Fetched(each, external_ids=(each.paper_id,))
            real.setdefault(fetched.paper.paper_id, fetched)
    yield from islice(real.values(), number)
    known = list(real.values())
    said = [[paper.abstract[a:b] for a, b in sentences(paper.abstract)] for paper in (each.paper for each in known)]
    for at in range(number - len(known)):
        chance = random.Random(at)
        one, other = chance.sample(known, 2)
        first, second = one.paper.title.split(), other.paper.title.split()
        title = " ".join(first[: 1 + len(first) // 2] + second[len(second) // 2 :])
        abstract = " ".join(chance.choice(chance.choice(said) or [title]) for _ in range(len(chance.choice(said))))
        paper_id = f"arxiv:{3000 + at // 100000}.{at % 100000:05}"
        day = dt.date(2026, 1, 1) - dt.timedelta(days=chance.randrange(3650))
        paper = Paper(paper_id, title, abstract, "arxiv", f"https://arxiv.org/abs/{paper_id[6:]}", day)
        yield Fetched(paper, external_ids=(paper_id,), authors=one.authors, categories=other.categories)


async def build(data_dir: Path, files: Sequence[str], number: int) -> None:
    """Ingest the papers, and store queries with their vectors."""
    indexer.INDEX_BATCH = indexer.KNOWN_BATCH  # a kill wastes no model time here
    embedder = StandIn(cache_dir=CACHE)
    indexed = 0
    library = await Library.open(data_dir, embedder, now=lambda: BEGAN + ARRIVING * (indexed / number))
    start = time.perf_counter()
    said = start

    def progress(done: int, total: int) -> None:
        nonlocal indexed, said
        indexed = done
        if time.perf_counter() - said > 20 or indexed == total:
            said = time.perf_counter()
            print(f"{indexed} of {total}: {indexed / (said - start):.0f} a second", flush=True)

    try:
        await library.add(papers(files, number), progress)
        chance = random.Random(1)
        known = chance.sample([each.paper for each in papers(files, number)], ASKED)
        texts = []
        for paper in known:
            words = chance.choice([paper.abstract[a:b] for a, b in sentences(paper.abstract)] or [paper.title]).split()
            at = chance.randrange(max(1, len(words) - 9))
            texts.append(" ".join(words[at : at + 9]))
        vectors, words_of = await embedder.embed_words(texts)
    finally:
        await library.close()
    np.savez(
        data_dir / QUERIES,
        texts=np.array(texts),
        titles=np.array([paper.title for paper in known]),
        vectors=vectors,
        words=np.array([json.dumps(each.words) for each in words_of]),
        states=np.concatenate([each.vectors for each in words_of]),
    )


def held(process: int | str = "self") -> dict[str, int]:
    """The memory of a process in MB: resident, and without file pages."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    fields = {
        name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if "kB" in value
    }
    return {"resident": fields["VmRSS"] // 1000, "of its own": fields["RssAnon"] // 1000}


Times = list[tuple[float, float]]  # (wall-clock, CPU) seconds


def show(what: str, times: Times) -> None:
    """Print a row: quantiles of wall-clock time, and of CPU time, which says more on a busy machine."""
    passed, worked = np.array(times).T * 1000
    p50, p95 = np.quantile(passed, (0.5, 0.95))
    w50, w95 = np.quantile(worked, (0.5, 0.95))
    print(f"| {what} | {p50:.1f} | {p95:.1f} | {passed.max():.0f} | {w50:.1f} | {w95:.1f} |", flush=True)


async def timed(work: Callable[[int], Awaitable[object]], numbers: Sequence[int]) -> Times:
    """Time each call."""
    times = []
    for number in numbers:
        start, worked = time.perf_counter(), time.process_time()
        await work(number)
        times.append((time.perf_counter() - start, time.process_time() - worked))
    return times


def misspelt(title: str, chance: random.Random) -> str:
    """Swap two letters of one word, and drop one from another."""
    at, other = (chance.randrange(len(title) - 2) for _ in range(2))
    title = title[:at] + title[at + 1] + title[at] + title[at + 2 :]
    return title[:other] + title[other + 1 :]


async def measure(data_dir: Path) -> None:
    """Time the start, searches and title completions, and print memory and disk use."""
    kept = np.load(data_dir / QUERIES)
    embedder = LocalEmbedder(cache_dir=CACHE)
    await embedder.embed(["Does the model answer?"])
    before = held()
    start = time.perf_counter()
    library = await Library.open(data_dir, embedder)
    opened = time.perf_counter() - start
    try:
        if library.fault:
            raise SystemExit(f"This library has to be rebuilt: {library.fault}")
        number = (await library.counts()).papers
        print(f"{number} papers, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"open {opened:.2f} s; MB before {before}, opened {held()}")
        print("| milliseconds | p50 | p95 | most | processors' p50 | p95 |\n| --- | --- | --- | --- | --- | --- |")
        await _time_searches(library, kept)
        print(f"MB after searches {held()}")
        await _time_choices(library, [title for title in kept["titles"].tolist() if len(title) > 20][:100])
        last, day = BEGAN + ARRIVING, dt.timedelta(days=1)
        show("fresh, 1 of 365 days", await timed(lambda _: library.fresh(last - day, last), range(5)))
        show("fresh, 30 of 365 days", await timed(lambda _: library.fresh(last - 30 * day, last), range(5)))
        show("counts", await timed(lambda _: library.counts(), range(5)))
        show("newest", await timed(lambda _: library.newest(), range(5)))
        show("count since a day", await timed(lambda _: library.count(since=dt.date(2025, 6, 1)), range(5)))
        print(f"MB at the end {held()}")
    finally:
        await library.close()
    _weigh_files(data_dir, number)


async def _time_searches(library: Library, kept: Mapping[str, NDArray[Any]]) -> None:
    texts = kept["texts"].tolist()
    names = [tuple(json.loads(each)) for each in kept["words"]]
    places = np.cumsum([0, *map(len, names)])
    states = kept["states"]
    asked = [
        QueryVectors(vector, Words(names[at], states[places[at] : places[at + 1]]))
        for at, vector in enumerate(kept["vectors"])
    ]

    async def search(at: int) -> None:
        await library.search(texts[at], limit=10, vectors=asked[at])

    async def filtered(at: int) -> None:
        since = dt.date(2025, 6, 1) + dt.timedelta(days=at % 100)
        await library.search(texts[at], limit=10, vectors=asked[at], since=since)

    warm = range(WARM_UP, len(texts))
    show("the first searches", await timed(search, range(WARM_UP)))
    show("search", await timed(search, warm))
    show("search since a day", await timed(filtered, warm))
    show("search again", await timed(search, warm))


async def _time_choices(library: Library, titles: Sequence[str]) -> None:
    from bot.discord.papers.title_choices import Titles  # discord is part of the measured process

    chooser = Titles(library)
    start = time.perf_counter()
    await chooser.choices("")
    print(f"the first choices {time.perf_counter() - start:.2f} s, MB {held()}")
    chance = random.Random(2)
    kinds: dict[str, Callable[[str], str]] = {
        "a whole title": str,
        "its first third": lambda title: title[: max(8, len(title) // 3)],
        "one letter": lambda title: title[0],
        "a title with slips": lambda title: misspelt(title, chance),
        "a first third with slips": lambda title: misspelt(title[: max(12, len(title) // 3)], chance),
    }
    for what, change in kinds.items():
        typed = [change(title) for title in titles]
        found: list[bool] = []

        async def choose(at: int, typed: Sequence[str] = typed, found: list[bool] = found) -> None:
            choices = await chooser.choices(typed[at])
            found.append(any(plain(titles[at])[:90] == each.name[:90] for each in choices))

        show(f"choices: {what}", await timed(choose, range(len(typed))))
        print(f"its paper is offered for {sum(found)} of {len(found)}")


def _weigh_files(data_dir: Path, number: int) -> None:
    sizes: dict[str, int] = {}
    for path in data_dir.rglob("*"):
        if path.is_file():
            kind = path.relative_to(data_dir).parts[0]
            sizes[kind] = sizes.get(kind, 0) + path.stat().st_size
    for kind, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        print(f"disk: {kind} {size / 1e6:.1f} MB, {size / number / 1000:.2f} kB a paper")


async def weigh_bot(data_dir: Path) -> None:
    """Start the bot over the data dir, and print how long it takes to get ready and its memory."""
    from bench.running import start_bot
    from tests.local_discord import LocalDiscord

    async with LocalDiscord(patience=dt.timedelta(minutes=10)) as server:
        start = time.perf_counter()
        process = await start_bot(server, data_dir)
        try:
            await server.ready()
            print(f"footnote run: ready after {time.perf_counter() - start:.1f} s, MB {held(process.pid)}")
            await asyncio.sleep(10)
            print(f"footnote run: 10 s later, MB {held(process.pid)}")
        finally:
            process.terminate()
            await process.wait()


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=("build", "measure"))
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--papers", type=int, default=20000)
    parser.add_argument("--from", dest="files", action="append", default=[], metavar="FILE")
    parser.add_argument("--bot", action="store_true")
    options = parser.parse_args()
    if options.job == "build":
        asyncio.run(build(options.data_dir, options.files, options.papers))
    else:
        asyncio.run(measure(options.data_dir))
        if options.bot:
            asyncio.run(weigh_bot(options.data_dir))


if __name__ == "__main__":
    main()
