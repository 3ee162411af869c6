"""Follow one event through the rooms of the bot: which it enters, and how often it comes back to one that it had left.

A room is a package of bot/discord, or a module beside them; the package bot/answering is one. A room is entered when a
function of it is called from another one, in the task that serves the event; that a function goes on after what it
called or awaited is no entry. `bot.discord.ui` and `bot.discord.connection` are no rooms here: they are what every room
writes and sends with. Neither are the answer itself, which all rooms speak of, and how it words a title.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bot as package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

HOUSE = Path(package.__file__).parent
TOOLS = {"discord/ui", "discord/connection", "answering/answer.py", "answering/surface.py"}


@dataclass
class Walk:
    """The rooms of one task in the order in which it entered them, each with the function that it came in by."""

    stays: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rooms(self) -> list[str]:
        return [room for room, _ in self.stays]

    @property
    def returns(self) -> int:
        return len(self.rooms) - len(set(self.rooms))

    def __str__(self) -> str:
        return "\n".join(f"{room:12} by {function}" for room, function in self.stays)


@contextmanager
def watched() -> Iterator[dict[str, list[Walk]]]:
    """Give, while the block runs, the walks of all tasks in this thread under the names of the tasks."""
    walks: dict[asyncio.Task[Any], Walk] = {}
    named: dict[str, list[Walk]] = {}
    known: dict[int, FrameType] = {}  # a coroutine that goes on is no new call; frames are kept, so that no id recurs

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or id(frame) in known or (room := _room_of(frame)) is None:
            return
        known[id(frame)] = frame
        if (task := _current()) is None:
            return
        if task not in walks:
            walks[task] = Walk()
            named.setdefault(task.get_name(), []).append(walks[task])
        stays = walks[task].stays
        if not stays or stays[-1][0] != room:
            stays.append((room, frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else ""))

    sys.setprofile(note)
    try:
        yield named
    finally:
        sys.setprofile(None)


def _current() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _room_of(frame: FrameType) -> str | None:
    """The room that a function belongs to; None where it is, or is called by, one of the tools, or is no function."""
    area = _area_of(frame)
    if area is None or area in TOOLS or frame.f_code.co_name.startswith("<"):
        return None
    caller = frame.f_back
    while caller is not None and _area_of(caller) is None:
        caller = caller.f_back
    if caller is not None and _area_of(caller) in TOOLS:
        return None
    house, inner = area.split("/")
    return house if house == "answering" else inner.removesuffix(".py")


def _area_of(frame: FrameType) -> str | None:
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(HOUSE):
        return None
    parts = path.relative_to(HOUSE).parts[:2]
    return "/".join(parts) if parts[0] in {"answering", "discord"} else None
