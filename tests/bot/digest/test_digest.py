from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.digest.digest import Digest, Entry, Roundup, dumps, loads
from retrieval.papers import Paper

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PAPERS = st.builds(
    Paper, TEXT, TEXT, TEXT, TEXT, st.none() | TEXT, st.none() | st.dates(date(1990, 1, 1), date(2030, 1, 1))
)
ENTRIES = st.builds(
    Entry, PAPERS, TEXT, TEXT, TEXT, st.sampled_from([0.0, 0.25, 1.0]), st.none() | st.integers(0), st.none() | TEXT
)


@given(
    st.builds(
        Digest,
        TEXT,
        st.dates(),
        st.lists(TEXT, max_size=5).map(tuple),
        st.lists(ENTRIES, max_size=3).map(tuple),
        st.integers(0),
        st.none() | TEXT,
        st.none() | TEXT,
        st.booleans(),
    )
)
def test_a_digest_comes_back_from_the_store_as_it_was(digest: Digest) -> None:
    assert loads(dumps(digest)) == digest
    assert dumps(digest).isascii()


def test_the_picture_is_not_kept() -> None:
    digest = Digest("t", date(2026, 3, 16), ("a",), (), 0, roundup=Roundup(b"\x89PNG", "alt", ()))
    kept = loads(dumps(digest))
    assert kept is not None
    assert kept.roundup is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"title": 1, "date": "x"}', "null"])
def test_what_is_no_digest_is_none(text: str | None) -> None:
    assert loads(text) is None
