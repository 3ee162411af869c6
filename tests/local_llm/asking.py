"""Connect the bot's own client to a test server."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.llm.address import Address
from bot.llm.client import LanguageModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.llm.meter import Meter


@asynccontextmanager
async def asking(
    base_url: str, *, key: str | None = "secret-key", seconds: float = 20.0, meter: Meter | None = None
) -> AsyncIterator[LanguageModel]:
    """Open the language model "test-model" at an address, and close it at the end."""
    timeout = timedelta(seconds=seconds)
    model = LanguageModel(name="test-model", api_key=key, address=Address.read(base_url), timeout=timeout, meter=meter)
    async with aclosing(model):
        yield model
