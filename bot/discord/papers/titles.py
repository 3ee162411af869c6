"""Find a paper by what somebody types of its title: as choices while they type, and as one paper at the end."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from discord import app_commands
from rapidfuzz import fuzz, process

from bot.discord.ui.custom_ids import paper_key
from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import ELLIPSIS, plain, shorten_at_end
from bot.language import say
from retrieval.errors import BadInputError
from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.library import Library
    from retrieval.papers import Paper

TYPED_CHARACTERS: Final = 300  # what is compared of an input; Discord sends up to 6,000
REPEATED_CHARACTERS: Final = 100  # of an input that is repeated to who typed it
LIKE_ENOUGH: Final = 70.0  # partial ratio of 100; two typos in a word of nine still pass
SAME_ENOUGH: Final = 85.0  # what may stand for one paper without anybody having chosen it
SHORTEST_TYPO: Final = 4  # fewer characters are like anything

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Index:
    """Hold the titles as the library gave them, the same folded for comparison, ids by their keys, places by ids."""

    known: Sequence[tuple[str, str]]
    folded: Sequence[str]
    ids: dict[str, str]
    places: dict[str, int]


class Titles:
    """Offer papers for what was typed so far, and say which paper a finished input means."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._index = _Index((), (), {}, {})
        self._reading = asyncio.Lock()

    async def choices(self, typed: str) -> list[app_commands.Choice[str]]:
        """Return up to 25 papers, titles that hold every typed word first; the newest where nothing was typed."""
        index = await self._read()
        named = await self._library.id_of(typed[:TYPED_CHARACTERS])
        if named is not None and (at := index.places.get(named)) is not None:
            found = [at]
        else:
            found = await asyncio.to_thread(_find, index, typed[:TYPED_CHARACTERS])
        return [
            app_commands.Choice(
                name=shorten_at_end(plain(title) or plain(paper_id) or ELLIPSIS, CHOICE_CHARACTERS),
                value=paper_key(paper_id),
            )
            for paper_id, title in (index.known[at] for at in found)
        ]

    async def paper(self, chosen: str) -> Paper | None:
        """Return the paper of a choice, or what somebody means who chose none: an id, a link or nearly a title."""
        index = await self._read()
        paper_id = index.ids.get(chosen.strip()) or await self._library.id_of(chosen[:TYPED_CHARACTERS])
        if paper_id is None and (at := await asyncio.to_thread(_meant, index, chosen[:TYPED_CHARACTERS])) is not None:
            paper_id = index.known[at][0]
        return await self._library.get(paper_id) if paper_id else None

    async def _read(self) -> _Index:
        """Return the titles, folded in a thread (0.4 s for 10,000) when the library has grown."""
        async with self._reading:
            known = self._library.titles()
            if self._index.known is not known:
                self._index = await asyncio.to_thread(_fold, known, self._index)
            return self._index


def unknown(typed: str) -> BadInputError:
    """Return what to say where an input means no paper."""
    shown = shorten_at_end(plain(typed), REPEATED_CHARACTERS)
    return BadInputError(say("I know no paper “{typed}”; pick one of those that I offer while you type.", typed=shown))


def _fold(known: Sequence[tuple[str, str]], before: _Index) -> _Index:
    done = {title: folded for (_, title), folded in zip(before.known, before.folded, strict=True)}
    folded = [done[title] if title in done else _compared(title) for _, title in known]
    ids = {paper_key(paper_id): paper_id for paper_id, _ in known}
    return _Index(known, folded, ids, {paper_id: at for at, (paper_id, _) in enumerate(known)})


def _compared(text: str) -> str:
    return " ".join(_WORD.findall(fold(text)))


def _find(index: _Index, typed: str) -> list[int]:
    """Return the positions of the titles for an input, the best first."""
    text = _compared(typed)
    found = _holding(index, text)
    if len(found) < CHOICES and len(text) >= SHORTEST_TYPO:
        known = set(found)
        found += [at for at in _like(index, text) if at not in known]
    return found[:CHOICES]


def _meant(index: _Index, typed: str) -> int | None:
    """Return the position of the title that an input must mean, or None where that would be a guess."""
    text = _compared(typed)
    if len(text) < SHORTEST_TYPO:
        return None
    found = _find(index, typed)
    if not found:
        return None
    only = len(_holding(index, text)) == 1
    return found[0] if only or fuzz.ratio(text, index.folded[found[0]]) >= SAME_ENOUGH else None


def _holding(index: _Index, text: str) -> list[int]:
    """Return the titles that hold every word; first those that start as typed, equals in their order."""
    words = text.split()
    found = [at for at, title in enumerate(index.folded) if all(word in title for word in words)]
    return sorted(found, key=lambda at: (not index.folded[at].startswith(text), text not in index.folded[at]))


def _like(index: _Index, text: str) -> list[int]:
    """Return the titles that hold something like the text, the best first.

    `cdist` lets go of the interpreter's lock: 20 ms for 10,000 titles, in which the event loop goes on.
    """
    if not index.folded:
        return []
    parts, wholes = (
        process.cdist([text], index.folded, scorer=scorer, dtype=np.float32)[0]
        for scorer in (fuzz.partial_ratio, fuzz.ratio)
    )
    # The whole decides between titles that hold the same part, such as "Attention" and a longer one.
    best = np.argsort(-(parts + wholes / 10), kind="stable")[: 2 * CHOICES]
    return [int(at) for at in best if parts[at] >= LIKE_ENOUGH]
