"""Papers arrive in the catalogue: from several sources, under several ids, in new versions, withdrawn and back."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from retrieval.catalogue.catalogue import Added, Catalogue
from retrieval.catalogue.scope import Scope
from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Cursor, Fetched, identities

if TYPE_CHECKING:
    from typing import Unpack

    from retrieval.catalogue.merge import Known
    from tests.papers import Facts

TITLE = "Cats that sit on mats"
SEED = Paper(identify(TITLE), TITLE, "Cats sit.", "seeds", "https://example.org/papers?q=Cats")
DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
NO_TITLE: Any = None  # no source gives this, and the database refuses it


def huggingface(arxiv_id: str = "2401.00001", title: str = TITLE, **facts: Unpack[Facts]) -> Fetched:
    ids = identities(title, arxiv_id=arxiv_id)
    url = f"https://arxiv.org/abs/{arxiv_id}"
    paper = Paper(ids[0], title, "Cats sit.", "huggingface", url, dt.date(2024, 1, 2))
    return Fetched(paper, external_ids=ids, **facts)


def arxiv(
    version: int,
    abstract: str = "Cats sit.",
    arxiv_id: str = "2401.00001",
    doi: str | None = None,
    **facts: Unpack[Facts],
) -> Fetched:
    ids = identities(TITLE, arxiv_id=arxiv_id, doi=doi)
    paper = Paper(ids[0], TITLE, abstract, "arxiv", f"https://arxiv.org/abs/{arxiv_id}", dt.date(2024, 1, 1))
    known: Facts = {"updated": DAY + dt.timedelta(days=version), "categories": ("cs.CL",)}
    return Fetched(paper, version=version, external_ids=ids, **(known | facts))


async def only(catalogue: Catalogue) -> Known:
    """Find the catalogue's only paper."""
    (paper_id,) = await catalogue.ids(Scope())
    return (await catalogue.known([paper_id]))[paper_id]


async def index(catalogue: Catalogue) -> list[str]:
    """Mark all pending papers as indexed and all leaving ones as gone; returns the ids of the former."""
    await catalogue.mark_left(list(await catalogue.leaving(100)))
    waiting = [each.paper for each in await catalogue.pending(100, "m")]
    await catalogue.mark_indexed({paper.paper_id: (paper.content_hash, 2) for paper in waiting}, DAY)
    return [paper.paper_id for paper in waiting]


async def test_a_seed_that_comes_again_with_an_id_stays_one_paper_and_gains_what_was_missing(
    catalogue: Catalogue,
) -> None:
    await catalogue.add([SEED])
    await index(catalogue)
    added = await catalogue.add([huggingface(upvotes=7)])
    assert added == Added(known=1)
    known = await only(catalogue)
    assert known.details.paper == replace(SEED, url="https://arxiv.org/abs/2401.00001", published=dt.date(2024, 1, 2))
    assert set(known.details.external_ids) > {SEED.paper_id, "arxiv:2401.00001"}
    assert (known.sources, known.details.upvotes) == (frozenset({"seeds", "huggingface"}), 7)
    assert await index(catalogue) == [SEED.paper_id]  # so that its link finds it now
    assert await catalogue.add([SEED, huggingface(upvotes=8), SEED]) == Added(known=3)
    assert (await only(catalogue)).details == replace(known.details, upvotes=8)
    assert await catalogue.pending(10, "m") == []
    assert (await catalogue.counts()).by_source == {"huggingface": 1, "seeds": 1}
    assert (await catalogue.counts()).papers == 1


async def test_a_paper_that_has_an_id_already_takes_a_seed_of_its_title_in(catalogue: Catalogue) -> None:
    await catalogue.add([huggingface()])
    assert await catalogue.add([SEED]) == Added(known=1)
    assert (await only(catalogue)).details.paper.paper_id == "arxiv:2401.00001"
    assert await catalogue.among(["arxiv:2401.00001"], Scope(source="seeds")) == ["arxiv:2401.00001"]


async def test_two_papers_of_one_title_stay_two(catalogue: Catalogue) -> None:
    both = [huggingface("2401.00001"), huggingface("2401.00002")]
    assert await catalogue.add(both) == Added(new=2)
    added = await catalogue.add(both)
    assert (added, added.touched) == (Added(known=2), frozenset())


async def test_datasets_with_ids_of_their_own_keep_papers_of_one_title_apart(catalogue: Catalogue) -> None:
    assert await catalogue.add([Paper(name, TITLE, "Cats sit.", "beir") for name in ("d1", "d2")]) == Added(new=2)


async def test_votes_code_and_keywords_are_those_last_heard_of_and_nothing_is_embedded_again(
    catalogue: Catalogue,
) -> None:
    await catalogue.add([huggingface(upvotes=1, code_url="https://github.com/a/b", keywords=("cats",))])
    await index(catalogue)
    await catalogue.add([huggingface(upvotes=0, keywords=("cats", "mats"))])
    details = (await only(catalogue)).details
    assert (details.upvotes, details.code_url, details.keywords) == (0, "https://github.com/a/b", ("cats", "mats"))
    assert await catalogue.pending(10, "m") == []


