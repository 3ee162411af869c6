"""Attempts to fetch full texts: which papers lack one, what is tried again and when, and one process at a time."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from retrieval.fulltext.article import FullText, Section
from retrieval.papers import Paper

if TYPE_CHECKING:
    from retrieval.catalogue.catalogue import Catalogue

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PAPERS = [Paper(f"arxiv:2401.0000{n}", f"Birds of kind {n}", "They sing.", "arxiv") for n in range(4)]
IDS = [paper.paper_id for paper in PAPERS]
TEXT = FullText(0, (Section("1 Song", "They sing at dawn.", ()),))


@pytest.fixture
async def filled(catalogue: Catalogue) -> Catalogue:
    await catalogue.add(PAPERS)
    return catalogue


async def test_those_that_stand_without_a_text_are_lacking_in_the_order_given(filled: Catalogue) -> None:
    texts = filled.full_texts
    assert await texts.put(IDS[1], TEXT)
    await filled.remove([IDS[2]], NOW)
    assert not await texts.put(IDS[2], TEXT)
    assert await texts.lacking([IDS[3], "unknown", *IDS], NOW) == [IDS[3], IDS[0], IDS[3]]
    assert await texts.of(IDS) == {IDS[1]: TEXT}


async def test_a_paper_is_tried_again_ever_later_and_then_no_more(filled: Catalogue) -> None:
    texts, now = filled.full_texts, NOW
    for wait in (1, 7, 30):
        assert await texts.begin_attempt(IDS[0], now)
        assert not await texts.begin_attempt(IDS[0], now)
        await texts.note_failure(IDS[0], "There is none.")
        assert await texts.lacking(IDS[:1], now + dt.timedelta(days=wait, seconds=-1)) == []
        now += dt.timedelta(days=wait)
        assert await texts.lacking(IDS[:1], now) == IDS[:1]
    assert await texts.begin_attempt(IDS[0], now)
    assert await texts.lacking(IDS[:1], now + dt.timedelta(days=1000)) == []


async def test_of_many_who_begin_at_once_one_does_and_a_day_counts_it_once(filled: Catalogue) -> None:
    texts = filled.full_texts
    begun = await asyncio.gather(*(texts.begin_attempt(paper_id, NOW) for paper_id in IDS for _ in range(4)))
    assert sum(begun) == len(IDS)
    assert await texts.papers_tried_since(NOW - dt.timedelta(days=1)) == len(IDS)
    assert await texts.papers_tried_since(NOW) == 0
