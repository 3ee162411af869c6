"""One paper by what people paste: a DOI, an arXiv id, or a link to arXiv, OpenReview or the ACL Anthology."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from retrieval.errors import BadInputError
from retrieval.references import ACL_ADDRESS, OPENREVIEW_ADDRESS, find_references
from retrieval.sources.arxiv_full_text import fetch_full_text
from retrieval.sources.bibtex import read_bibtex
from retrieval.sources.fetched import SourceError
from retrieval.sources.limiter import Service
from retrieval.sources.lookup import fetch_one
from retrieval.sources.record import make
from retrieval.sources.rows import Row
from retrieval.sources.shapes import records_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from retrieval.fulltext.article import FullText
    from retrieval.sources.fetched import Fetched
    from retrieval.sources.web import Reply, Web

DOI_ORG: Final = Service("doi.org", 0.5)
OPENREVIEW: Final = Service("OpenReview", 1.0)
ACL: Final = Service("The ACL Anthology", 1.0)

_CSL: Final = "application/vnd.citationstyles.csl+json"
# A feed's address may contain an id too.
_NO_PAPER: Final = re.compile(r"\.(?:xml|rss|atom|jsonl?|csv|bib|ris)(?:\.gz)?(?:[?#]|\Z)|/(?:feed|rss)(?:[/?]|\Z)")
_OK, _BAD, _FORBIDDEN, _NOT_FOUND, _NOT_ACCEPTABLE, _GONE = 200, 400, 403, 404, 406, 410


@dataclass(frozen=True, slots=True)
class Addresses:
    """The base URL of each service."""

    arxiv: str
    doi: str
    openreview: str
    acl: str


class Single:
    """One paper on the network.

    Attributes:
        name: as the user wrote it.
    """

    def __init__(self, name: str, web: Web, addresses: Addresses, scheme: str, number: str) -> None:
        self.name = name
        self._web = web
        self._addresses = addresses
        self._scheme = scheme
        self._number = number

    async def fetch(self) -> Fetched:
        """Fetch the paper; raises SourceError if there is none, or its service cannot be reached."""
        ways = {"arxiv": self._from_arxiv, "doi": self._from_doi, "openreview": self._from_openreview}
        return await ways.get(self._scheme, self._from_acl)()

    @property
    def has_full_text(self) -> bool:
        """Whether its service lets programs read full texts."""
        return self._scheme == "arxiv"

    async def fetch_full_text(self) -> FullText:
        """Fetch the full text of an arXiv paper; raises SourceError if it is not available."""
        return await fetch_full_text(self._web, self._addresses.arxiv, self._number)

    async def _from_arxiv(self) -> Fetched:
        found = await fetch_one(self._web, self._addresses.arxiv, self._number)
        if found is None:
            raise SourceError(f"arXiv has no paper {self._number}; check the id.")
        return found

    async def _from_doi(self) -> Fetched:
        def read(reply: Reply) -> Fetched:
            if reply.status in {_NOT_FOUND, _GONE}:
                raise SourceError(f"There is no DOI {self._number}; check it.")
            record = _json(reply, DOI_ORG, self._number)
            if not isinstance(record, dict):
                raise _unreadable(DOI_ORG, self._number, "it is no record")
            return self._made({"DOI": self._number, **record}, "doi", DOI_ORG)

        url = f"{self._addresses.doi.rstrip('/')}/{quote(self._number, safe='/;()')}"
        return await self._get(DOI_ORG, url, read, headers={"Accept": _CSL})

    async def _from_openreview(self) -> Fetched:
        def read(reply: Reply) -> Fetched:
            if reply.status == _FORBIDDEN:
                raise SourceError(f"OpenReview does not show {self._number} to everybody.")
            records = records_in(_json(reply, OPENREVIEW, self._number)) if reply.status == _OK else None
            if not records:
                raise SourceError(f"OpenReview has no paper {self._number}; check the link.")
            return self._made(records[0], "openreview", OPENREVIEW)

        url = f"{self._addresses.openreview.rstrip('/')}/notes"
        return await self._get(OPENREVIEW, url, read, params={"id": self._number})

    async def _from_acl(self) -> Fetched:
        def read(reply: Reply) -> Fetched:
            if reply.status in {_NOT_FOUND, _GONE}:
                raise SourceError(f"The ACL Anthology has no paper {self._number}; check the link.")
            try:
                row = next((entry for entry in read_bibtex(io.BytesIO(reply.body)) if isinstance(entry, Row)), None)
            except BadInputError as error:
                raise _unreadable(ACL, self._number, str(error)) from error
            return self._made(row.fields if row else {}, "acl", ACL)

        return await self._get(ACL, f"{self._addresses.acl.rstrip('/')}/{self._number}.bib", read)

    async def _get(
        self,
        service: Service,
        url: str,
        read: Callable[[Reply], Fetched],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        accepted = (_OK, _BAD, _FORBIDDEN, _NOT_FOUND, _NOT_ACCEPTABLE, _GONE)
        return await self._web.get(service, url, read, params=params, headers=headers, accept=accepted)

    def _made(self, record: Mapping[str, Any], source: str, service: Service) -> Fetched:
        try:
            return make(record, source).paper
        except BadInputError as error:
            raise _unreadable(service, self._number, str(error)) from error


def open_single(spec: str, web: Web, addresses: Addresses) -> Single | None:
    """The paper that a spec names, None if it names none; nothing is fetched yet."""
    text = spec.strip()
    if match := OPENREVIEW_ADDRESS.fullmatch(text):
        return Single(text, web, addresses, "openreview", match["id"])
    if match := ACL_ADDRESS.fullmatch(text):
        return Single(text, web, addresses, "acl", match["id"])
    references = find_references(text)
    if len(references) != 1 or not references[0].paper_id or references[0].span != (0, len(text)):
        return None
    scheme, _, number = references[0].paper_id.partition(":")
    if scheme not in {"arxiv", "doi"} or _is_feed(text):
        return None
    return Single(text, web, addresses, scheme, number)


def _is_feed(text: str) -> bool:
    return "doi.org/" not in text.lower() and text.lower().startswith("http") and bool(_NO_PAPER.search(text))


def _json(reply: Reply, service: Service, number: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise _unreadable(service, number, "it is no JSON") from error


def _unreadable(service: Service, number: str, reason: str) -> SourceError:
    return SourceError(
        f"What {service.name} says of {number} cannot be read ({reason}); save the reference from the paper's page as "
        ".bib or .ris, and ingest that."
    )
