"""What calls to the language model use, and who they are made for."""

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
    """Who a call is made for: ids of the server and the person; None in DMs, terminals and digests."""

    server_id: int | None = None
    person_id: int | None = None
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What one call used: its purpose ("answer", "rewrite", …), the model, tokens in and out.

    `estimated` if the server did not count; failed calls count too, as servers bill the prompts that they read.
    """

    purpose: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """The record of a call made before it starts: its day, payer and estimate."""

    day: date
    payer: Payer
    expected: Spent


class Meter(Protocol):
    """Count calls, and tell when a budget is used up."""

    async def exhausted_budget(self, payer: Payer) -> str | None:
        """Name the budget that this payer has used up ("day", "server", "person"), None if there is room."""
        ...

    async def begin(self, payer: Payer, expected: Spent) -> Begun | None:
        """Record a call before it is made, so that its estimate counts if nobody is left to record the rest.

        None if it could not be recorded.
        """
        ...

    async def record(self, payer: Payer, spent: Spent, begun: Begun | None = None) -> None:
        """Record what a call used, replacing the estimate from `begin`."""
        ...


_NOBODY: Final = Payer()
_PAYER: Final[ContextVar[Payer]] = ContextVar("payer", default=_NOBODY)


@contextmanager
def paid_by(payer: Payer) -> Iterator[None]:
    """Charge every call made inside, also in tasks started inside, to this payer."""
    token = _PAYER.set(payer)
    try:
        yield
    finally:
        _PAYER.reset(token)


def payer() -> Payer:
    """Get the payer of the calls made here, as set by `paid_by`."""
    return _PAYER.get()
