"""Kill an ingest with SIGKILL at random moments, start it again, and show that nothing is lost or doubled.

    uv run python bench/kill_ingest.py papers.jsonl --papers 2000 --kills 10

`papers.jsonl` (or .jsonl.gz) holds one paper per line: `id`, `title` and `abstract` or `text`.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import chromadb
import numpy as np
import tantivy

from retrieval.index.vectors import COLLECTION

EMBEDDED = re.compile(r"embedded (\d+) texts of (\d+) papers")


def main() -> None:
    """Run the kills, then compare catalogue, Chroma and tantivy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--papers", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        papers, data_dir = Path(folder, "papers.jsonl"), Path(folder, "data")
        opener = gzip.open if options.source.suffix == ".gz" else open
        with opener(options.source, "rt", encoding="utf-8") as file:
            papers.write_text("".join(islice(file, options.papers)), encoding="utf-8")
        embedded = 0
        for number in range(1, options.kills + 1):
            embedded += ingest(papers, data_dir, kill_after=chance.uniform(3, 40))
            print(f"kill {number}: {count(data_dir)} of {options.papers} papers indexed, {embedded} texts embedded")
        embedded += ingest(papers, data_dir, kill_after=None)
        sys.exit(report(data_dir, options.papers, embedded, options.kills))


def ingest(papers: Path, data_dir: Path, kill_after: float | None) -> int:
    """Ingest, and kill the process after some seconds; returns the number of texts embedded and stored."""
    command = [sys.executable, "-m", "bot", "--verbose", "ingest", str(papers), "--data-dir", str(data_dir)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if kill_after is not None:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
    _, log = process.communicate()
    if kill_after is None and process.returncode != 0:
        raise SystemExit(f"the last ingest failed:\n{log[-2000:]}")
    return sum(int(texts) for texts, _ in EMBEDDED.findall(log))


def count(data_dir: Path) -> int:
    """Count the papers marked as indexed."""
    if not (data_dir / "footnote.db").exists():
        return 0
    with sqlite3.connect(data_dir / "footnote.db") as db:
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'papers'"
        if not db.execute(query).fetchone()[0]:
            return 0
        return int(db.execute("SELECT count(*) FROM papers WHERE indexed_hash = content_hash").fetchone()[0])


def report(data_dir: Path, expected: int, embedded: int, kills: int) -> int:
    """Print each comparison; returns the number of failed ones."""
    with sqlite3.connect(data_dir / "footnote.db") as db:
        papers = {row[0] for row in db.execute("SELECT paper_id FROM papers WHERE indexed_hash = content_hash")}
        vectors = {
            f"{paper_id}#{at}": np.frombuffer(vector, np.float32)
            for paper_id, at, vector in db.execute("SELECT paper_id, position, vector FROM chunks")
        }
        texts = db.execute("SELECT count(DISTINCT text_hash) FROM chunks").fetchone()[0]
    client = chromadb.PersistentClient(str(data_dir / "chroma"))
    collection = client.get_collection(COLLECTION, embedding_function=None)
    held = collection.get(include=["embeddings"])
    assert held["embeddings"] is not None
    same = all(
        np.allclose(vectors[chunk_id], row, atol=1e-6) if chunk_id in vectors else False
        for chunk_id, row in zip(held["ids"], held["embeddings"], strict=True)
    )
    searcher = tantivy.Index.open(str(data_dir / "lexical")).searcher()
    hits = searcher.search(tantivy.Query.all_query(), expected * 2).hits
    lexical = [searcher.doc(address)["paper_id"][0] for _, address in hits]
    checks = {
        f"papers in the catalogue, all indexed: {len(papers)} of {expected}": len(papers) == expected,
        f"windows in Chroma, as in the catalogue: {len(held['ids'])} of {len(vectors)}": set(held["ids"])
        == set(vectors)
        and len(held["ids"]) == len(vectors),
        "vectors in Chroma equal the catalogue's": same,
        f"papers in tantivy, each once: {len(lexical)}": set(lexical) == papers and len(lexical) == len(papers),
        f"texts embedded, {kills} kills: {embedded} for {texts} distinct ones": embedded <= texts * 1.01,
    }
    for sentence, passed in checks.items():
        print(f"{'ok  ' if passed else 'FAIL'} {sentence}")
    return sum(not passed for passed in checks.values())


if __name__ == "__main__":
    main()
