"""Put an editor together as the settings say."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from bot.digest.editor import Editor
from bot.digest.writing import ReasonWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.digest.editor import FreshPapers
    from bot.settings import Settings


@asynccontextmanager
async def open_editor(
    settings: Settings,
    library: FreshPapers,
    liked: Callable[[int], Awaitable[Mapping[str, float]]],
    *,
    use_llm: bool = True,
) -> AsyncIterator[Editor]:
    """Give an editor over the library, with the language model where one is set and wanted; close it at the end."""
    chosen = settings.llm
    if not use_llm or not chosen.enabled:
        yield Editor(library, ReasonWriter(library.embedder), liked)
        return
    from bot.answering.llm import LLMWriter

    llm = LLMWriter(
        model=chosen.model,
        api_key=chosen.api_key.get_secret_value() if chosen.api_key else None,
        base_url=chosen.base_url,
        timeout=chosen.timeout,
        prompt_tokens=chosen.prompt_tokens,
    )
    async with aclosing(llm):
        yield Editor(library, ReasonWriter(library.embedder, llm), liked)
