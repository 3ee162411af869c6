"""A source from an installed plugin; whatever goes wrong in its code becomes a sentence."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from retrieval.errors import FootnoteError
from retrieval.plugin_loader import SOURCES, failed, make_plugin, plugin_names
from retrieval.sources.fetched import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from retrieval.sources.fetched import Cursor, OnlineSource, Page
    from retrieval.sources.web import Web

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def open_plugin_source(spec: str, web: Web) -> OnlineSource | None:
    """The plugin's source for a spec, `NAME` or `NAME:rest`; None if no installed plugin has that name.

    Raises PluginError if the plugin cannot be loaded.
    """
    name, _, rest = spec.partition(":")
    if not _NAME.fullmatch(name) or name not in plugin_names(SOURCES):
        return None
    return PluginSource(spec, name, make_plugin(SOURCES, name, rest, web, needs=("pages",)))


class PluginSource:
    """A source whose pages come from a plugin."""

    def __init__(self, spec: str, plugin: str, source: OnlineSource) -> None:
        """Wrap a plugin's source; its cursor is stored under `spec`, the name that the user wrote."""
        self.name = spec
        self._plugin = plugin
        self._source = source

    async def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield the plugin's pages; any error in its code is raised as a SourceError."""
        try:
            async with aclosing(cast("AsyncGenerator[Page]", self._source.pages(cursor))) as pages:
                async for page in pages:
                    yield page
        except FootnoteError:
            raise
        except Exception as error:
            raise SourceError(failed(self._plugin, error)) from error
