"""Row, Bad, Remark and Ready: what the reader of a format yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import BufferedReader

    from retrieval.sources.fetched import Fetched

SHOWN = 10  # sentences about what was left out; the rest is only counted


@dataclass(frozen=True, slots=True)
class Row:
    """An entry's fields, named as `record.py` reads them, and its position in the file ("line 3")."""

    position: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """An entry that cannot be read, and the reason in a few words."""

    position: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A note about a file that is read all the same, such as what each column was taken for."""

    text: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A paper that the reader has made itself."""

    paper: Fetched


Found: TypeAlias = Row | Bad | Remark | Ready


@dataclass(frozen=True, slots=True)
class Format:
    """A file format and its reader.

    Attributes:
        source: the source of its papers.
        name: what people call it.
        read: yields what a stream holds; raises BadInputError, in a few words, if that is nothing.
    """

    source: str
    name: str
    read: Callable[[BufferedReader], Iterator[Found]]


@dataclass
class LeftOut:
    """What could not be read: a count, and the first sentences about it."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, sentence: str) -> None:
        """Count one more, and store its sentence if it is among the first SHOWN."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(sentence)
