"""A paper passes through the rooms in one direction: each finishes before the next begins (see tests/walk.py)."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from bot.commands.ingest import ingest
from bot.settings import Settings
from tests.local_sources import LocalSources, some_papers
from tests.walk import PAPER, watched

if TYPE_CHECKING:
    from pathlib import Path

MOST_RETURNS = 2
DAY = dt.date(2024, 5, 31)


@pytest.mark.parametrize("kind", ["list", "single", "file"])
async def test_a_paper_is_taken_in_without_running_back_and_forth(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(models)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "data"))
    async with LocalSources(today=dt.date.max) as local:
        for service in ("HUGGINGFACE", "ARXIV", "DOI", "OPENREVIEW", "ACL"):
            monkeypatch.setenv(f"FOOTNOTE_{service}__BASE_URL", local.base_url)
        (paper,) = some_papers(1, DAY)
        local.lists, local.arxiv = {DAY: [paper]}, [paper]
        file = tmp_path / "papers.jsonl"
        file.write_text(json.dumps({"title": paper.title, "text": paper.abstract}) + "\n")
        spec = {"list": f"huggingface:{DAY}", "single": paper.arxiv_id, "file": str(file)}[kind]
        settings = Settings.load()
        with watched(PAPER) as walks:
            await asyncio.create_task(ingest(settings, [spec]), name="ingest")
    assert capsys.readouterr().out.startswith("1 new")
    (walk,) = walks["ingest"]
    assert walk.returns <= MOST_RETURNS, f"\n{walk}"
    assert walk.rooms == ["commands", "sources", "factory", "library", "sources", "library"]
