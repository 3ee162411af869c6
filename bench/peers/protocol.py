"""What a peer does: take papers in, and name those that it finds. Nothing beyond Python is imported here."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUERY_MODEL = "query's embedding"  # the part of a search that all peers share


@dataclass(frozen=True, slots=True)
class Text:
    """Hold what a peer is given of a paper, or of a window of one."""

    text_id: str
    title: str
    body: str

    @property
    def whole(self) -> str:
        """Return title and body as pipelines put them together."""
        return f"{self.title}\n\n{self.body}" if self.title else self.body


@dataclass(slots=True)
class Spent:
    """Hold seconds that passed, and seconds of the processors."""

    passed: float = 0.0
    processors: float = 0.0


@dataclass(slots=True)
class Parts:
    """Add up what the parts of a piece of work took, by name."""

    spent: dict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done inside as one part."""
        passed, processors = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.spent[name].passed += time.perf_counter() - passed
            self.spent[name].processors += time.process_time() - processors


class Peer(Protocol):
    """Take in texts and search them, in a folder of its own and a process of its own."""

    def ingest(self, texts: Sequence[Text]) -> None:
        """Make all texts searchable; called once, with the model loaded."""
        ...

    def search(self, query: str, limit: int) -> list[str]:
        """Return the ids of up to `limit` texts, best first, each once."""
        ...

    def close(self) -> None:
        """Write what is not written yet."""
        ...


def first_of_each(ids: Iterator[str], limit: int) -> list[str]:
    """Return the first `limit` ids, each once: several parts of a paper may be found."""
    return list(dict.fromkeys(ids))[:limit]
