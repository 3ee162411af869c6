"""`footnote list`, `show`, `remove` and `restore` on the command line."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.terminal import Result

ROW = {
    "_id": "2401.00001",
    "title": "Cats \u202e that\x1b[2J sit",
    "text": "Cats sit.",
    "authors": ["Ada Byron", "Kurt Gödel"],
    "published": "2024-01-02",
    "doi": "10.1000/cats",
    "venue": "Journal of Cats",
}


def test_list_shows_the_newest_first_and_says_how_many_more_there_are(seeded_terminal: Callable[..., Result]) -> None:
    shown = seeded_terminal("list", "--limit", "3")
    assert shown.out.count("title:") == 3
    assert "71 more" in shown.err
    rows = seeded_terminal("list", "--limit", "100", "--json").json
    assert len({row["paper_id"] for row in rows}) == 74
    since = seeded_terminal("list", "--since", "2024-01-01", "--json")
    assert (since.json, "74 papers have no date and are left out" in since.err) == ([], True)
    unknown = seeded_terminal("list", "--source", "sseds")
    assert (unknown.code, "seeds (74)" in unknown.err) == (1, True)


def test_show_knows_a_paper_by_any_id_or_link_and_never_steers_the_terminal(
    terminal: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "cats.jsonl").write_text(json.dumps(ROW))
    assert terminal("ingest", "cats.jsonl").code == 0
    for name in ("arxiv:2401.00001", "2401.00001v2", "https://arxiv.org/pdf/2401.00001", "doi:10.1000/CATS"):
        shown = terminal("show", name)
        assert "authors: Ada Byron, Kurt Gödel" in shown.out, name
        assert "venue: Journal of Cats" in shown.out
        assert "\x1b" not in shown.out
        assert "\u202e" not in shown.out
    row = terminal("show", "2401.00001", "--json").json
    assert (row["published"], row["sources"], row["abstract"]) == ("2024-01-02", ["jsonl"], "Cats sit.")
    assert set(row["ids"]) >= {"arxiv:2401.00001", "doi:10.1000/cats"}
    unknown = terminal("show", "2402.99999")
    assert (unknown.code, unknown.err.count("\n")) == (1, 1)


def test_a_removal_is_shown_first_done_with_yes_and_undone(seeded_terminal: Callable[..., Result]) -> None:
    first, second = (row["paper_id"] for row in seeded_terminal("list", "--limit", "2", "--json").json)
    dry = seeded_terminal("remove", first, second)
    assert (dry.code, first in dry.out, "nothing is removed yet" in dry.out) == (0, True, True)
    assert seeded_terminal("stats", "--json").json["papers"] == 74
    assert seeded_terminal("remove", second, "--yes").out.startswith("Removed 1 paper.")
    assert seeded_terminal("remove", first, first, "--yes").out.startswith("Removed 1 paper.")
    assert "1 removed" not in seeded_terminal("stats").out
    assert "2 removed before and left out; the library holds 72 papers" in seeded_terminal("ingest", "seeds").out
    assert [row["paper_id"] for row in seeded_terminal("list", "--removed", "--json").json] == [first, second]
    gone = seeded_terminal("show", first)
    assert (gone.code, f"footnote restore {first}" in gone.err) == (1, True)
    assert seeded_terminal("restore", "--last").out == "Put back 1 paper.\n"
    assert seeded_terminal("show", first).code == 0
    assert seeded_terminal("restore", first).code == 1
    assert seeded_terminal("restore", second).out == "Put back 1 paper.\n"
    assert seeded_terminal("restore", "--last").code == 1
    assert seeded_terminal("stats", "--json").json["papers"] == 74


def test_a_source_is_removed_as_a_whole_and_seeds_do_not_come_back_by_themselves(
    seeded_terminal: Callable[..., Result], tmp_path: Path
) -> None:
    title = seeded_terminal("list", "--limit", "1", "--json").json[0]["title"]
    abstract = seeded_terminal("search", title, "--json").json[0]["passage"]
    (tmp_path / "one.jsonl").write_text(json.dumps({"title": title, "text": abstract}))
    assert "1 already known" in seeded_terminal("ingest", "one.jsonl").out
    dry = seeded_terminal("remove", "--source", "seeds")
    assert ("remove 73 papers" in dry.out, "1 paper of seeds" in dry.err) == (True, True)
    assert seeded_terminal("remove", "--source", "seeds", "--yes").out.startswith("Removed 73 papers.")
    assert [row["title"] for row in seeded_terminal("search", "robots", "--json").json] == [title]
    assert seeded_terminal("remove", "--source", "jsonl", "--yes").code == 0
    assert seeded_terminal("restore", "--last").out == "Put back 73 papers.\n"


def test_an_older_removal_is_named_by_its_time_and_put_back(seeded_terminal: Callable[..., Result]) -> None:
    ids = [row["paper_id"] for row in seeded_terminal("list", "--limit", "5", "--json").json]
    assert seeded_terminal("remove", ids[0], ids[1], "--yes").code == 0
    time.sleep(1.1)
    assert seeded_terminal("remove", ids[2], "--yes").code == 0
    shown = seeded_terminal("list", "--removed").out
    latest, oldest = re.findall(r"Removed at ([\d :-]+) UTC, can be put back until", shown)
    assert shown.count("title:") == 3
    unknown = seeded_terminal("restore", "--at", "2020-01-01")
    assert (unknown.code, latest in unknown.err, unknown.err.count("\n")) == (1, True, 1)
    assert seeded_terminal("restore", "--at", oldest).out == "Put back 2 papers.\n"
    assert seeded_terminal("restore", "--at", latest.replace(" ", "T")).out == "Put back 1 paper.\n"
    assert seeded_terminal("remove", ids[0], "--yes").code == 0
    assert seeded_terminal("restore", "--at", oldest[:10]).out == "Put back 1 paper.\n"


def test_what_to_remove_and_to_restore_has_to_be_said(terminal: Callable[..., Result]) -> None:
    for words in (
        ("remove",),
        ("remove", "x", "--source", "seeds"),
        ("restore",),
        ("restore", "x", "--last"),
        ("restore", "--at", "2026-01-01", "--last"),
    ):
        result = terminal(*words)
        assert (result.code, result.err.count("\n")) == (1, 1), words
