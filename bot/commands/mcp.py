"""`footnote mcp`: serve the library to other programs' language models over standard input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import SettingsError
from bot.factory import open_answerer, open_library, prepare_library
from bot.invocation import extra

if TYPE_CHECKING:
    from bot.settings import Settings


async def serve(settings: Settings, *, use_llm: bool) -> None:
    """Serve a client until it closes standard input; raises SettingsError if the SDK is not installed."""
    try:
        from bot.mcp_server import make_server
    except ModuleNotFoundError as error:
        raise SettingsError(
            "The MCP server needs a package that is not installed; install footnote with its extra mcp, as in "
            f"{extra('mcp')}."
        ) from error
    async with open_library(settings) as library:
        await prepare_library(library)
        async with open_answerer(settings, library, use_llm=use_llm) as answerer:
            await make_server(library, answerer).run_stdio_async()
