"""`footnote ingest` from the network: local servers on real sockets, and the command line as in a shell."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stamina

from bot.__main__ import main
from tests.local_sources import LocalSources, fails, silent, some_papers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
DAY = dt.date(2024, 5, 31)
BEFORE = DAY - dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@contextmanager
def served() -> Iterator[LocalSources]:
    """Serve in a thread, because a command runs its own loop."""
    started: Future[tuple[LocalSources, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with LocalSources(today=dt.date.max) as local:
            ended = asyncio.Event()
            started.set_result((local, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    local, loop, ended = started.result(timeout=30)
    yield local
    loop.call_soon_threadsafe(ended.set)
    thread.join(timeout=30)


@pytest.fixture
def local() -> Iterator[LocalSources]:
    with served() as local:
        yield local


@pytest.fixture
def environment(local: LocalSources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, models: Path) -> None:
    monkeypatch.setenv("FOOTNOTE_HUGGINGFACE__BASE_URL", local.base_url)
    monkeypatch.setenv("FOOTNOTE_ARXIV__BASE_URL", local.base_url)
    for service in ("DOI", "OPENREVIEW", "ACL"):
        monkeypatch.setenv(f"FOOTNOTE_{service}__BASE_URL", local.base_url)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(models)


@pytest.fixture
def footnote(
    environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command; returns its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["footnote", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def dates(local: LocalSources) -> list[str]:
    return [request.query["date"] for request in local.asked("/api/daily_papers")]


def test_days_of_hugging_face_are_read_once(local: LocalSources, footnote: Callable[..., Any]) -> None:
    local.lists = {DAY: some_papers(2, DAY)}
    spec = f"huggingface:{BEFORE}..{DAY}"
    code, out, err = footnote("ingest", spec)
    assert (code, out) == (0, "2 new, 0 changed, 0 already known; the library holds 2 papers.\n")
    assert err == f"Hugging Face lists no papers for Thursday {BEFORE}.\n"
    code, out, err = footnote("ingest", spec)
    assert (code, out) == (0, "0 new, 0 changed, 0 already known; the library holds 2 papers.\n")
    assert err == f"The lists of {spec} have been read already.\n"
    assert dates(local) == [str(BEFORE), str(DAY)]


def test_arxiv_a_feed_and_a_file_in_one_command_share_their_papers(
    local: LocalSources, footnote: Callable[..., Any], tmp_path: Path
) -> None:
    local.arxiv = some_papers(3, dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))
    local.lists = {DAY: local.arxiv[:2]}
    file = tmp_path / "papers.jsonl"
    file.write_text(json.dumps({"title": local.arxiv[0].title, "text": f"{local.arxiv[0].abstract} Indeed."}) + "\n")
    code, out, err = footnote("ingest", str(file), f"huggingface:{DAY}", "arxiv:cs.CL+cs.LG:3")
    assert (code, err) == (0, "")
    assert out == "3 new, 1 changed, 2 already known; the library holds 3 papers.\n"
    figures = json.loads(footnote("stats", "--json")[1])
    assert figures["sources"] == {"arxiv": 3, "huggingface": 2, "jsonl": 1}


def test_a_source_that_is_down_is_a_sentence_and_the_others_are_read(
    local: LocalSources, footnote: Callable[..., Any]
) -> None:
    local.lists = {BEFORE: some_papers(2, BEFORE), DAY: some_papers(2, DAY)}
    local.arxiv = some_papers(1, dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))
    local.next(None, fails(503), fails(503))
    spec = f"huggingface:{BEFORE}..{DAY}"
    code, out, err = footnote("ingest", spec, "arxiv:cs.CL:3")
    assert (code, out) == (1, "3 new, 0 changed, 0 already known; the library holds 3 papers.\n")
    again, *_, last = err.splitlines()
    assert again.startswith("Hugging Face is out of order (HTTP 503); trying again in ")
    assert again.endswith(" s (1 of 4).")
    assert last.endswith("What was read is kept; the same command goes on from there.")
    assert "Hugging Face is out of order" in err
    assert "goes on from there" in err
    code, out, _ = footnote("ingest", spec)
    assert (code, out) == (0, "2 new, 0 changed, 0 already known; the library holds 5 papers.\n")
    assert dates(local) == [str(BEFORE), str(DAY), str(DAY), str(DAY)]


@pytest.mark.parametrize("spec", ["huggingface:yesterday", "arxiv:cs.CL:0", "http://", f"huggingface:{DAY}..{BEFORE}"])
def test_a_source_that_is_none_is_refused_before_anything_is_read(
    local: LocalSources, footnote: Callable[..., Any], spec: str
) -> None:
    code, out, err = footnote("ingest", f"huggingface:{DAY}", spec)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert local.requests == []


def test_categories_and_days_choose_from_files_and_not_from_the_network(
    local: LocalSources, footnote: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [("One", "cs.CL", "2024-05-02"), ("Two", "hep-ph", "2024-05-02"), ("Three", "cs.CL", "2020-05-02")]
    lines = [
        json.dumps({"title": title, "text": "So it is.", "categories": category, "published": day})
        for title, category, day in rows
    ]
    (tmp_path / "papers.jsonl").write_text("\n".join(lines))
    code, out, err = footnote("ingest", "papers.jsonl", "--category", "cs.CL", "--since", "2024-01-01")
    assert (code, out) == (0, "1 new, 0 changed, 0 already known; the library holds 1 papers.\n")
    assert err == "Passed over 1 paper not in cs.CL.\nPassed over 1 paper from before 2024-01-01.\n"
    code, _, err = footnote("ingest", "papers.jsonl", "arxiv:cs.CL:3", "--since", "2024-01-01")
    assert (code, err.count("\n")) == (1, 1)
    assert "choose from files, not from arxiv:cs.CL:3" in err
    assert local.requests == []


def test_papers_by_their_ids_and_links_are_taken_in_and_what_is_none_is_said(
    local: LocalSources, footnote: Callable[..., Any], tmp_path: Path
) -> None:
    local.arxiv = some_papers(1)
    bib = "@inproceedings{a, title = {Words}, abstract = {We count words.}, author = {Doe, Jane}}"
    local.feeds["/P19-1001.bib"] = (bib, "text/plain")
    code, out, err = footnote(
        "ingest", local.arxiv[0].arxiv_id, "https://aclanthology.org/P19-1001/", "10.1234/there-is-none"
    )
    assert code == 1
    assert out == "2 new, 0 changed, 0 already known; the library holds 2 papers.\n"
    assert "There is no DOI 10.1234/there-is-none; check it." in err
    (tmp_path / "2401.12345").write_text('{"title": "A file of that name", "text": "It is here."}')
    code, out, _ = footnote("ingest", "2401.12345")
    assert (code, out) == (0, "1 new, 0 changed, 0 already known; the library holds 3 papers.\n")


def test_kill_9_in_the_middle_loses_nothing_and_fetches_nothing_twice(
    local: LocalSources, environment: None, footnote: Callable[..., Any]
) -> None:
    days = [DAY - dt.timedelta(days=number) for number in (2, 1, 0)]
    local.lists = {day: some_papers(2, day) for day in days}
    local.next(None, None, silent)
    command = [sys.executable, "-m", "bot", "ingest", spec := f"huggingface:{days[0]}..{days[2]}"]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        while len(dates(local)) < 3 and process.poll() is None:
            time.sleep(0.02)
        watchdog.cancel()
        process.kill()
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    code, out, _ = footnote("ingest", spec)
    assert (code, out) == (0, "2 new, 0 changed, 0 already known; the library holds 6 papers.\n")
    assert dates(local) == [str(day) for day in (*days, days[2])]
