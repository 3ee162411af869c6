"""Properties that hold whatever sources say about a paper, and in whatever order."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalogue.merge import as_fetched, begin, join, may_be_same, unite
from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Fetched

TITLE = "Cats that sit"
DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@st.composite
def told(draw: st.DrawFn) -> Fetched:
    """Draw what some source says about one paper."""
    source = draw(st.sampled_from(["seeds", "huggingface", "arxiv"]))
    version = draw(st.integers(1, 4)) if source == "arxiv" else None
    abstract = f"Version {version}." if version else draw(st.sampled_from(["", f"As {source} has it."]))
    return Fetched(
        Paper("arxiv:2401.00001", TITLE, abstract, source, draw(st.sampled_from([None, "https://arxiv.org"]))),
        upvotes=draw(st.none() | st.integers(0, 9)) if source == "huggingface" else None,
        keywords=draw(st.sampled_from([(), ("cats",)])),
        version=version,
        withdrawn=bool(version) and draw(st.booleans()),
        updated=DAY + dt.timedelta(days=version) if version else None,
        external_ids=("arxiv:2401.00001", identify(TITLE)),
    )


@given(st.lists(told(), min_size=1, max_size=8))
def test_the_newest_version_is_what_stands_and_nothing_known_is_lost(all_told: list[Fetched]) -> None:
    known = begin(all_told[0])
    for new in all_told[1:]:
        known = join(known, new)
    details = known.details
    newest = max((each.version or 0) for each in all_told)
    assert (details.version or 0) == newest
    if newest:
        assert details.paper.abstract == f"Version {newest}."
        last = [each for each in all_told if each.version == newest][-1]
        assert details.withdrawn == last.withdrawn
    assert bool(details.paper.abstract) == any(each.paper.abstract for each in all_told)
    votes = [each.upvotes for each in all_told if each.upvotes is not None]
    assert details.upvotes == (votes[-1] if votes else None)
    assert known.sources == {each.paper.source for each in all_told}
    assert bool(details.paper.url) == any(each.paper.url for each in all_told)
    assert details.withdrawn == (known.withdrawn_by is not None)


@given(told(), st.lists(told(), max_size=4))
def test_hearing_the_same_again_changes_nothing(first: Fetched, others: list[Fetched]) -> None:
    known = begin(first)
    for new in others:
        known = join(known, new)
    again = join(known, others[-1] if others else first)
    assert again == known
    assert unite(known, known) == known


def test_ids_that_differ_keep_papers_of_one_title_apart() -> None:
    title, one, two = identify(TITLE), "arxiv:2401.00001", "arxiv:2401.00002"
    assert may_be_same({title}, {one, title})
    assert may_be_same({one, title}, {"doi:10.1000/a", title})
    assert not may_be_same({one, title}, {two, title})
    assert not may_be_same({"doi:10.1000/a", title}, {"doi:10.1000/b", title})
    assert may_be_same({one, "doi:10.1000/a"}, {one, "doi:10.1000/b"})
    assert not may_be_same({one, "doi:10.1000/a"}, {two, "doi:10.1000/a"})


def test_a_paper_of_files_goes_by_its_title_too_but_not_one_of_a_dataset() -> None:
    assert as_fetched(Paper("arxiv:1", TITLE, "", "jsonl")).external_ids == ("arxiv:1", identify(TITLE))
    assert as_fetched(Paper("d1", TITLE, "", "beir")).external_ids == ("d1",)
