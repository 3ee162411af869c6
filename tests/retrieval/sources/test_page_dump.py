from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import BadInputError
from retrieval.sources import seeds_file
from retrieval.sources.page_dump import read_page_dump

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.papers import Paper

HEADER = ["new", "Get trending papers in your email inbox!", "Subscribe", "byAK and the research community", "Mar 14"]
FOOTER = ["Previous", "Next", "System theme\nCompany\nTOS\nPrivacy", "© Hugging Face 2026"]
ABSTRACT = "We study a thing that has been studied before, and find that it is another thing: a better one. " * 3


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    return tmp_path / "page.txt"


def _read(dump: Path, *paragraphs: str) -> list[tuple[str, str]]:
    dump.write_text("\n\n".join(paragraphs), encoding="utf-8", newline="")
    return [(paper.title, paper.abstract) for paper in read_page_dump(dump)]


def test_the_page_that_ships_holds_74_papers_verbatim() -> None:
    papers = read_page_dump(seeds_file(), source="seeds")
    text = seeds_file().read_text(encoding="utf-8")
    assert len(papers) == len({paper.paper_id for paper in papers}) == 74
    assert text.split("\n\n")[5:] == [part for paper in papers for part in (paper.title, paper.abstract)]
    assert {paper.source for paper in papers} == {"seeds"}
    assert papers[0].title == "Objective Mismatch in Model-based Reinforcement Learning"
    assert not any(paper.url for paper in papers)
    assert any(r"T\"ULU 3" in paper.abstract for paper in papers)


def _variants() -> dict[str, bytes]:
    text = seeds_file().read_bytes()
    return {
        "CRLF": text.replace(b"\n", b"\r\n"),
        "old Mac line ends": text.replace(b"\n", b"\r"),
        "a BOM": b"\xef\xbb\xbf" + text,
        "a final newline": text + b"\n",
        "extra blank lines": b"\n\n \n" + text.replace(b"\n\n", b"\n\n\t\n\xc2\xa0\n\n") + b"\n\n\n",
        "a date with a year": text.replace(b"Mar 14", b"Friday, March 14th, 2025"),
        "an ISO date": text.replace(b"Mar 14", b"2025-03-14"),
        "no header": text.partition(b"Mar 14\n\n")[2],
        "footers": text + "\n\n".join(["", *FOOTER]).encode(),
        "votes between papers": text.replace(b"\n\nMoCapAct:", b"\n\nUpvote\n\n1.2k\n\n5 authors\n\nMoCapAct:"),
    }


@pytest.mark.parametrize("variant", _variants())
def test_the_same_papers_come_out_of_a_page_with(variant: str, dump: Path) -> None:
    dump.write_bytes(_variants()[variant])
    expected: tuple[Paper, ...] = read_page_dump(seeds_file(), source="page")
    assert read_page_dump(dump) == expected


@pytest.mark.parametrize(
    "title",
    [
        "GUIDE: A Dataset",
        "What comes after transformers? -- A selective survey",
        "mGPT",
        '"Sorry": Refusals',
        "It's new",
        "RLHF > {SFT}",
        "Do it!",
    ],
)
def test_punctuation_and_case_of_a_title_are_no_signal(title: str, dump: Path) -> None:
    assert _read(dump, title, ABSTRACT.strip(), "Next one", ABSTRACT.strip()) == [
        (title, ABSTRACT.strip()),
        ("Next one", ABSTRACT.strip()),
    ]


def test_an_abstract_of_several_paragraphs_keeps_them(dump: Path) -> None:
    parts = [
        "Background. " + ABSTRACT.strip(),
        "Three things are new:",
        "----",
        "Code: https://a.b/c",
        ABSTRACT.strip(),
    ]
    assert _read(dump, *HEADER, "One", *parts, "Two", ABSTRACT.strip()) == [
        ("One", "\n\n".join(parts)),
        ("Two", ABSTRACT.strip()),
    ]


def test_a_hard_wrapped_abstract_keeps_its_lines_and_a_title_becomes_one(dump: Path) -> None:
    wrapped = ABSTRACT.strip().replace(" and ", "\n  and ")
    assert _read(dump, "A long\n  title", wrapped) == [("A long title", wrapped)]


@pytest.mark.parametrize(
    ("paragraphs", "message"),
    [
        (["One", ABSTRACT, "Two"], 'line 5: no abstract follows the title "Two"'),
        (["One", "Two", ABSTRACT], 'line 1: no abstract follows the title "One"'),
        (["new", ABSTRACT, "One", ABSTRACT], 'line 3: no title comes before "We study a thing'),
        (["One", ABSTRACT * 5, ABSTRACT * 5], 'line 5: the abstract of "One" has more than 2500 characters'),
        (["One", "Too short."], 'line 3: "Too short." is too short to be an abstract'),
        (HEADER, "holds no papers"),
        ([""], "holds no papers"),
        (["\x00\x01"], "line 1: a control character"),
    ],
)
def test_what_is_no_pair_is_named_with_its_place(paragraphs: list[str], message: str, dump: Path) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as error:
        _read(dump, *paragraphs)
    assert str(dump) in str(error.value)
    assert "a page dump is a title" in str(error.value)


def test_a_lost_title_in_the_page_that_ships_is_named(dump: Path) -> None:
    lines = seeds_file().read_text(encoding="utf-8").split("\n")
    at = lines.index("MoCapAct: A Multi-Task Dataset for Simulated Humanoid Control")
    dump.write_text("\n".join(lines[:at] + lines[at + 1 :]), encoding="utf-8")
    with pytest.raises(
        BadInputError, match=rf"line {at + 2}: .* a title seems to be missing before \"Simulated humanoids"
    ):
        read_page_dump(dump)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Title\n\n\xff\xfe", "byte 8: it is not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        (b"", "holds no papers"),
    ],
)
def test_a_file_that_is_no_text_is_refused(content: bytes, message: str, dump: Path) -> None:
    dump.write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read_page_dump(dump)


def test_a_file_that_is_not_there_is_refused(dump: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_page_dump(dump)


WORDS = st.lists(st.text("abcdefghijäé{}:?'-\\\"", min_size=1, max_size=9), min_size=2, max_size=12).map(" ".join)
TITLES = WORDS.map(lambda words: f"{words} title")
PARAGRAPHS = WORDS.map(lambda words: f"Here, {words}: " + "so it goes on " * 6 + "to its end.")
PAPERS = st.tuples(TITLES, st.lists(PARAGRAPHS, min_size=1, max_size=3).map("\n\n".join))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    papers=st.lists(PAPERS, min_size=1, max_size=5),
    header=st.lists(st.sampled_from(HEADER)),
    footer=st.lists(st.sampled_from(FOOTER)),
    newline=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_a_generated_page_gives_back_what_went_in(
    dump: Path, papers: list[tuple[str, str]], header: list[str], footer: list[str], newline: str, data: st.DataObject
) -> None:
    paragraphs = [*header, *(part for paper in papers for part in paper), *footer]
    gaps = st.text(" \t\n", max_size=4).map(lambda blank: f"\n{blank}\n")
    text = "".join(paragraph + data.draw(gaps) for paragraph in paragraphs)
    dump.write_bytes(text.replace("\n", newline).encode())
    assert [(paper.title, paper.abstract) for paper in read_page_dump(dump)] == papers
