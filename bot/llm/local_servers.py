"""Language models that run on this machine, found where their servers listen by default."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.errors import SettingsError
from bot.llm.address import Address, visit

if TYPE_CHECKING:
    from collections.abc import Mapping

# By the names that `footnote setup --llm` takes.
ADDRESSES: Final[Mapping[str, str]] = {
    "ollama": "http://localhost:11434/v1",
    "lm-studio": "http://localhost:1234/v1",
}
_PATIENCE: Final = 2.0  # seconds; what is here answers at once


@dataclass(frozen=True, slots=True)
class LocalServer:
    """Hold a server that answers, and the models that it has."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def find_local_servers() -> list[LocalServer]:
    """Return the servers on this machine that have a model to offer."""
    found = await asyncio.gather(*(_ask(name, base_url) for name, base_url in ADDRESSES.items()))
    return [server for server in found if server is not None]


async def _ask(name: str, base_url: str) -> LocalServer | None:
    try:
        offer = await visit(Address.read(base_url), None, _PATIENCE)
    except SettingsError:  # something else listens there
        return None
    return LocalServer(name, base_url, offer.models) if offer.models else None
