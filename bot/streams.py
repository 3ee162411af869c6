"""Make the standard streams fit for what is written to them, however the command was started."""

from __future__ import annotations

import io
import os
import sys

STREAMS = 3


def prepare() -> None:
    """Let no file take the place of a closed stream, and no character that a stream lacks stop a command."""
    for number in range(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for as long as the process
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush() -> None:
    """Write out what is buffered, while an error can still be told."""
    if sys.stdout is not None:
        sys.stdout.flush()


def silence() -> None:
    """Drop what was not written; without this Python complains while it closes stdout."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
