from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.digest.delivery import Deliverer
from tests.bot.digest.parts import Board, Clock, Shelf, editor
from tests.bot.store.conftest import place, store  # noqa: F401 - the same stores, on both databases

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.store import Store


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
    """Make one more worker on the same store, as another process would."""
    return lambda: Deliverer(store, editor(shelf, store), board, now=clock)


@pytest.fixture
def deliverer(worker: Callable[[], Deliverer]) -> Deliverer:
    return worker()
