from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import stamina

from retrieval.sources.web import Web
from tests.local_sources import LocalClock, LocalSources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    """Keep the number of retries, but let stamina not wait between them."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def clock() -> LocalClock:
    """Friday 20 November 2026, noon in UTC."""
    return LocalClock()


@pytest.fixture
async def local(clock: LocalClock) -> AsyncIterator[LocalSources]:
    async with LocalSources(clock=clock) as local:
        yield local


@pytest.fixture
async def web(clock: LocalClock) -> AsyncIterator[Web]:
    async with Web(clock, timeout=timedelta(seconds=10)) as web:
        yield web
