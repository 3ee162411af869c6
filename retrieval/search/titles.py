"""Title search for autocompletion: by the beginning, by words, by words with typos, or with no input yet.

tantivy proposes about a hundred titles, and only these are read and compared; nothing is held in memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np
from rapidfuzz import fuzz, process

from retrieval.index.lexical import title_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.index.lexical import LexicalIndex

SHORTEST_SLIP: Final = 4  # characters; anything shorter is similar to everything
LIKE_ENOUGH: Final = 70.0  # partial ratio, of 100; two typos in a word of nine letters pass
SAME_ENOUGH: Final = 85.0  # ratio, of 100, from which a title counts as meant without being chosen
COMPARED: Final = 100  # candidates of each kind


class Titles:
    """Finds indexed papers by title."""

    def __init__(self, catalogue: Catalogue, lexical: LexicalIndex) -> None:
        self._catalogue = catalogue
        self._lexical = lexical

    async def newest(self, limit: int) -> list[tuple[str, str]]:
        """(id, title) of up to `limit` papers, newest first."""
        return await self._catalogue.titles(limit)

    async def of(self, paper_id: str) -> str | None:
        """The title of a paper; None if it is unknown, withdrawn or removed."""
        return (await self._catalogue.titles_of([paper_id])).get(paper_id)

    async def find(self, typed: str, limit: int) -> list[tuple[str, str]]:
        """(id, title) of up to `limit` papers for a partly typed title, best match first.

        Titles that start with the input come first, then those that contain it, then all its words, then something
        similar; ties are newest first. Without input, these are the newest papers.
        """
        text = title_form(typed)
        if not text:
            return await self.newest(limit)
        found = await self._holding(text)
        if len(found) < limit and len(text) >= SHORTEST_SLIP:
            found = found | await self._like(text)  # titles in both keep their position
        return list(found.items())[:limit]

    async def meant(self, typed: str) -> str | None:
        """The id of the paper that is clearly meant; None if that would be a guess."""
        text = title_form(typed)
        if len(text) < SHORTEST_SLIP:
            return None
        holding = await self._holding(text)
        found = holding or await self._like(text)
        if not found:
            return None
        paper_id, title = next(iter(found.items()))
        return paper_id if len(holding) == 1 or fuzz.ratio(text, title_form(title)) >= SAME_ENOUGH else None

    async def _holding(self, text: str) -> dict[str, str]:
        """Titles that contain every word, also as a prefix: id to title, best first."""
        titles = await self._read(await asyncio.to_thread(self._lexical.titled, text, COMPARED))

        def rank(paper_id: str) -> tuple[bool, bool]:
            folded = title_form(titles[paper_id])
            return not folded.startswith(text), text not in folded

        return {paper_id: titles[paper_id] for paper_id in sorted(titles, key=rank)}

    async def _like(self, text: str) -> dict[str, str]:
        """Titles that contain something similar: id to title, best first."""
        titles = await self._read(await asyncio.to_thread(self._lexical.titled_like, text, COMPARED))
        return await asyncio.to_thread(_nearest, text, titles) if titles else {}

    async def _read(self, paper_ids: Sequence[str]) -> dict[str, str]:
        titles = await self._catalogue.titles_of(paper_ids)
        return {paper_id: titles[paper_id] for paper_id in paper_ids if paper_id in titles}


def _nearest(text: str, titles: Mapping[str, str]) -> dict[str, str]:
    folded = [title_form(title) for title in titles.values()]
    parts, wholes = (
        process.cdist([text], folded, scorer=scorer, dtype=np.float32)[0] for scorer in (fuzz.partial_ratio, fuzz.ratio)
    )
    ids = list(titles)
    # The whole title breaks ties between titles that contain the same part, such as "Attention" and a longer one.
    best = np.argsort(-(parts + wholes / 10), kind="stable")
    return {ids[index]: titles[ids[index]] for index in best if parts[index] >= LIKE_ENOUGH}
