"""`footnote export` and `ask --export` on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.terminal import Result

ASKED = "has anyone shown that a dynamics net with better one-step likelihood doesnt give a better controller?"


@pytest.mark.parametrize("name", ["all.bib", "all.ris", "all.json", "all.csv", "all.jsonl"])
def test_the_whole_library_goes_out_and_comes_in_again(name: str, seeded_terminal: Callable[..., Result]) -> None:
    written = seeded_terminal("export", "--output", name)
    assert (written.code, written.out, "Wrote 74 papers" in written.err) == (0, "", True)
    assert "0 new, 0 changed, 74 already known" in seeded_terminal("ingest", name, "--strict").out


def test_some_papers_are_chosen_by_id_search_source_and_number(seeded_terminal: Callable[..., Result]) -> None:
    found = seeded_terminal("export", "--query", "objective mismatch", "--limit", "2", "--format", "csl")
    titles = [each["title"] for each in json.loads(found.out)]
    assert len(titles) == 2
    assert "Objective Mismatch" in titles[0]
    first, second, *_ = (row["paper_id"] for row in seeded_terminal("list", "--json").json)
    named = seeded_terminal("export", second, first, second, "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["_id"] for line in named] == [second, first]
    assert seeded_terminal("export", "--source", "seeds").out.count("@misc{") == 74
    assert seeded_terminal("export", "--since", "2024-01-01").out == ""


def test_an_answers_citations_are_written_beside_it(seeded_terminal: Callable[..., Result], tmp_path: Path) -> None:
    answer = seeded_terminal("ask", ASKED, "--json", "--export", "cited.bib").json
    text = (tmp_path / "cited.bib").read_text()
    assert text.count("@misc{") == len({each["paper_id"] for each in answer["citations"]}) > 0
    assert "Objective Mismatch in Model-based Reinforcement Learning" in text


def test_what_cannot_be_written_is_said_before_anything_is_done(
    seeded_terminal: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "kept.bib").write_text("mine")
    for words in (
        ("export", "--output", "a.docx"),
        ("export", "--format", "word"),
        ("export", "nope"),
        ("export", "x", "--source", "seeds"),
        ("export", "--source", "sedes"),
        ("export", "nope", "--output", "kept.bib"),
        ("export", "--output", "nowhere/a.bib"),
        ("ask", ASKED, "--export", "a.docx"),
    ):
        result = seeded_terminal(*words)
        assert (result.code, result.out, result.err.count("\n")) == (1, "", 1), words
    assert (tmp_path / "kept.bib").read_text() == "mine"
    assert not list(tmp_path.glob("*.part"))
