from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from retrieval.errors import BadInputError
from retrieval.sources import open_source, seeds_file
from tests.papers import fetched, plain

if TYPE_CHECKING:
    from pathlib import Path

RECORD = json.dumps({"_id": "1", "title": "One", "text": "An abstract."})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(seeds_file(), tmp_path / "b.txt")
    (tmp_path / "a.jsonl").write_text(RECORD)
    (tmp_path / "README.md").write_text("No papers here")
    return tmp_path


def test_seeds_are_the_papers_that_ship() -> None:
    source = open_source("seeds")
    assert (source.name, len(source.papers)) == ("seeds", 74)


def test_the_page_that_ships_is_seeds_by_its_path_too() -> None:
    assert open_source(str(seeds_file())).papers == open_source("seeds").papers


def test_a_file_is_read_by_its_ending(folder: Path) -> None:
    assert {paper.source for paper in plain(open_source(str(folder / "b.txt")).papers)} == {"page"}
    assert [known.paper.source for known in fetched(open_source(str(folder / "a.jsonl")).papers)] == ["jsonl"]


def test_a_folder_is_all_dumps_and_json_lines_in_it_by_name(folder: Path) -> None:
    papers = open_source(str(folder)).papers
    assert len(papers) == 75
    assert fetched(papers[:1])[0].paper.source == "jsonl"


def test_a_folder_in_beirs_form_is_its_corpus_alone(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text(RECORD)
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "Is it a query?"}')
    assert [known.paper.title for known in fetched(open_source(str(folder)).papers)] == ["One"]


def test_one_bad_file_of_a_folder_is_named_and_the_others_are_read(folder: Path) -> None:
    (folder / "c.jsonl").write_text("{")
    source = open_source(str(folder))
    assert len(source.papers) == 75
    assert source.left_out.count == 1
    assert "c.jsonl, line 1: it is not JSON" in source.left_out.first[0]
    with pytest.raises(BadInputError, match=r"c\.jsonl, line 1.*Nothing from .* was ingested"):
        open_source(str(folder), strict=True)


def test_a_folder_without_papers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no papers; a source is"):
        open_source(str(tmp_path))


def test_an_unknown_source_is_refused_with_the_nearest_and_all_that_is_accepted(folder: Path) -> None:
    with pytest.raises(
        BadInputError, match='no source "sedes"; the nearest is "seeds"; a source is "seeds", a file of papers'
    ):
        open_source("sedes")
    with pytest.raises(BadInputError, match=r'the nearest is "a\.jsonl"'):
        open_source(str(folder / "a.json"))
    with pytest.raises(BadInputError, match='no source "qqqqqq"; a source is'):
        open_source("qqqqqq")


@pytest.mark.parametrize("spec", ["x" * 5000, "~no-such-user/x", "a\0b", ""])
def test_a_name_that_no_file_can_have_is_refused(spec: str) -> None:
    with pytest.raises(BadInputError):
        open_source(spec)
