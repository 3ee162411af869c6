from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.digest.delivery import Deliverer
from tests.bot.digest.parts import Board, Clock, Shelf, editor
from tests.bot.store.conftest import Place, make_place, store, tables  # noqa: F401 - the same stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.store import Store


# The store's own tests run on both databases anyway; the hundred tests here take a minute more on PostgreSQL.
@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def place(request: pytest.FixtureRequest, tmp_path: Path, tables: bool) -> AsyncIterator[Place]:  # noqa: F811
    async with make_place(request, tmp_path, tables=tables) as place:
        yield place


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def board(clock: Clock) -> Board:
    return Board(clock)


@pytest.fixture
def worker(store: Store, shelf: Shelf, board: Board, clock: Clock) -> Callable[[], Deliverer]:  # noqa: F811
    """Make workers on the same store, as several processes would have them."""
    return lambda: Deliverer(store, editor(shelf, store), board, now=clock)


@pytest.fixture
def deliverer(worker: Callable[[], Deliverer]) -> Deliverer:
    return worker()
