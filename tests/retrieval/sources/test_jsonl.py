from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import BadInputError
from retrieval.papers import Paper, identify
from retrieval.sources.json_lines import LONGEST_LINE
from retrieval.sources.jsonl import LONGEST_TEXT, read_jsonl, read_records

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"_id": "1", "title": "One", "text": "An abstract."}


def _write(folder: Path, *records: dict[str, Any] | str) -> Path:
    path = folder / "corpus.jsonl"
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _one(folder: Path, **fields: Any) -> Paper:
    (paper,) = read_jsonl(_write(folder, fields))
    return paper


def test_beirs_form_is_read(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD, "", {**GOOD, "_id": 2, "title": "Two", "metadata": {}})
    assert read_jsonl(path) == (
        Paper(identify("One"), "One", "An abstract.", "jsonl"),
        Paper(identify("Two"), "Two", "An abstract.", "jsonl"),
    )
    assert [paper.paper_id for paper in read_jsonl(path, own_ids=True)] == ["1", "2"]


def test_other_names_and_metadata_are_read(tmp_path: Path) -> None:
    paper = _one(tmp_path, id="2503.11731v2", title="A\n B", abstract=" Text\nwrapped. ", date="2025-03-18T10:00:00Z")
    assert paper == Paper(
        "arxiv:2503.11731", "A B", "Text\nwrapped.", "jsonl", "https://arxiv.org/abs/2503.11731", dt.date(2025, 3, 18)
    )
    metadata = {
        "arxiv_id": "hep-ex/0307015",
        "url": "https://a.b/c; https://d.e",
        "published": "2003-07-09",
        "text": "No",
    }
    paper = _one(tmp_path, **GOOD, metadata=metadata, doi=None)
    assert (paper.paper_id, paper.url, paper.published) == (
        "arxiv:hep-ex/0307015",
        "https://a.b/c",
        dt.date(2003, 7, 9),
    )
    assert paper.abstract == "An abstract."


@pytest.mark.parametrize(
    ("fields", "published"),
    [
        ({"year": 2023}, dt.date(2023, 1, 1)),
        ({"year": "2023"}, dt.date(2023, 1, 1)),
        ({"published": 2018}, dt.date(2018, 1, 1)),
        ({"date": "2018-05"}, dt.date(2018, 5, 1)),
        ({"date": "2018-05-31", "year": 2019}, dt.date(2018, 5, 31)),
        ({"metadata": {"year": 2023}}, dt.date(2023, 1, 1)),
        ({"year": "in press"}, None),
        ({"year": 0}, None),
        ({"year": 2023.5}, None),
    ],
)
def test_a_year_or_a_month_counts_as_its_first_day(
    tmp_path: Path, fields: dict[str, Any], published: dt.date | None
) -> None:
    assert _one(tmp_path, **GOOD, **fields).published == published


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        (["Yejin Choi", "Ronan  Le Bras"], ("Yejin Choi", "Ronan Le Bras")),
        ([{"authorId": "1", "name": "Yejin Choi"}, {"name": None}], ("Yejin Choi",)),
        ("Yejin Choi", ("Yejin Choi",)),
        ("Choi, Yejin", ("Choi, Yejin",)),
        ("Choi, Yejin and Le Bras, Ronan", ("Yejin Choi", "Ronan Le Bras")),
        ("Choi, Yejin; Bras, R.", ("Yejin Choi", "R. Bras")),
        ("Yejin Choi, Ronan Le Bras, and Ada B", ("Yejin Choi", "Ronan Le Bras", "Ada B")),
        ("A. Be\\'ech, C. D. Elm", ("A. Be\\'ech", "C. D. Elm")),
        (["half \ud800 a name", "", 7], ("half a name",)),
        (7, ()),
        (None, ()),
        ("", ()),
    ],
)
def test_authors_are_kept_in_whatever_form_they_come(tmp_path: Path, authors: Any, names: tuple[str, ...]) -> None:
    (record,) = read_records(_write(tmp_path, {**GOOD, "authors": authors}))
    assert record.authors == names
    assert record.paper == read_jsonl(tmp_path / "corpus.jsonl")[0]


