"""Full texts on the command line: PDFs as files, in folders and in zips, and arXiv's from a local server."""

from __future__ import annotations

import asyncio
import json
import threading
import zipfile
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stamina

from retrieval.sources import formats
from retrieval.sources.limiter import SystemClock
from tests.fulltext import bad
from tests.fulltext.printing import print_paper
from tests.local_sources import LocalSources, some_papers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.terminal import Result


PAGES = Path(__file__).parents[1] / "fulltext" / "pages"


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSources]:
    """Serve in a thread, because a command runs its own loop."""
    started: Future[tuple[LocalSources, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with LocalSources() as served:
            ended = asyncio.Event()
            started.set_result((served, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    served, loop, ended = started.result(timeout=30)
    monkeypatch.setenv("FOOTNOTE_ARXIV__BASE_URL", served.base_url)
    monkeypatch.setattr(SystemClock, "sleep", lambda _clock, _time: asyncio.sleep(0))  # arXiv wants 3 s
    with stamina.set_testing(True, attempts=2, cap=True):
        yield served
    loop.call_soon_threadsafe(ended.set)
    thread.join(timeout=30)


def test_a_pdf_is_taken_in_and_answers_a_detail_with_its_page(terminal: Callable[..., Result], tmp_path: Path) -> None:
    printed = print_paper("hivetone")
    (tmp_path / "hive.pdf").write_bytes(printed.data)
    done = terminal("ingest", "hive.pdf")
    assert (done.code, done.out) == (
        0,
        "1 new, 0 changed, 0 already known; the library holds 1 papers.\n",
    )
    question = "At what rate does HiveTone sample the sound?"
    answer = json.loads(terminal("ask", question, "--json", "--no-llm").out)
    cited = answer["citations"][0]
    assert cited["section"] == "2 Recording hardware"
    assert cited["page"] == printed.page_of("Sound is sampled at 6300 hertz")
    assert f"“2 Recording hardware”, page {cited['page']}" in terminal("ask", question, "--no-llm").out
    assert json.loads(terminal("stats", "--json").out)["full texts"] == 1
    assert terminal("rebuild").out == "Rebuilt the indexes of 1 papers.\n"


def test_a_folder_and_a_zip_give_the_good_ones_and_name_the_others(
    terminal: Callable[..., Result], tmp_path: Path
) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "a.pdf").write_bytes(print_paper("tidegrid").data)
    (papers / "b.pdf").write_bytes(bad.encrypted())
    with zipfile.ZipFile(papers / "more.zip", "w") as archive:
        archive.writestr("c.pdf", print_paper("frostwalk").data)
        archive.writestr("d.pdf", bad.pictures())
    done = terminal("ingest", "papers")
    assert "2 new" in done.out
    assert "b.pdf: it is an encrypted PDF; save it without a password first." in done.err
    assert "d.pdf: it is a PDF of pictures without text, as scanners make them; run it" in done.err
    assert json.loads(terminal("show", "2611.04321", "--json").out)["paper_id"] == "arxiv:2611.04321"


def test_the_pdf_of_a_paper_at_arxiv_comes_with_it(terminal: Callable[..., Result], local: LocalSources) -> None:
    paper = some_papers(1)[0]
    local.arxiv = [paper]
    local.files[f"/pdf/{paper.arxiv_id}"] = print_paper("quietward").data
    done = terminal("ingest", "--full-text", paper.arxiv_id)
    assert done.code == 0, done.err
    assert json.loads(terminal("stats", "--json").out)["full texts"] == 1
    shown = json.loads(terminal("show", paper.arxiv_id, "--json").out)
    assert shown["title"] == paper.title  # arXiv's title, not the page's


def test_the_html_of_a_paper_at_arxiv_goes_before_its_pdf_and_is_cited_by_section(
    terminal: Callable[..., Result], local: LocalSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.fulltext.extraction.can_read_pdfs", lambda: False)  # HTML does not need it
    paper = replace(
        some_papers(1)[0],
        title="RidgeLine: Reading Avalanche Warnings from Slope Cameras",
        abstract="We read avalanche warnings from slope cameras. RidgeLine warns two hours ahead.",
    )
    local.arxiv = [paper]
    local.files[f"/html/{paper.arxiv_id}"] = (PAGES / "ridgeline.html").read_bytes()
    done = terminal("ingest", "--full-text", paper.arxiv_id)
    assert done.code == 0, done.err
    assert not local.asked(f"/pdf/{paper.arxiv_id}")
    question = "What batch size is RidgeLine trained with?"
    cited = json.loads(terminal("ask", question, "--json", "--no-llm").out)["citations"][0]
    assert (cited["section"], "page" in cited) == ("2.1 The loss L", False)
    assert cited["quote"] == "The model is trained with a batch size of 96 for 40 epochs."
    assert "“2.1 The loss L”" in terminal("ask", question, "--no-llm").out


def test_without_the_extra_a_pdf_is_not_even_asked_for(
    terminal: Callable[..., Result], local: LocalSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.sources.arxiv_full_text.can_read_pdfs", lambda: False)
    paper = some_papers(1)[0]
    local.arxiv = [paper]
    local.files[f"/html/{paper.arxiv_id}"] = b"<html><body>No HTML for this paper.</body></html>"
    done = terminal("ingest", "--full-text", paper.arxiv_id)
    assert (done.code, "1 new" in done.out) == (1, True)
    assert "its PDF takes pypdf (pip install 'footnote[pdf]')" in done.err
    assert not local.asked(f"/pdf/{paper.arxiv_id}")


def test_a_paper_whose_pdf_cannot_be_had_is_kept_without_it(
    terminal: Callable[..., Result], local: LocalSources
) -> None:
    one, other = some_papers(2)
    local.arxiv = [one, other]
    local.files[f"/pdf/{other.arxiv_id}"] = bad.pictures()
    done = terminal("ingest", "--full-text", one.arxiv_id, other.arxiv_id)
    assert done.code == 1
    assert "2 new" in done.out
    assert f"arXiv has neither HTML nor a PDF of {one.arxiv_id}" in done.err
    assert f"The full text of {other.arxiv_id} is not read: it is a PDF of pictures" in done.err


def test_full_texts_of_other_sources_are_refused(terminal: Callable[..., Result], tmp_path: Path) -> None:
    done = terminal("ingest", "--full-text", "seeds")
    assert done.code == 1
    assert "--full-text takes ids or links of single papers at arXiv, not seeds" in done.err


def test_without_the_extra_a_pdf_says_how_to_get_it_and_a_folder_passes_it_over(
    terminal: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.fulltext.extraction.can_read_pdfs", lambda: False)
    monkeypatch.setattr("retrieval.sources.formats.NAMES", tuple(name for name in formats.NAMES if name != ".pdf"))
    (tmp_path / "hive.pdf").write_bytes(print_paper("hivetone").data)
    (tmp_path / "refs.bib").write_text("@misc{a, title = {Of bees and of the sound that they make}}\n")
    done = terminal("ingest", "hive.pdf")
    assert done.code == 1
    assert "hive.pdf: it is a PDF, whose text takes pypdf (pip install 'footnote[pdf]')." in done.err
    folder = terminal("ingest", str(tmp_path))
    assert "1 new" in folder.out
    assert "hive.pdf" not in folder.err
