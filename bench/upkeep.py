"""Back a library up, put it back, bring it up to date and make its indexes anew, and time each.

    uv run python bench/large_library.py build DATA_DIR --papers 10000 --from arxiv-20k.jsonl.gz
    uv run python bench/upkeep.py DATA_DIR

DATA_DIR may be of an earlier version, and stays as it is: all is done on what its backup gives back. The vectors are
those that it was built with; a model is not asked, and the exit code is 1 if it would have been, or if a paper is lost.
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
    from collections.abc import Iterator
    from typing import NoReturn


class Asked(StandIn):
    """Refuse to read anything: what was embedded once is not embedded again."""

    def _run(self, texts: list[str], *, with_words: bool) -> NoReturn:  # noqa: ARG002
        raise SystemExit(f"{len(texts)} texts were to be embedded again.")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took, and how long processors worked for it."""
    start, worked = time.perf_counter(), time.process_time()
    yield
    print(f"| {what} | {time.perf_counter() - start:.1f} | {time.process_time() - worked:.1f} |", flush=True)


async def start(data_dir: Path, *, rebuild: bool = False) -> int:
    """Open a library as `footnote run` does, make its indexes whole, and return how many papers it holds."""
    library = await Library.open(data_dir, Asked(cache_dir=CACHE), rebuild=rebuild)
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
        shutil.rmtree(folder)
    sys.exit(int(len({first, second, rebuilt}) > 1))


if __name__ == "__main__":
    main()
