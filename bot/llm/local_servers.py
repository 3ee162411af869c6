"""Find language models on this machine, at the default addresses of their servers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.errors import SettingsError
from bot.llm.address import Address, visit

if TYPE_CHECKING:
    from collections.abc import Mapping

# The names that `footnote setup --llm` accepts.
ADDRESSES: Final[Mapping[str, str]] = {
    "ollama": "http://localhost:11434/v1",
    "lm-studio": "http://localhost:1234/v1",
}
_PATIENCE: Final = timedelta(seconds=2)  # local servers answer at once


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answers, and its models."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def find_local_servers() -> list[LocalServer]:
    """List the servers on this machine that have a model."""
    found = await asyncio.gather(*(_ask(name, base_url) for name, base_url in ADDRESSES.items()))
    return [server for server in found if server is not None]


async def _ask(name: str, base_url: str) -> LocalServer | None:
    try:
        offer = await visit(Address.read(base_url), None, _PATIENCE)
    except SettingsError:  # something else listens there
        return None
    return LocalServer(name, base_url, offer.models) if offer.models else None
