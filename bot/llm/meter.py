"""What calls to the language model cost, and for whom they are made."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


@dataclass(frozen=True, slots=True)
class Payer:
    """Hold for whom a call is made: ids of the server and the person, None in a DM, a terminal, a digest."""

    server_id: int | None = None
    person_id: int | None = None
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """Hold what one call took: its purpose ("answer", "rewrite", …), the model, tokens in and out.

    `estimated` where the server did not count; failed calls count too, as servers bill the prompts that they read.
    """

    purpose: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """Hold what was written down of a call before it was made, and under which day."""

    day: date
    payer: Payer
    expected: Spent


class Meter(Protocol):
    """Count calls, and say when a budget is used up."""

    async def exhausted(self, payer: Payer) -> str | None:
        """Give the budget that is used up for this payer ("day", "server", "person"), None where there is room."""
        ...

    async def begin(self, payer: Payer, expected: Spent) -> Begun | None:
        """Write a call down before it is made: it counts as expected should nobody be left to record it.

        Gives None where that could not be written.
        """
        ...

    async def record(self, payer: Payer, spent: Spent, begun: Begun | None = None) -> None:
        """Keep what a call took, in place of what was expected when it began."""
        ...


_NOBODY: Final = Payer()
_PAYER: Final[ContextVar[Payer]] = ContextVar("payer", default=_NOBODY)


@contextmanager
def paid_by(payer: Payer) -> Iterator[None]:
    """Have every call made inside count for this payer, in tasks that are started inside too."""
    token = _PAYER.set(payer)
    try:
        yield
    finally:
        _PAYER.reset(token)


def payer() -> Payer:
    """Give for whom calls are made right now."""
    return _PAYER.get()
