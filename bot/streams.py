"""Prepare the standard streams for output, however the command was started."""

from __future__ import annotations

import io
import os
import sys

STREAMS = 3


def prepare() -> None:
    """Keep files from taking the number of a closed stream, and unencodable characters from stopping a command."""
    for number in range(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for as long as the process
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush() -> None:
    """Flush stdout while errors can still be reported."""
    if sys.stdout is not None:
        sys.stdout.flush()


def silence() -> None:
    """Drop unwritten output, so that Python does not complain when it closes stdout."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
