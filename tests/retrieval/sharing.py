"""A process of a shared library that stops half-way, so that a test can kill it there.

python -m tests.retrieval.sharing FOLDER DATABASE CHROMA indexing|following

It prints "open" when the library is open, and "here" when it stops: as the indexer, after writing vectors and before
marking their papers; as a follower, after applying changes and before recording that.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from retrieval.index.chroma_server import ChromaServer
from retrieval.library import Library
from tests.retrieval.index.test_self_check import NumberEmbedder
from tests.retrieval.test_shared import papers


async def stop(*_: object) -> None:
    print("here", flush=True)  # noqa: T201
    await asyncio.Event().wait()


async def main(folder: str, database: str, chroma: str, how: str) -> None:
    library = await Library.open(Path(folder), NumberEmbedder(), database_url=database, chroma=ChromaServer(chroma))
    if how == "following":
        vars(library._indexer._follower)["_note"] = stop
    else:
        vars(library._catalogue)["mark_indexed"] = stop
    print("open", flush=True)  # noqa: T201
    if how == "indexing":
        await library.add(papers())
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
