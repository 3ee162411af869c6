"""What a peer does: ingest papers, and find them again. Only the standard library is imported here."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUERY_MODEL = "query's embedding"  # the part of a search that all peers share


@dataclass(frozen=True, slots=True)
class Text:
    """A paper, or a window of one, as given to a peer."""

    text_id: str
    title: str
    body: str

    @property
    def whole(self) -> str:
        """Title and body, joined as pipelines do."""
        return f"{self.title}\n\n{self.body}" if self.title else self.body


@dataclass(slots=True)
class Spent:
    """Wall-clock and CPU seconds."""

    passed: float = 0.0
    processors: float = 0.0


@dataclass(slots=True)
class Parts:
    """Add up the time of each named part of some work; parts that run side by side share a name, to count once."""

    spent: dict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    _running: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the block as one part."""
        self._count(name, -1)
        self._running[name] += 1
        try:
            yield
        finally:
            self._running[name] -= 1
            self._count(name, 1)

    def _count(self, name: str, sign: int) -> None:
        """Add the clocks when a part ends, or subtract them when it begins, unless the same part is still running."""
        if not self._running[name]:
            self.spent[name].passed += sign * time.perf_counter()
            self.spent[name].processors += sign * time.process_time()


class Peer(Protocol):
    """A system under test: ingests texts and searches them, in its own folder and process."""

    def ingest(self, texts: Sequence[Text]) -> None:
        """Make all texts searchable; called once, with the model loaded."""
        ...

    def search(self, query: str, limit: int) -> list[str]:
        """Ids of up to `limit` texts, best first, without duplicates."""
        ...

    def close(self) -> None:
        """Write whatever is not on disk yet."""
        ...


def first_of_each(ids: Iterator[str], limit: int) -> list[str]:
    """The first `limit` distinct ids: several parts of a paper may be found."""
    return list(dict.fromkeys(ids))[:limit]
