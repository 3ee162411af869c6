from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.papers import Chunk, Paper, identify


@pytest.mark.parametrize(
    ("arxiv_id", "identity"),
    [
        ("2401.12345", "arxiv:2401.12345"),
        ("2401.12345v2", "arxiv:2401.12345"),
        (" 0704.0001 ", "arxiv:0704.0001"),
        ("hep-ex/0307015", "arxiv:hep-ex/0307015"),
        ("math.GT/0309136v1", "arxiv:math.GT/0309136"),
    ],
)
def test_an_arxiv_id_without_its_version_comes_first(arxiv_id: str, identity: str) -> None:
    assert identify("Title", arxiv_id=arxiv_id, doi="10.1000/182") == identity


def test_a_doi_comes_next_in_whatever_form_it_is_written() -> None:
    forms = ["10.1000/ABC", "https://doi.org/10.1000/abc", " doi:10.1000/abc"]
    assert {identify("Title", arxiv_id="no id", doi=form) for form in forms} == {"doi:10.1000/abc"}


@pytest.mark.parametrize(
    "other",
    [
        "TÜLU 3: Pushing Frontiers",
        "tulu 3  pushing\nfrontiers",
        r"T{\"u}lu 3 — Pushing Frontiers!",
        "“Tulu 3”: Pushing Frontiers",
    ],
)
def test_titles_that_differ_in_writing_only_are_one_paper(other: str) -> None:
    assert identify(other) == identify(r"T\"ULU 3: Pushing Frontiers", arxiv_id="", doi="none")


def test_other_titles_are_other_papers() -> None:
    titles = [
        "Objective Mismatch",
        "The Alignment Ceiling: Objective Mismatch",
        "Objective Mismatch 2",
        "目标不匹配",
        "目标",
    ]
    assert len({identify(title) for title in titles}) == len(titles)


@given(st.text())
def test_every_title_has_an_identity(title: str) -> None:
    assert identify(title).startswith("title:")


@given(*(st.text(max_size=5) for _ in range(4)))
def test_only_the_same_title_and_abstract_have_the_same_content_hash(a: str, b: str, c: str, d: str) -> None:
    one, other = Paper("1", a, b, "x"), Paper("2", c, d, "y")
    without_null = "\0" not in a + b + c + d
    assert not without_null or (one.content_hash == other.content_hash) == ((a, b) == (c, d))


def test_a_chunk_is_known_by_its_paper_and_position_and_its_vector_by_its_text() -> None:
    one, other = Chunk("arxiv:1", 0, 0, 4, "text"), Chunk("arxiv:2", 3, 9, 13, "text")
    assert (one.chunk_id, other.chunk_id) == ("arxiv:1#0", "arxiv:2#3")
    assert one.text_hash == other.text_hash != Chunk("arxiv:1", 0, 0, 4, "Text").text_hash
