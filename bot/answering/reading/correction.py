"""Correct typing errors in English texts; other languages stay as they are, as their words are not known here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.answering.reading.language_detection import ENGLISH, detect
from retrieval.search.spelling import Spelled

if TYPE_CHECKING:
    from retrieval import Library


async def as_meant(text: str, library: Library) -> tuple[str, Spelled]:
    """Detect the language of a text, and correct the typing errors of an English one with the library's words."""
    language = await asyncio.to_thread(detect, text)
    return language, await library.spelled(text) if language == ENGLISH else Spelled(text)


async def slips_mended(text: str, library: Library) -> Spelled:
    """Correct typing errors with the library's words; the language is detected only if there are any."""
    spelled = await library.spelled(text)
    if not spelled.read_as or await asyncio.to_thread(detect, text) == ENGLISH:
        return spelled
    return Spelled(text)
