"""Read typed or piped lines, so that Ctrl-C or a missing standard input ends the reading."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from contextlib import suppress

log = logging.getLogger(__name__)


async def next_line(prompt: str) -> str:
    """Read the next line of standard input, or an empty string if there is none.

    The prompt is shown in a terminal only. Bytes that are not text become replacement characters.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def settle(typed: str) -> None:
        if not line.done():  # Ctrl-C may have cancelled it
            line.set_result(typed)

    def read() -> None:
        try:
            typed = _read(prompt).strip()
        except Exception:  # whatever is wrong with standard input, no more lines will come
            log.debug("standard input has ended", exc_info=True)
            typed = ""
        with suppress(RuntimeError):  # the loop may have ended
            loop.call_soon_threadsafe(settle, typed)

    # Not to_thread: its threads are joined at exit, and after Ctrl-C nobody will press Enter.
    threading.Thread(target=read, daemon=True).start()
    return await line


def _read(prompt: str) -> str:
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        return input(prompt)
    # Unbuffered: a buffer's lock would be held by the waiting thread, and an interpreter that exits then aborts.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:
        return unbuffered.readline().decode(errors="replace")
