"""Read lines that are typed or piped in, so that Ctrl-C and a missing standard input end the reading."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from contextlib import suppress

log = logging.getLogger(__name__)


async def next_line(prompt: str) -> str:
    """Return the next line of standard input, or an empty string where there is none.

    A person is shown the prompt, a pipe is not. Bytes that are no text come as replacement characters.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def settle(typed: str) -> None:
        if not line.done():  # Ctrl-C has cancelled it meanwhile
            line.set_result(typed)

    def read() -> None:
        try:
            typed = _read(prompt).strip()
        except Exception:  # whatever is wrong with standard input, nothing more comes from it
            log.debug("standard input has ended", exc_info=True)
            typed = ""
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, typed)

    # Not to_thread: its threads are waited for at the end, and after Ctrl-C nobody will press Enter.
    threading.Thread(target=read, daemon=True).start()
    return await line


def _read(prompt: str) -> str:
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        return input(prompt)
    # Without a buffer, whose lock this thread would hold while it waits: an interpreter that ends then aborts.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:
        return unbuffered.readline().decode(errors="replace")
