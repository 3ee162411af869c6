"""Time a search and an answer, embedding included, next to plain Chroma and plain tantivy over the same papers.

    OPENBLAS_NUM_THREADS=1 uv run python bench/latency.py DATA_DIR QUERIES.jsonl [--queries 200]

DATA_DIR is an existing library, as filled by `footnote ingest`; QUERIES.jsonl has a `text` per line. The systems
alternate query by query, so that other load on the machine affects them alike; the extractive writer answers the query
half a round away, so that nothing is cached. NumPy has one thread, because its threads wait for each other by spinning,
which is slowest on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import chromadb
import numpy as np
import tantivy

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from retrieval.batches import batched
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMIT = 10
WARM_UP = 20
ROWS = 2000  # a write to plain Chroma; it takes 5461 at most


def plain_chroma(folder: Path, data_dir: Path, embedder: LocalEmbedder) -> Callable[[str], Awaitable[object]]:
    """A search as in Chroma's tutorial: one vector per paper, default settings, the same model."""
    with sqlite3.connect(data_dir / "footnote.db") as db:
        rows = db.execute("SELECT paper_id, vector FROM chunks WHERE position = 0").fetchall()
    collection = chromadb.PersistentClient(str(folder)).create_collection("plain", embedding_function=None)
    for part in batched(rows, ROWS):
        vectors = np.stack([np.frombuffer(vector, np.float32) for _, vector in part])
        collection.add(ids=[paper_id for paper_id, _ in part], embeddings=vectors)

    async def search(query: str) -> object:
        vectors = await embedder.embed([query])
        return await asyncio.to_thread(collection.query, query_embeddings=vectors, n_results=LIMIT)

    return search


def plain_tantivy(folder: Path, data_dir: Path) -> Callable[[str], Awaitable[object]]:
    """A search over title and abstract in one field of stemmed words."""
    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("paper_id", stored=True, tokenizer_name="raw")
        .add_text_field("text", tokenizer_name="en_stem")
        .build()
    )
    folder.mkdir()
    index = tantivy.Index(schema, str(folder))
    writer = index.writer()
    with sqlite3.connect(data_dir / "footnote.db") as db:
        for paper_id, title, abstract in db.execute("SELECT paper_id, title, abstract FROM papers"):
            writer.add_document(tantivy.Document(paper_id=paper_id, text=f"{title}\n{abstract}"))
    writer.commit()
    index.reload()

    def run(query: str) -> object:
        searcher = index.searcher()
        words = " ".join(re.findall(r"\w+", query))
        hits = searcher.search(index.parse_query(words.lower(), ["text"]), LIMIT).hits
        return [searcher.doc(address)["paper_id"] for _, address in hits]

    async def search(query: str) -> object:
        return await asyncio.to_thread(run, query)

    return search


async def measure(options: argparse.Namespace, folder: Path) -> None:
    """Warm up, take turns, and print the table."""
    with options.queries_file.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    queries = list(itertools.islice(itertools.cycle(texts), options.queries))
    embedder = LocalEmbedder(cache_dir=Path.home() / ".cache" / "footnote")
    library = await Library.open(options.data_dir, embedder)
    try:
        counts = await library.counts()
        answerer = Answerer(library, ExtractiveWriter())
        rivals: dict[str, Callable[[str], Awaitable[object]]] = {
            "Footnote": lambda query: library.search(query, limit=LIMIT),
            "Footnote, answered": answerer.answer,
            "plain Chroma": plain_chroma(folder / "chroma", options.data_dir, embedder),
            "plain tantivy": plain_tantivy(folder / "tantivy", options.data_dir),
        }
        took: dict[str, list[float]] = {name: [] for name in rivals}
        for number, query in enumerate([*queries[:WARM_UP], *queries]):
            for name, search in rivals.items():
                if search == answerer.answer:
                    query = queries[(number + len(queries) // 2) % len(queries)]  # noqa: PLW2901 - its own turn
                start = time.perf_counter()
                await search(query)
                if number >= WARM_UP:
                    took[name].append((time.perf_counter() - start) * 1000)
    finally:
        await library.close()
    load = os.getloadavg()[0]
    print(f"{counts.papers} papers, {len(queries)} queries, {os.cpu_count()} cores, load {load:.1f}, milliseconds")
    print("| search | p50 | p95 | p50 over plain Chroma's |\n| --- | --- | --- | --- |")
    beside = float(np.median(took["plain Chroma"]))
    for name, times in took.items():
        p50, p95 = np.quantile(times, (0.5, 0.95))
        print(f"| {name} | {p50:.1f} | {p95:.1f} | {p50 / beside:.2f} |")


def main() -> None:
    """Parse the arguments and measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("queries_file", type=Path, metavar="QUERIES.jsonl")
    parser.add_argument("--queries", type=int, default=200)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        asyncio.run(measure(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()
