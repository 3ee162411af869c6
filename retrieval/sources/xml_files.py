"""XML of references, read element by element; entities are not expanded, and nothing is fetched."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from retrieval.errors import BadInputError
from retrieval.sources import endnote, jats, oai, pubmed
from retrieval.sources.rows import Bad, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from retrieval.sources.rows import Found


def read_pubmed(stream: BinaryIO) -> Iterator[Found]:
    """Yield the articles of PubMed's XML."""
    return _elements(stream, pubmed.ELEMENTS, pubmed.fields)


def read_jats(stream: BinaryIO) -> Iterator[Found]:
    """Yield the articles of a JATS file, as publishers and PubMed Central have it."""
    return _elements(stream, jats.ELEMENTS, jats.fields)


def read_oai(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of an OAI-PMH answer."""
    return _elements(stream, oai.ELEMENTS, oai.fields)


def read_endnote(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of EndNote's XML."""
    return _elements(stream, endnote.ELEMENTS, endnote.fields)


def root_of(start: bytes) -> str | None:
    """The name of the root element, without its namespace, from the beginning of an XML text."""
    parser = etree.XMLPullParser(events=("start",), **_SAFE)
    with suppress(etree.XMLSyntaxError):  # the text may be cut anywhere
        parser.feed(start)
    with suppress(etree.XMLSyntaxError):
        return next((_local(element) for _, element in parser.read_events()), None)
    return None


_SAFE: Final = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def _elements(
    stream: BinaryIO, names: tuple[str, ...], fields: Callable[[Any], Mapping[str, Any] | None]
) -> Iterator[Found]:
    number = 0
    try:
        events = etree.iterparse(stream, events=("end",), tag=[f"{{*}}{name}" for name in names], **_SAFE)
        for _, element in events:
            number += 1
            found = fields(element)
            if found is not None:
                yield Row(f"record {number}", found)
            element.clear()
            while element.getprevious() is not None and element.getparent() is not None:
                del element.getparent()[0]
    except (etree.LxmlError, SyntaxError, LookupError) as error:
        reason = str(error).partition("\n")[0][:100] or type(error).__name__
        if not number:
            raise BadInputError(f"it is not well-formed XML ({reason})") from error
        yield Bad(f"after record {number}", f"the file is cut off or damaged here ({reason})")


def _local(element: Any) -> str:  # noqa: ANN401  # lxml has no types
    return str(etree.QName(element).localname)