def test_a_doi_is_an_identity_and_an_address(tmp_path: Path) -> None:
    paper = _one(tmp_path, **GOOD, doi="10.1000/XYZ", url="")
    assert (paper.paper_id, paper.url) == ("doi:10.1000/xyz", "https://doi.org/10.1000/XYZ")


def test_an_address_that_is_none_is_left_out(tmp_path: Path) -> None:
    assert _one(tmp_path, **GOOD, url="javascript:alert(1)").url is None


def test_without_a_title_the_first_sentence_serves(tmp_path: Path) -> None:
    paper = _one(tmp_path, _id="1", title="", text="It is e.g. so. And so on.")
    assert (paper.title, paper.abstract) == ("It is e.g. so.", "It is e.g. so. And so on.")
    assert _one(tmp_path, text="word " * 50).title == "word " * 23 + "word…"


def test_without_a_text_the_title_is_enough(tmp_path: Path) -> None:
    assert _one(tmp_path, _id="1", title="One", text=None).abstract == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"it is not JSON \("),
        ("[1]", "it is not an object"),
        ("[" * 100_000, "it is no JSON"),
        ('{"_id": "2"}', '"title" and "text" are missing or empty'),
        ('{"_id": "2", "title": " ", "text": ""}', '"title" and "text" are missing or empty'),
        ('{"_id": "2", "title": {"a": "x"}, "text": "y"}', '"title" is not text'),
        ('{"_id": true, "title": "x", "text": "y"}', '"_id" is not text'),
        ('{"_id": "2", "title": "x", "text": "\\ud800"}', '"text" holds half a character'),
        ('{"_id": "2", "title": "x", "text": "\\u0000"}', '"text" holds .* null character'),
        ('{"title": "x", "date": "last May"}', 'the date "last May" is not like 2024-05-31'),
        (json.dumps({"title": "x", "text": "y" * LONGEST_TEXT}), "title and text are longer than 100,000 characters"),
    ],
)
def test_a_bad_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD, line)
    with pytest.raises(BadInputError, match=f"line 2: {message}") as error:
        read_jsonl(path)
    assert str(error.value).startswith(str(path))


def test_own_ids_must_be_there_and_differ(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match='line 2: "_id" is missing'):
        read_jsonl(_write(tmp_path, GOOD, {"title": "x"}), own_ids=True)
    with pytest.raises(BadInputError, match='line 2: the id "1" is that of an earlier line'):
        read_jsonl(_write(tmp_path, GOOD, GOOD), own_ids=True)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n\xff\n")
    with pytest.raises(BadInputError, match="line 2: it is not UTF-8 text"):
        read_jsonl(path)
    path.write_bytes(b"x" * (LONGEST_LINE + 1))
    with pytest.raises(BadInputError, match="line 1: it is longer than"):
        read_jsonl(path)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_papers_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"holds no papers|not JSON"):
        read_jsonl(path)


def test_a_gzip_file_must_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    whole = gzip.compress(b"\xef\xbb\xbf" + "\r\n".join([json.dumps(GOOD)] * 3).encode())
    path.write_bytes(whole)
    assert len(read_jsonl(path)) == 3
    for broken in (whole[:-12], b"plain", whole[:15] + b"\xff\xff\xff" + whole[18:]):
        path.write_bytes(broken)
        with pytest.raises(BadInputError, match="is not a whole gzip file"):
            read_jsonl(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        read_jsonl(tmp_path / "none.jsonl")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: text == text.strip()
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(TEXT, min_size=1), st.booleans())
def test_every_text_comes_back_verbatim(tmp_path: Path, texts: list[str], ascii_only: bool) -> None:
    path = tmp_path / "x.jsonl"
    records = [{"_id": str(at), "title": f"Title {at}", "text": text} for at, text in enumerate(texts)]
    path.write_bytes("\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records).encode())
    assert [paper.abstract for paper in read_jsonl(path, own_ids=True)] == texts


def test_own_ids_are_kept_to_the_last_blank(tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    file.write_text('{"_id": " 7", "title": "T", "text": "Text."}\n{"_id": 7, "title": "T", "text": "Text."}\n')
    assert [paper.paper_id for paper in read_jsonl(file, own_ids=True)] == [" 7", "7"]