async def test_a_newer_version_replaces_the_text_and_an_older_one_does_not(catalogue: Catalogue) -> None:
    await catalogue.add([arxiv(1)])
    await index(catalogue)
    assert await catalogue.add([arxiv(2, "Cats sit and run.")]) == Added(changed=1)
    assert await index(catalogue) == ["arxiv:2401.00001"]
    assert await catalogue.add([arxiv(1), huggingface(upvotes=3)]) == Added(known=2)
    details = (await only(catalogue)).details
    assert (details.paper.abstract, details.version, details.upvotes) == ("Cats sit and run.", 2, 3)
    assert details.updated == DAY + dt.timedelta(days=2)
    assert await catalogue.add([arxiv(3, "Cats sit and run.")]) == Added(known=1)
    assert await index(catalogue) == []


async def test_sources_that_write_an_abstract_differently_do_not_take_turns(catalogue: Catalogue) -> None:
    other = Fetched(replace(huggingface().paper, source="feed", abstract="Cats  sit !"))
    await catalogue.add([huggingface()])
    assert await catalogue.add([other]) == Added(known=1)
    assert await catalogue.add([huggingface()]) == Added(known=1)
    assert (await only(catalogue)).details.paper.abstract == "Cats sit."


async def test_an_abstract_that_was_missing_is_filled_in_and_not_taken_away(catalogue: Catalogue) -> None:
    await catalogue.add([arxiv(2, "")])
    await catalogue.add([huggingface()])
    await catalogue.add([arxiv(2, "")])
    assert (await only(catalogue)).details.paper.abstract == "Cats sit."


async def test_a_withdrawn_paper_leaves_is_counted_apart_and_comes_back(catalogue: Catalogue) -> None:
    await catalogue.add([arxiv(1)])
    await index(catalogue)
    assert await catalogue.add([arxiv(2, "This paper has been withdrawn.", withdrawn=True)]) == Added(
        changed=1, withdrawn=1
    )
    assert await catalogue.leaving(10) == {"arxiv:2401.00001": 2}
    counts = await catalogue.counts()
    assert (counts.papers, counts.pending, counts.withdrawn, counts.by_source) == (0, 1, 1, {})
    assert await catalogue.sources() == []
    assert await index(catalogue) == []
    assert (await catalogue.counts()).pending == 0
    assert (await catalogue.ids(Scope()), await catalogue.fresh(DAY - dt.timedelta(1), DAY)) == ([], [])
    assert (await catalogue.get(["arxiv:2401.00001"]))["arxiv:2401.00001"].abstract.startswith("This paper")
    assert (await catalogue.known(["arxiv:2401.00001"]))["arxiv:2401.00001"].details.withdrawn

    assert await catalogue.add([arxiv(3)]) == Added(changed=1)
    assert await index(catalogue) == ["arxiv:2401.00001"]
    assert not (await only(catalogue)).details.withdrawn


async def test_a_source_that_knows_nothing_of_a_withdrawal_does_not_undo_it(catalogue: Catalogue) -> None:
    await catalogue.add([arxiv(2, withdrawn=True)])
    for ignorant in (huggingface(), arxiv(1), arxiv(2, updated=None), SEED):
        await catalogue.add([ignorant])
        assert (await catalogue.counts()).withdrawn == 1
    await catalogue.add([arxiv(2)])
    assert (await catalogue.counts()).withdrawn == 0


async def test_a_paper_withdrawn_and_back_before_the_indexes_noticed_is_indexed_anew(catalogue: Catalogue) -> None:
    await catalogue.add([arxiv(1)])
    await index(catalogue)
    await catalogue.add([arxiv(2, withdrawn=True)])
    await catalogue.add([arxiv(3)])
    assert await catalogue.leaving(10) == {"arxiv:2401.00001": 2}
    assert await index(catalogue) == ["arxiv:2401.00001"]


async def test_two_papers_that_turn_out_to_be_one_become_the_older_and_answer_to_both_ids(catalogue: Catalogue) -> None:
    journal = Fetched(
        Paper("doi:10.1000/cats", "On cats", "Cats sit.", "journal.example.org"),
        external_ids=("doi:10.1000/cats", identify("On cats")),
    )
    await catalogue.add([journal])
    await catalogue.add([huggingface(upvotes=4)])
    await index(catalogue)
    assert (await catalogue.counts()).papers == 2
    assert await catalogue.add([arxiv(1, "Cats sit. They do.", doi="10.1000/cats")]) == Added(changed=1)
    known = await only(catalogue)
    assert known.sources == {"journal.example.org", "huggingface", "arxiv"}
    assert (known.details.paper.paper_id, known.details.upvotes) == ("doi:10.1000/cats", 4)
    ids = ["doi:10.1000/cats", "arxiv:2401.00001", identify(TITLE), identify("On cats"), "arxiv:none"]
    assert await catalogue.current_ids(ids) == dict.fromkeys(ids[:4], "doi:10.1000/cats")
    assert await catalogue.leaving(10) == {"arxiv:2401.00001": 2}
    assert await index(catalogue) == ["doi:10.1000/cats"]
    assert (await catalogue.counts()).by_source == {"arxiv": 1, "huggingface": 1, "journal.example.org": 1}
    assert await catalogue.sources() == ["arxiv", "huggingface", "journal.example.org"]


