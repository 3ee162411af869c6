"""Files of any size: reading takes the same memory however long a file is, and gives the same papers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.large_files import FORMATS, write
from retrieval.errors import BadInputError
from retrieval.sources import open_source, stream_source, texts
from retrieval.sources.choice import Choice
from tests.papers import fetched

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[3] / "bench"
MEGABYTE = 1_000_000


def _taken(path: Path) -> tuple[int, int]:
    """Have a separate process read a file: the number of its papers, and the peak memory in kilobytes."""
    command = [sys.executable, str(BENCH / "large_files.py"), "--read", str(path)]
    papers, memory = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return papers, memory


@pytest.mark.parametrize("kind", [*FORMATS, "jsonl.gz", "csv.zip"])
def test_a_file_three_times_as_large_is_read_in_no_more_memory(kind: str, tmp_path: Path) -> None:
    papers, memory = _taken(write(tmp_path, kind, 6 * MEGABYTE))
    more, after = _taken(write(tmp_path, kind, 18 * MEGABYTE))
    assert more > 2.5 * papers
    assert after < memory + 5 * 1024


@pytest.mark.parametrize("kind", FORMATS)
def test_a_large_file_gives_the_papers_of_a_small_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, kind, 600_000)
    expected = open_source(str(path)).papers
    monkeypatch.setattr(texts, "SMALL", 1000)
    assert open_source(str(path)).papers == expected
    assert len({paper.paper.paper_id for paper in fetched(expected)}) == len(expected) > 300


@pytest.mark.parametrize("kind", ["json", "csv", "xml", "bib", "ris"])
def test_a_large_file_that_is_cut_gives_what_stands_before_the_cut(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, kind, 600_000)
    whole = len(open_source(str(path)).papers)
    path.write_bytes(path.read_bytes()[: -700 if kind == "ris" else -1000])
    monkeypatch.setattr(texts, "SMALL", 1000)
    source = open_source(str(path))
    assert whole - 3 < len(source.papers) <= whole
    assert source.left_out.count or kind in {"csv", "ris"}  # there, half a record is read as a record


def test_abbreviations_of_bibtex_hold_for_entries_far_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "bib", 1_000_000)
    last = "@article{last, title = {A last one}, year = yr}\n@article{broken, title = {Never clos"
    path.write_text(f"@string{{yr = {{2019}}}}\n{path.read_text()}\n{last}")
    monkeypatch.setattr(texts, "SMALL", 1000)
    source = open_source(str(path))
    assert [str(each.paper.published) for each in fetched(source.papers) if each.paper.title == "A last one"] == [
        "2019-01-01"
    ]
    lines = path.read_text().count("\n")
    assert f"line {lines + 1}" in source.left_out.first[-1]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_the_encoding_of_a_large_file_is_told_by_its_beginning(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("title,abstract\n" + "Größe,naïve Bäume\n" * 500).encode(encoding))
    monkeypatch.setattr(texts, "SMALL", 1000)
    assert {paper.paper.title for paper in fetched(open_source(str(path)).papers)} == {"Größe"}


def test_categories_and_days_are_chosen_while_reading(tmp_path: Path) -> None:
    rows = [
        {"title": "One", "abstract": "a", "categories": "cs.CL stat.ML", "update_date": "2024-05-02"},
        {"title": "Two", "abstract": "b", "categories": "cs.CL", "update_date": "2023-05-02"},
        {"title": "Three", "abstract": "c", "categories": "cs.LG", "update_date": "2024-05-02"},
        {"title": "Four", "abstract": "d", "categories": ["cs.CL"]},
        {"title": "Five", "abstract": "e", "update_date": "2024-05-02"},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    day = fetched(open_source(str(path)).papers)[0].paper.published
    choice = Choice(("CS.cl",), day)
    assert [paper.paper.title for paper in fetched(stream_source(str(path), choice).papers)] == ["One"]
    assert choice.sentences() == [
        "Passed over 2 papers not in CS.cl.",
        f"Passed over 1 paper from before {day}.",
        "Passed over 1 paper without a date.",
    ]
    archive = stream_source(str(path), Choice(("cs",)))
    assert [paper.paper.title for paper in fetched(archive.papers)] == ["One", "Two", "Three", "Four"]


def test_a_file_of_which_nothing_is_chosen_is_no_error_and_one_without_papers_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "One", "abstract": "a", "categories": "cs.CL"}\n')
    assert list(stream_source(str(path), Choice(("hep-ph",))).papers) == []
    path.write_text("{}\n")
    with pytest.raises(BadInputError, match="missing or empty"):
        stream_source(str(path), Choice(("hep-ph",)))


def test_strict_reads_everything_before_the_first_paper_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "One", "abstract": "a"}\n' * 3 + "{\n")
    with pytest.raises(BadInputError, match="Nothing from"):
        stream_source(str(path), Choice(), strict=True)
    assert len(list(stream_source(str(path), Choice()).papers)) == 3


def test_a_gzip_file_that_is_cut_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    path = write(tmp_path, "jsonl.gz", MEGABYTE)
    path.write_bytes(path.read_bytes()[:-2000])
    source = open_source(str(path))
    assert len(source.papers) > 100
    assert "not a whole gzip file" in source.left_out.first[-1]
