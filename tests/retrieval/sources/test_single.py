"""Look up one paper by DOI, id or link, on servers that answer like doi.org, OpenReview and the ACL Anthology."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import stamina

from retrieval.sources import web as web_module
from retrieval.sources.fetched import SourceError
from retrieval.sources.single import Addresses, Single, open_single
from tests.local_sources import fails, says, some_papers

if TYPE_CHECKING:
    from retrieval.sources.web import Web
    from tests.local_sources import LocalSources
    from tests.local_sources.faults import Fault

CSL = {
    "type": "article-journal",
    "DOI": "10.1038/Nature14539",
    "title": "Deep learning",
    "container-title": "Nature",
    "author": [{"given": "Yann", "family": "LeCun", "sequence": "first"}, {"given": "Yoshua", "family": "Bengio"}],
    "issued": {"date-parts": [[2015, 5, 27]]},
    "abstract": "<jats:p>Deep learning allows <jats:italic>models</jats:italic> of several layers.</jats:p>",
    "URL": "https://doi.org/10.1038/nature14539",
}
NOTE = {
    "notes": [
        {
            "id": "YicbFdNTTy",
            "forum": "YicbFdNTTy",
            "cdate": 1601308407000,
            "pdate": 1610463000000,
            "content": {
                "title": {"value": "An Image is Worth 16x16 Words"},
                "abstract": {"value": "Transformers are applied to patches of images."},
                "authors": {"value": ["Alexey Dosovitskiy", "Lucas Beyer"]},
                "venue": {"value": "ICLR 2021 Oral"},
                "pdf": {"value": "/pdf/abc.pdf"},
            },
        }
    ],
    "count": 1,
}
BIB = r"""@inproceedings{doe-roe-2023-words,
    title = "Words and {BERT}s",
    author = {Doe, Jane  and
      Ro{\"e}, Richard},
    editor = "Boss, Big",
    booktitle = "Proceedings of the 61st Annual Meeting of the Association for Computational Linguistics",
    month = jul,
    year = "2023",
    address = "Toronto, Canada",
    publisher = "Association for Computational Linguistics",
    url = "https://aclanthology.org/2023.acl-long.1/",
    doi = "10.18653/v1/2023.acl-long.1",
    pages = "1--12",
    abstract = "We count words. They are many."
}
"""


def single(spec: str, local: LocalSources, web: Web) -> Single:
    found = open_single(spec, web, Addresses(*[local.base_url] * 4))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "spec", ["10.1038/nature14539", "doi:10.1038/nature14539", "https://doi.org/10.1038/nature14539"]
)
async def test_a_doi_is_asked_for_in_csl_json(spec: str, local: LocalSources, web: Web) -> None:
    local.feeds["/10.1038/nature14539"] = (json.dumps(CSL), "application/vnd.citationstyles.csl+json")
    found = await single(spec, local, web).fetch()
    assert (found.paper.paper_id, found.paper.title) == ("doi:10.1038/nature14539", "Deep learning")
    assert found.paper.abstract == "Deep learning allows models of several layers."
    assert (found.authors, found.paper.published) == (("Yann LeCun", "Yoshua Bengio"), dt.date(2015, 5, 27))
    assert found.paper.url == "https://doi.org/10.1038/nature14539"
    assert local.requests[0].headers["Accept"] == "application/vnd.citationstyles.csl+json"


@pytest.mark.parametrize(
    "spec",
    [
        "https://openreview.net/forum?id=YicbFdNTTy",
        "openreview.net/pdf?id=YicbFdNTTy",
        "https://openreview.net/forum?noteId=x&id=YicbFdNTTy#discussion",
    ],
)
async def test_a_forum_of_openreview_is_read_through_its_api(spec: str, local: LocalSources, web: Web) -> None:
    local.feeds["/notes"] = (json.dumps(NOTE), "application/json")
    found = await single(spec, local, web).fetch()
    assert found.paper.title == "An Image is Worth 16x16 Words"
    assert found.authors == ("Alexey Dosovitskiy", "Lucas Beyer")
    assert found.paper.url == "https://openreview.net/forum?id=YicbFdNTTy"
    assert found.paper.published == dt.date(2021, 1, 12)
    assert local.requests[0].query == {"id": "YicbFdNTTy"}


@pytest.mark.parametrize(
    "spec",
    [
        "https://aclanthology.org/2023.acl-long.1/",
        "https://aclanthology.org/2023.acl-long.1.pdf",
        "https://www.aclanthology.org/2023.acl-long.1",
        "https://www.aclweb.org/anthology/2023.acl-long.1/",
    ],
)
async def test_a_page_of_the_anthology_is_read_through_its_bibtex(spec: str, local: LocalSources, web: Web) -> None:
    local.feeds["/2023.acl-long.1.bib"] = (BIB, "text/plain")
    found = await single(spec, local, web).fetch()
    assert found.paper.paper_id == "doi:10.18653/v1/2023.acl-long.1"
    assert (found.paper.title, found.paper.abstract) == ("Words and BERTs", "We count words. They are many.")
    assert found.authors == ("Jane Doe", "Richard Roë")
    assert (found.paper.url, found.paper.published) == (
        "https://aclanthology.org/2023.acl-long.1/",
        dt.date(2023, 7, 1),
    )


@pytest.mark.parametrize(
    "form", ["{}", "arXiv:{}v2", "https://arxiv.org/abs/{}", "https://arxiv.org/pdf/{}v1.pdf", "10.48550/arXiv.{}"]
)
async def test_an_arxiv_id_in_any_form_is_asked_of_arxiv(form: str, local: LocalSources, web: Web) -> None:
    (known,) = local.arxiv = some_papers(1)
    found = await single(form.format(known.arxiv_id), local, web).fetch()
    assert (found.paper.title, found.authors) == (known.title, known.authors)
    assert local.asked("/api/query")[0].query["id_list"] == known.arxiv_id


@pytest.mark.parametrize(
    "spec",
    [
        "seeds", "arxiv:cs.CL", "arxiv:'2401.12345 and more'", "https://example.org/feed.xml", "P19", "papers.jsonl",
        "https://export.arxiv.org/rss/cs.CL", "https://example.org/2401.12345/feed", "huggingface:2024-05-31",
        "https://openreview.net/group?id=ICLR.cc", "https://aclanthology.org/volumes/2023.acl-long/", "",
    ],
)  # fmt: skip
def test_what_names_no_one_paper_is_left_to_the_others(spec: str, local: LocalSources, web: Web) -> None:
    assert open_single(spec, web, Addresses("a", "b", "c", "d")) is None


@pytest.mark.parametrize(
    ("spec", "fault", "sentence"),
    [
        ("10.1038/none", None, "There is no DOI 10.1038/none; check it."),
        ("10.1038/none", says("<html></html>", "text/html"), "it is no JSON"),
        ("10.1038/none", says("[]", "application/json"), "it is no record"),
        ("10.1038/none", says('{"type": "dataset"}', "application/json"), "save the reference"),
        ("https://openreview.net/forum?id=abc", None, "OpenReview has no paper abc"),
        ("https://openreview.net/forum?id=abc", says('{"notes": []}', "application/json"), "OpenReview has no paper"),
        ("https://openreview.net/forum?id=abc", fails(403, '{"name": "Forbidden"}'), "not show abc to everybody"),
        ("https://aclanthology.org/P19-1001", None, "The ACL Anthology has no paper P19-1001"),
        ("https://aclanthology.org/P19-1001", says("nothing", "text/plain"), "it has no entries such as"),
        ("2401.12345", None, "arXiv has no paper 2401.12345"),
    ],
)  # fmt: skip
async def test_what_is_not_there_or_cannot_be_read_is_said(
    spec: str, fault: Fault | None, sentence: str, local: LocalSources, web: Web
) -> None:
    if fault:
        local.next(fault)
    with pytest.raises(SourceError, match=sentence):
        await single(spec, local, web).fetch()


async def test_a_withdrawn_paper_of_arxiv_is_not_taken_in(local: LocalSources, web: Web) -> None:
    local.arxiv = [replace(some_papers(1)[0], comment="This paper has been withdrawn by the authors")]
    with pytest.raises(SourceError, match="was withdrawn"):
        await single(local.arxiv[0].arxiv_id, local, web).fetch()


async def test_a_service_that_fails_is_tried_again_and_that_is_said(
    local: LocalSources, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_module, "WAIT", dt.timedelta(seconds=0.6))
    said: list[str] = []
    web._say = said.append
    local.feeds["/10.1038/nature14539"] = (json.dumps(CSL), "application/json")
    local.next(fails(503), fails(429, Retry_After="40"), fails(500))
    with stamina.set_testing(False):
        assert (await single("10.1038/nature14539", local, web).fetch()).paper.title == "Deep learning"
    assert said == [
        "doi.org is out of order (HTTP 503); trying again in 1 s (1 of 4).",
        "doi.org was asked too often (HTTP 429); trying again in 40 s (2 of 4).",
        "doi.org is out of order (HTTP 500); trying again in 2 s (3 of 4).",
    ]
