"""Notify systemd that the bot is ready, alive or stopping, if systemd started it."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from datetime import timedelta


async def tell_systemd(stop: asyncio.Event) -> None:
    """Report readiness, then regular watchdog signs, until told to stop; one of the bot's jobs."""
    await asyncio.to_thread(notify, "READY=1")
    every = timedelta(microseconds=int(os.environ.get("WATCHDOG_USEC") or 0)) / 2
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every.total_seconds() or None)
            break
        notify("WATCHDOG=1")
    notify("STOPPING=1")


def notify(state: str) -> None:
    """Send a state to systemd's socket; do nothing if there is none or nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as systemd:
        systemd.connect(address)
        systemd.sendall(state.encode())