async def test_one_batch_may_hold_all_of_that_at_once(catalogue: Catalogue) -> None:
    batch: list[Paper | Fetched] = [
        SEED,
        huggingface("2401.00002", "Dogs"),
        huggingface(),
        arxiv(2, "Cats run."),
        arxiv(1),
        SEED,
    ]
    added = await catalogue.add(batch)
    assert (added.new, added.known) == (2, 4)
    found = await catalogue.get([SEED.paper_id, "arxiv:2401.00002"])
    assert {paper.abstract for paper in found.values()} == {"Cats run.", "Cats sit."}


async def test_a_page_and_its_cursor_are_kept_both_or_neither(catalogue: Catalogue) -> None:
    cursor = Cursor(position=3)
    await catalogue.ingest_page([huggingface()], "huggingface", cursor, DAY)
    broken = replace(huggingface("2401.00002"), paper=replace(SEED, paper_id="x", title=NO_TITLE))
    with pytest.raises(Exception, match=r"(?i)title|null|none"):
        await catalogue.ingest_page([huggingface("2401.00003", "Dogs"), broken], "huggingface", Cursor(position=4), DAY)
    (reading,) = await catalogue.source_states()
    assert reading.cursor == cursor
    assert (await catalogue.counts()).papers == 1


async def test_papers_are_fresh_from_when_they_can_be_found_and_only_once(catalogue: Catalogue) -> None:
    await catalogue.add([arxiv(1), huggingface("2401.00002", "Dogs")])
    later = DAY + dt.timedelta(days=9)
    assert await catalogue.fresh(DAY - dt.timedelta(days=1), later) == []
    await index(catalogue)
    fresh = await catalogue.fresh(DAY - dt.timedelta(days=1), DAY)
    assert [(each.paper_id, each.added_at, each.sources) for each in fresh] == [
        ("arxiv:2401.00001", DAY, ("arxiv",)),
        ("arxiv:2401.00002", DAY, ("huggingface",)),
    ]
    assert fresh[0].details.categories == ("cs.CL",)
    assert await catalogue.fresh(DAY, later) == []
    await catalogue.mark_all_pending()
    await catalogue.add([arxiv(2, "Cats run.")])
    hashes = {each.paper.paper_id: (each.paper.content_hash, 2) for each in await catalogue.pending(10, "m")}
    await catalogue.mark_indexed(hashes, later)
    assert await catalogue.fresh(DAY, later) == []


async def test_a_source_is_failing_since_its_first_failure_and_until_it_is_read_to_its_end(
    catalogue: Catalogue,
) -> None:
    hour = dt.timedelta(hours=1)
    await catalogue.ingest_page([], "arxiv:cs.CL", Cursor(complete=True, newest=DAY), DAY)
    await catalogue.note_failure("arxiv:cs.CL", "It is down.", DAY + hour)
    await catalogue.note_failure("arxiv:cs.CL", "It is still down.", DAY + 2 * hour)
    await catalogue.ingest_page([], "arxiv:cs.CL", Cursor(position=1), DAY + 3 * hour)
    (reading,) = await catalogue.source_states("arxiv:cs.CL")
    assert (reading.last_success, reading.newest) == (DAY, DAY)
    assert (reading.failing_since, reading.sentence) == (DAY + hour, "It is still down.")
    await catalogue.ingest_page([], "arxiv:cs.CL", Cursor(complete=True), DAY + 4 * hour)
    (reading,) = await catalogue.source_states("arxiv:cs.CL")
    assert (reading.last_success, reading.failing_since, reading.sentence) == (DAY + 4 * hour, None, None)
    assert await catalogue.source_states("huggingface") == []


async def test_a_paper_that_arrives_from_many_sides_at_once_is_one(database_url: str) -> None:
    catalogues = [await Catalogue.open(database_url) for _ in range(2 if "postgresql" in database_url else 1)]
    sides: list[Paper | Fetched] = [SEED, huggingface(upvotes=2), arxiv(1), arxiv(2, "Cats run."), Fetched(SEED)]
    await asyncio.gather(*(catalogue.add([side]) for side in sides for catalogue in catalogues))
    known = await only(catalogues[0])
    assert (known.sources, known.details.version) == (frozenset({"seeds", "huggingface", "arxiv"}), 2)
    for catalogue in catalogues:
        await catalogue.close()
