from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from retrieval.library import Library


def _paper(paper_id: str, title: str, abstract: str, url: str | None = None) -> Paper:
    return Paper(paper_id, title, abstract, "test", url)


CATS = _paper(
    "arxiv:2401.12345", "Cats on mats", "Cats sit on mats. We measured how long.", "https://arxiv.org/abs/2401.12345"
)
CABLES = _paper("arxiv:math/0309136", "Routing cables", "A robot routes cables through clips by sight.")
JOURNAL = _paper("doi:10.1000/abc", "Tides of rivers", "Rivers rise with the tide and fall again.")
REVIEWED = _paper(
    identify("Sparse routers"), "Sparse routers", "Experts get tokens.", "https://openreview.net/forum?id=aB1"
)
LINKED = _paper(
    identify("Zebra counts"), "Zebra counts", "Zebras are counted from the air.", "http://arxiv.org/pdf/2402.00001v3"
)
DATACITE = _paper("doi:10.48550/arxiv.2403.00001", "Deep wells", "Wells are deep, and water is far.")
OWN = _paper("7", "Own ids", "A data set names its papers by numbers.", "https://doi.org/10.1000/seven")
EVERY = (CATS, CABLES, JOURNAL, REVIEWED, LINKED, DATACITE, OWN)


@pytest.fixture
async def linked(library: Library) -> Library:
    await library.add(EVERY)
    return library


REFERENCES = [
    ("2401.12345", CATS),
    ("https://arxiv.org/abs/2401.12345v2", CATS),
    ("https://arxiv.org/pdf/2401.12345", CATS),
    ("https://huggingface.co/papers/2401.12345", CATS),
    ("arXiv:math/0309136", CABLES),
    ("math.GT/0309136", CABLES),
    ("https://doi.org/10.1000/ABC", JOURNAL),
    ("https://openreview.net/forum?id=aB1", REVIEWED),
    ("www.openreview.net/forum?id=aB1", REVIEWED),
    (REVIEWED.paper_id, REVIEWED),
    ("2402.00001", LINKED),
    ("arxiv.org/abs/2402.00001", LINKED),
    ("2403.00001", DATACITE),
    ("https://doi.org/10.1000/seven", OWN),
]


@pytest.mark.parametrize(("reference", "paper"), REFERENCES)
async def test_an_id_or_a_link_finds_its_paper_alone_and_in_a_sentence(
    linked: Library, reference: str, paper: Paper
) -> None:
    for text in (reference, f"What do cats, rivers and robots have to do with {reference}?"):
        looked_up = await linked.lookup(text)
        assert looked_up.papers == (paper,)
        assert (looked_up.unknown, looked_up.links, looked_up.withdrawn) == ((), (), ())
        assert (await linked.search(text))[0].paper == paper


async def test_all_that_a_text_names_is_said_in_its_order(linked: Library) -> None:
    text = (
        "2401.99999 and [this](https://arxiv.org/abs/2401.12345), 10.1000/abc, 2401.12345v1, "
        "https://example.org/x, 2401.99999"
    )
    found = await linked.lookup(text)
    assert found.papers == (CATS, JOURNAL)
    assert [reference.text for reference, _ in found.found] == [
        "https://arxiv.org/abs/2401.12345",
        "10.1000/abc",
        "2401.12345v1",
    ]
    assert [(reference.paper_id, reference.span) for reference in found.unknown] == [("arxiv:2401.99999", (0, 10))]
    assert [reference.text for reference in found.links] == ["https://example.org/x"]
    assert [hit.paper for hit in await linked.search(text, limit=2)] in ([CATS, JOURNAL], [JOURNAL, CATS])


async def test_a_text_without_references_leads_nowhere(linked: Library) -> None:
    assert (await linked.lookup("what do cats do in 2024?")).papers == ()


async def test_a_withdrawn_paper_is_known_as_such(linked: Library) -> None:
    await linked.add([Fetched(CATS, withdrawn=True)])
    found = await linked.lookup("2401.12345")
    assert (found.papers, found.unknown) == ((), ())
    assert [paper.title for _, paper in found.withdrawn] == [CATS.title]
    assert CATS not in [hit.paper for hit in await linked.search("2401.12345")]


async def test_a_link_that_several_papers_share_names_none_of_them(library: Library) -> None:
    proceedings = "https://example.org/proceedings"
    await library.add([replace(CABLES, url=proceedings), replace(JOURNAL, url=proceedings)])
    assert [each.text for each in (await library.lookup(proceedings)).links] == [proceedings]


async def test_a_link_that_becomes_known_later_is_found(library: Library) -> None:
    await library.add([replace(REVIEWED, url=None)])
    await library.add([REVIEWED])
    assert (await library.lookup("https://openreview.net/forum?id=aB1")).papers == (REVIEWED,)


async def test_a_link_is_found_within_a_time_only_if_its_paper_is_of_it(library: Library) -> None:
    await library.add([replace(CATS, published=dt.date(2024, 1, 23)), replace(JOURNAL, published=dt.date(2023, 5, 1))])
    assert [hit.paper.title for hit in await library.search("2401.12345", until=dt.date(2023, 12, 31))] == [
        JOURNAL.title
    ]


async def test_a_page_is_found_by_its_link_among_the_seeds_which_have_none(seeded: Library) -> None:
    first = await seeded.get((await seeded.ids())[3])
    assert first is not None
    assert first.url is None
    await seeded.add([REVIEWED])
    paper = await seeded.get(REVIEWED.paper_id)
    assert paper is not None
    assert (await seeded.lookup(f"<{paper.url}>")).papers == (paper,)
