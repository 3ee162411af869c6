"""Run servers beside a test that has no event loop of its own, such as one that runs a whole command."""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager


class Beside:
    """An event loop in its own thread: `enter` starts a server there, and the end of the block stops all of them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._opened: list[AbstractAsyncContextManager[Any]] = []

    def enter(self, server: Any) -> Any:
        self._opened.append(server)
        return self.do(server.__aenter__)

    def do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work(*arguments), self._loop).result(30)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in reversed(self._opened):
            self.do(server.__aexit__, None, None, None)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
