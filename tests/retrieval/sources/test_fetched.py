from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.papers import identify
from retrieval.sources.fetched import Cursor, SourceError, identities

MOMENTS = st.none() | st.datetimes(timezones=st.just(dt.UTC))


@given(
    st.builds(
        Cursor,
        complete=st.booleans(),
        position=st.integers(0, 30_000),
        day=st.none() | st.dates(),
        began=MOMENTS,
        since=MOMENTS,
        newest=MOMENTS,
        etag=st.none() | st.text(),
        modified=st.none() | st.text(),
    )
)
def test_a_cursor_comes_back_from_its_line(cursor: Cursor) -> None:
    line = cursor.dump()
    assert "\n" not in line
    assert Cursor.load(line) == cursor


@pytest.mark.parametrize("line", ["", "{", "[]", '{"day": "soon"}', '{"position": "x"}'])
def test_a_line_that_is_no_cursor_is_a_sentence(line: str) -> None:
    with pytest.raises(SourceError, match="The stored position in a source cannot be read"):
        Cursor.load(line)


def test_every_id_that_a_paper_may_go_under_is_named_its_own_first() -> None:
    everything = identities("A Title", arxiv_id="2401.12345v2", doi="10.1000/X")
    assert everything == ("arxiv:2401.12345", "doi:10.1000/x", identify("a title"))
    assert identities("A title", doi="10.1000/X")[0] in everything
    assert identities("A TITLE") == (everything[-1],)
