"""Record how an event walks through the rooms of the code: which ones it enters, and how often it comes back to one.

A walk enters a room when a function of the room is called, in the task that handles the event, while the walk is in
another room. A function that resumes after a call or an await is not entered again. A `Plan` says which files form a
room: a package folder, or a module beside packages. Some code is no room: what every walk rests on (`storage`, the
store, the log, the translations), what rooms write or call out with (`bot.discord.ui` and `connection`, the console,
`retrieval.sources.web`), and what all rooms talk about (a paper, an answer, a page of a source).
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

ROOT = Path(__file__).parents[1]
TOOL = "-"


@dataclass(frozen=True)
class Plan:
    """Which room a file is in: that of the longest path in `rooms` that contains it; TOOL means none."""

    rooms: Mapping[str, str]

    def area_of(self, frame: FrameType) -> str | None:
        """The room of a function, TOOL if it is in none, None if its file is outside the plan."""
        path = frame.f_code.co_filename
        if path not in self._known:
            self._known[path] = self._find(Path(path))
        return self._known[path]

    @cached_property
    def _known(self) -> dict[str, str | None]:
        return {}

    def _find(self, path: Path) -> str | None:
        if not path.is_relative_to(ROOT):
            return None
        inner = path.relative_to(ROOT)
        for part in (inner, *inner.parents):
            if (name := part.as_posix()) in self.rooms:
                return self.rooms[name]
            if (parent := part.parent.as_posix()) in self.rooms and self.rooms[parent].endswith("*"):
                return self.rooms[parent].removesuffix("*") + part.name.removesuffix(".py")
        return None


# `*` makes each package and module in the folder a room named after it.
DISCORD = Plan(
    {
        "bot/discord": "*",
        "bot/discord/ui": TOOL,
        "bot/discord/connection": TOOL,
        "bot/answering": "answering",
        "bot/answering/answer.py": TOOL,
        "bot/answering/paper_statement.py": TOOL,
    }
)
DIGEST = Plan({**DISCORD.rooms, "bot/digest": "digest"})
PAPER = Plan(
    {
        "bot": "*",
        **{
            f"bot/{tool}.py": TOOL
            for tool in ("console", "errors", "language", "log", "machine", "settings", "streams")
        },
        "retrieval": "library",
        "retrieval/sources": "sources",
        "retrieval/sources/fetched.py": TOOL,
        "retrieval/sources/limiter.py": TOOL,
        "retrieval/sources/web.py": TOOL,
        "retrieval/errors.py": TOOL,
        "retrieval/lazy_exports.py": TOOL,
        "retrieval/papers.py": TOOL,
        "retrieval/references.py": TOOL,
        "retrieval/text/text.py": TOOL,
    }
)


@dataclass
class Walk:
    """The rooms that one task entered, in order, each with the function through which it entered."""

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
def watched(plan: Plan = DISCORD) -> Iterator[dict[str, list[Walk]]]:
    """Record the walks of all tasks in this thread while the block runs, by the name of the task."""
    walks: dict[asyncio.Task[Any], Walk] = {}
    named: dict[str, list[Walk]] = {}
    known: dict[int, FrameType] = {}  # a resumed coroutine is not a new call; keeping the frames keeps their ids unique

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or id(frame) in known or (room := _room_of(frame, plan)) is None:
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


def _room_of(frame: FrameType, plan: Plan) -> str | None:
    """The room of a function; None if it is a tool, is called by one, or is not a function."""
    area = plan.area_of(frame)
    if area is None or area == TOOL or frame.f_code.co_name.startswith("<"):
        return None
    caller = frame.f_back
    while caller is not None and plan.area_of(caller) is None:
        caller = caller.f_back
    if caller is not None and (plan.area_of(caller) == TOOL or caller.f_code.co_name == "<module>"):
        return None  # a tool calls it, or it runs while a module is imported
    return area
