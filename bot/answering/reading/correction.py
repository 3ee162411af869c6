"""English texts as they were most likely meant; slips in other languages stay, as their words are not known here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.answering.reading.language_detection import ENGLISH, detect
from retrieval.spelling import Spelled

if TYPE_CHECKING:
    from retrieval.library import Library


async def as_meant(text: str, library: Library) -> tuple[str, Spelled]:
    """Give the language of a text, and the text with the slips of an English one read as words of the library."""
    language = await asyncio.to_thread(detect, text)
    return language, await library.spelled(text) if language == ENGLISH else Spelled(text)


async def slips_mended(text: str, library: Library) -> Spelled:
    """Give a text with its slips read as words of the library; its language is asked for only where there are any."""
    spelled = await library.spelled(text)
    if not spelled.read_as or await asyncio.to_thread(detect, text) == ENGLISH:
        return spelled
    return Spelled(text)
