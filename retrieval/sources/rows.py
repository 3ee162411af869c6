"""Row and Bad: what a reader of a format gives, an entry of a file as named fields or why it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import BufferedReader

    from retrieval.sources.fetched import Fetched

SHOWN = 10  # of what was left out, before it is only counted


@dataclass(frozen=True, slots=True)
class Row:
    """Hold an entry's fields under the names that `record.py` reads, and its place in the file ("line 3")."""

    position: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """Say in a few words why an entry cannot be read."""

    position: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Hold what people should know of a file that is read all the same, such as which column was taken for what."""

    text: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Hold a paper that the reader has made itself."""

    paper: Fetched


Found: TypeAlias = Row | Bad | Remark | Ready


@dataclass(frozen=True, slots=True)
class Format:
    """Hold how a kind of file is called, and what reads it.

    Attributes:
        source: what its papers carry as their source.
        name: what people call it.
        read: yields what a stream of bytes holds; raises BadInputError of a few words where that is nothing.
    """

    source: str
    name: str
    read: Callable[[BufferedReader], Iterator[Found]]


@dataclass
class LeftOut:
    """Count what cannot be read, and keep the first of it."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, sentence: str) -> None:
        """Keep one more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(sentence)
