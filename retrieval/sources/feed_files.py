"""Atom and RSS feeds saved to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.errors import BadInputError
from retrieval.sources.archive import whole
from retrieval.sources.feed import paper_of
from retrieval.sources.rows import Bad, Ready, Remark
from retrieval.sources.syndication import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.sources.rows import Found

SOURCE = "feed"


def read_feed(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a feed, or those before the cut if it is truncated."""
    parsed = parse_bytes(whole(stream))
    if not parsed.get("version"):
        raise BadInputError("it is neither Atom nor RSS")
    for number, entry in enumerate(parsed.entries, start=1):
        paper = paper_of(entry, SOURCE, arxivs=False)
        yield Ready(paper) if paper else Bad(f"entry {number}", "it has no title, or far too long a text")
    if parsed.get("bozo"):
        yield Remark("the feed is not well-formed; what could be read was taken")
