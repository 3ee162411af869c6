from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bot.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrieval.papers import Paper

TOPICS = ("--topic", "reinforcement learning", "--topic", "electric motor control")


@pytest.fixture
def preview(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, seeded_dir: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run `footnote digest preview` over a library that holds seeds/."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(seeded_dir, tmp_path / ".footnote", symlinks=True)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["footnote", "digest", "preview", *arguments])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_preview_shows_papers_on_the_topics_with_a_sentence_of_theirs(
    preview: Callable[..., tuple[int, str, str]], seeds: list[Paper]
) -> None:
    code, out, _ = preview(*TOPICS, "--papers", "4", "--json")
    digest: dict[str, Any] = json.loads(out)
    assert (code, digest["considered"], len(digest["entries"])) == (0, len(seeds), 4)
    by_title = {paper.title: paper for paper in seeds}
    for entry in digest["entries"]:
        assert entry["quote"] in by_title[entry["title"]].abstract
        assert entry["topic"] in TOPICS
    motors = [entry for entry in digest["entries"] if entry["topic"] == "electric motor control"]
    assert "Electric Motor Control" in motors[0]["title"]
    # Nobody knows how old the seeds are, so they are not called new.
    assert digest["title"].startswith("Papers on")
    _, told, _ = preview(*TOPICS, "--papers", "4")
    assert all(entry["reason"] in told for entry in digest["entries"])


def test_a_topic_that_nothing_is_about_is_said_so(preview: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = preview("--topic", "coral reefs")
    assert code == 0
    assert "Nothing on “coral reefs”: I looked through 74 papers." in out


def test_a_day_without_papers_is_said_so(preview: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = preview("--topic", "coral reefs", "--date", "2019-07-01")
    assert code == 0
    assert "July 1, 2019" in out
    assert "There were no new papers." in out


def test_wrong_usage_is_a_sentence(preview: Callable[..., tuple[int, str, str]]) -> None:
    assert preview()[0] == 2
    assert preview("--topic", "a", "--date", "soon")[0] == 2
    code, _, err = preview(*(word for topic in "abcdef" for word in ("--topic", topic)))
    assert code == 1
    assert "at most 5 topics" in err
