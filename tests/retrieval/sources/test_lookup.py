"""Look up one paper of arXiv by its id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrieval.sources.fetched import SourceError
from retrieval.sources.lookup import look_up
from tests.local_sources import some_papers
from tests.local_sources.atom import error_entry

if TYPE_CHECKING:
    from retrieval.sources.web import Web
    from tests.local_sources import LocalSources


async def test_the_paper_comes_with_what_can_be_quoted_and_linked(local: LocalSources, web: Web) -> None:
    (known,) = local.arxiv = some_papers(1)
    paper = await look_up(web, local.base_url, known.arxiv_id)
    assert paper is not None
    assert (paper.paper_id, paper.title, paper.abstract) == (f"arxiv:{known.arxiv_id}", known.title, known.abstract)
    assert paper.url == f"https://arxiv.org/abs/{known.arxiv_id}"
    assert paper.published == known.published.date()
    (request,) = local.asked("/api/query")
    assert request.query["id_list"] == known.arxiv_id


async def test_what_arxiv_does_not_have_is_none(local: LocalSources, web: Web) -> None:
    assert await look_up(web, local.base_url, "2002.04523") is None
    local.arxiv = some_papers(1)
    assert await look_up(web, local.base_url, "2002.04523") is None
    local.feeds["/elsewhere/api/query"] = (error_entry("incorrect id format for 1"), "application/atom+xml")
    assert await look_up(web, f"{local.base_url}/elsewhere/", "9999.99999") is None


async def test_a_withdrawn_paper_is_refused_with_a_sentence(local: LocalSources, web: Web) -> None:
    local.arxiv = [replace(some_papers(1)[0], comment="This paper has been withdrawn by the authors")]
    with pytest.raises(SourceError, match="was withdrawn from arXiv"):
        await look_up(web, local.base_url, local.arxiv[0].arxiv_id)
