"""Time the upkeep of a library: backup, restore, migration and rebuild.

    uv run python bench/large_library.py build DATA_DIR --papers 10000 --from arxiv-20k.jsonl.gz
    uv run python bench/upkeep.py DATA_DIR

DATA_DIR may be of an earlier version, and is not changed: everything is done on a restored backup. The vectors are
those from the build; the exit code is 1 if a paper is lost, or if the model would embed more than `--anew` texts, as it
must for texts that an earlier version embedded differently.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.large_library import CACHE, StandIn
from bot.commands.backup import backup, recover
from bot.commands.prune import prune
from bot.settings import Settings
from retrieval.library import Library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding.word_vectors import Words


class Counted(StandIn):
    """Count the texts that are embedded: none should be embedded twice."""

    texts = 0

    async def _embed(self, texts: Sequence[str], *, with_words: bool) -> tuple[NDArray[np.float32], list[Words]]:
        Counted.texts += len(texts)
        return await super()._embed(texts, with_words=with_words)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took, and how long processors worked for it."""
    start, worked = time.perf_counter(), time.process_time()
    yield
    print(f"| {what} | {time.perf_counter() - start:.1f} | {time.process_time() - worked:.1f} |", flush=True)


async def start(data_dir: Path, *, rebuild: bool = False) -> int:
    """Open a library as `footnote run` does, and complete its indexes; returns the number of papers."""
    library = await Library.open(data_dir, Counted(cache_dir=CACHE), rebuild=rebuild)
    try:
        await library.index_pending()
        counts = await library.counts()
        assert not counts.pending
        return counts.papers
    finally:
        await library.close()


def main() -> None:
    """Read the arguments and do it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--anew", type=int, default=0, metavar="TEXTS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.data_dir.parent) as name:
        file, folder = Path(name) / "backup.zip", Path(name) / "again"
        print("| | seconds | of a processor |\n| --- | --- | --- |")
        with timed("backup"):
            backup(Settings.load(data_dir=options.data_dir), file)
        settings = Settings.load(data_dir=folder)
        with timed("recover"):
            recover(settings, file)
        with timed("first start: tables up to date, indexes made"):
            first = asyncio.run(start(folder))
        with timed("a start after that"):
            second = asyncio.run(start(folder))
        with timed("rebuild"):
            rebuilt = asyncio.run(start(folder, rebuild=True))
        with timed("prune"):
            asyncio.run(prune(settings))
        print(f"{first} papers; the backup has {file.stat().st_size / 1e6:.0f} MB")
        print(f"{Counted.texts} texts were embedded anew")
        shutil.rmtree(folder)
    sys.exit(int(len({first, second, rebuilt}) > 1 or Counted.texts > options.anew))


if __name__ == "__main__":
    main()
