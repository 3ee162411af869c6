"""Footnote as a Python library: the code in the README and on its page runs exactly as printed there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import footnote
from footnote import AsyncLibrary, FootnoteError, Library, Paper, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ASKED = "does a better one-step likelihood give a better controller?"
MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"


def snippets(name: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, seeded_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("FOOTNOTE_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    subprocess.run(["cp", "-a", str(seeded_dir), str(tmp_path / "data")], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with Library(folder) as library:
        yield library


@pytest.mark.parametrize(
    ("page", "number", "data_dir", "shown"),
    [
        ("README.md", 0, ".footnote", r"\[1\]"),
        ("docs/python.md", 0, "papers", r"(?s)Objective Mismatch.*\(1,.*@misc\{"),
        ("docs/python.md", 1, "papers", r"1 (?:answered|closest)"),
    ],
)
def test_the_lines_of_the_pages_run(page: str, number: int, data_dir: str, shown: str, folder: Path) -> None:
    script = snippets(page)[number]
    folder.rename(folder.parent / data_dir)
    if page == "README.md":
        assert len([line for line in script.splitlines() if line.strip()]) <= 5
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder.parent,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.search(shown, ran.stdout), ran.stdout


def test_every_method_of_one_is_the_others() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(AsyncLibrary) - public(Library) == {"stream"}
    assert public(Library) - public(AsyncLibrary) == {"close"}
    assert sorted(footnote.__all__) == footnote.__all__


def test_papers_go_in_are_found_cited_and_go_out(library: Library) -> None:
    cats = Paper("arxiv:2401.00001", "Cats that sit on mats", "We show that cats sit on mats.", "mine")
    assert library.add([cats]).new == 1
    assert library.get("https://arxiv.org/abs/2401.00001v2") == cats
    assert library.search("cats on mats", limit=1)[0].paper == cats
    assert library.papers(source="mine") == [cats.paper_id]
    assert library.counts().papers == 75
    assert library.similar("2401.00001", limit=2)[0].paper != cats
    details = library.details("2401.00001")
    assert details is not None
    assert details.paper == cats
    assert library.export("ris", [cats.paper_id]).count("TY  - ") == 1
    assert library.export().count("@misc{") == 75
    first = answer(ASKED, library)
    assert first.citations[0].title == MISMATCH
    assert library.answer("who wrote it?", history=[first, "thanks"]).question == "who wrote it?"


def test_a_folder_has_one_owner_and_is_let_go_of(folder: Path) -> None:
    library = Library(folder)
    with pytest.raises(FootnoteError, match="Another footnote process"):
        Library(folder)
    library.close()
    library.close()
    with Library(folder) as again:
        assert again.counts().papers == 74


async def test_it_works_where_a_loop_runs_already(folder: Path) -> None:
    async with AsyncLibrary(folder) as library:
        found, told = await asyncio.gather(library.search("robots"), library.answer(ASKED))
        assert found
        assert told.citations[0].title == MISMATCH
        with pytest.raises(FootnoteError, match="no source"):
            await library.ingest("nowhere.bib")
    with pytest.raises(RuntimeError, match="not open"):
        await library.search("robots")
    with Library(folder) as blocking:  # as in a notebook
        assert blocking.counts().papers == 74
