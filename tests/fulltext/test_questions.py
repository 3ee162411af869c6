"""Questions that abstracts leave open, over seeds/ and five printed papers: which pages are cited, what is claimed.

    uv run pytest -s -m 'slow or not slow' tests/fulltext/test_questions.py

prints the figures of docs/quality.md. `questions.jsonl` was used while the method was chosen; `held_out.jsonl` was not
looked at before.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from retrieval.fulltext.extraction import extract_html
from retrieval.library import Library
from retrieval.papers import Paper, identify
from retrieval.sources import open_source
from retrieval.sources.fetched import Fetched
from retrieval.text.text import fold
from tests.fulltext.pages import page_of
from tests.fulltext.printing import STYLES, print_paper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.answering.answer import Answer
    from retrieval.embedding.local import LocalEmbedder

HERE = Path(__file__).parent
PRINTED = {name: print_paper(name) for name in STYLES}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, models: Path, seeds: list[Paper]) -> Path:
    from retrieval.embedding.local import LocalEmbedder

    folder = tmp_path_factory.mktemp("full texts")
    for name, printed in PRINTED.items():
        (folder / f"{name}.pdf").write_bytes(printed.data)

    async def fill() -> None:
        library = await Library.open(folder / "data", LocalEmbedder(cache_dir=models))
        await library.add(seeds)
        await library.add(open_source(str(folder)).papers)
        await library.close()

    asyncio.run(fill())
    return folder / "data"


@pytest.fixture(scope="module")
def filled_with_pages(tmp_path_factory: pytest.TempPathFactory, models: Path, seeds: list[Paper]) -> Path:
    return fill_with_pages(tmp_path_factory.mktemp("pages"), models, seeds, full_text=True)


@pytest.fixture(scope="module")
def filled_with_abstracts(tmp_path_factory: pytest.TempPathFactory, models: Path, seeds: list[Paper]) -> Path:
    return fill_with_pages(tmp_path_factory.mktemp("abstracts"), models, seeds, full_text=False)


def fill_with_pages(folder: Path, models: Path, seeds: list[Paper], *, full_text: bool) -> Path:
    from retrieval.embedding.local import LocalEmbedder

    def paper_of(name: str) -> Fetched:
        article = extract_html(page_of(name))
        assert article is not None
        paper = Paper(identify(article.title), article.title, article.abstract, "arxiv")
        return Fetched(paper, external_ids=(paper.paper_id,), full_text=article.full_text if full_text else None)

    async def fill() -> None:
        library = await Library.open(folder / "data", LocalEmbedder(cache_dir=models))
        await library.add(seeds)
        await library.add([paper_of(name) for name in STYLES])
        await library.close()

    asyncio.run(fill())
    return folder / "data"


@pytest.fixture
async def answerer(filled: Path, embedder: LocalEmbedder) -> AsyncIterator[Answerer]:
    library = await Library.open(filled, embedder)
    yield Answerer(library, ExtractiveWriter())
    await library.close()


def cites_section(answer: Answer, asked: dict[str, str]) -> bool:
    """Tell whether the fact is quoted with the section that it was written in, and without a page."""
    sections = (HERE / "written" / f"{asked['paper']}.txt").read_text(encoding="utf-8").split("\n# ")
    return any(
        citation.page is None
        and any(
            part.startswith(f"{citation.section}\n") and fold(asked["fact"]) in fold(part.replace("\n", " "))
            for part in sections
        )
        for citation in answer.citations
        if citation.section is not None and fold(asked["fact"]) in fold(citation.quote)
    )


def read(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def quotes_fact(answer: Answer, fact: str) -> bool:
    return any(fold(fact) in fold(citation.quote) for citation in answer.citations)


def cites_page(answer: Answer, asked: dict[str, str]) -> bool:
    """Tell whether the fact is quoted with the page that its sentence begins on."""
    return any(
        citation.page == PRINTED[asked["paper"]].page_of(" ".join(citation.quote.split()[:6]))
        for citation in answer.citations
        if citation.page is not None and fold(asked["fact"]) in fold(citation.quote)
    )


async def measure(answerer: Answerer, name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    took: list[float] = []
    for asked in read(name):
        began = time.process_time()
        answer = await answerer.answer(asked["question"])
        took.append(time.process_time() - began)
        found[answer.outcome] += 1
        if "fact" in asked:
            found["quoted"] += quotes_fact(answer, asked["fact"])
            found["page right"] += cites_page(answer, asked)
            found["section right"] += cites_section(answer, asked)
    milliseconds = 1000 * statistics.median(took)
    print(f"\n{name}: {len(took)} questions, {dict(found)}, {milliseconds:.0f} ms each")  # noqa: T201  # figures, for -s
    return found


@pytest.mark.slow
async def test_of_thirty_questions_nine_of_ten_have_their_page(answerer: Answerer) -> None:
    found = await measure(answerer, "questions")
    assert found["page right"] >= 0.9 * 30
    assert found["answered"] >= 25


@pytest.mark.slow
async def test_questions_that_were_never_looked_at_have_their_page_too(answerer: Answerer) -> None:
    assert (await measure(answerer, "held_out"))["page right"] >= 11


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unanswerable", "held_out_unanswerable"])
async def test_what_no_page_says_is_not_claimed(answerer: Answerer, name: str) -> None:
    assert (await measure(answerer, name))["answered"] <= 2


@pytest.mark.slow
async def test_what_the_abstracts_say_is_still_quoted_from_them(answerer: Answerer) -> None:
    found = await measure(answerer, "of_abstracts")
    assert found["quoted"] >= 9
    assert found["page right"] == 0


@pytest.mark.slow
async def test_a_citation_names_section_and_page_and_one_of_an_abstract_does_not(answerer: Answerer) -> None:
    answer = await answerer.answer("At what rate does HiveTone sample the sound?")
    first = answer.to_json()["citations"][0]
    assert (first["section"], first["page"]) == ("2 Recording hardware", answer.citations[0].page)
    assert answer.citations[0].location == f"“2 Recording hardware”, page {first['page']}"
    assert first["quote"] in (HERE / "written" / "hivetone.txt").read_text(encoding="utf-8")
    other = await answerer.answer("What is HiveTone?")
    assert all("page" not in each for each in other.to_json()["citations"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("questions", 27), ("held_out", 11)])
async def test_questions_over_html_have_their_section(
    filled_with_pages: Path, embedder: LocalEmbedder, name: str, least: int
) -> None:
    library = await Library.open(filled_with_pages, embedder)
    found = await measure(Answerer(library, ExtractiveWriter()), name)
    await library.close()
    assert found["section right"] >= least
    assert found["page right"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unanswerable", "held_out_unanswerable"])
async def test_what_no_html_says_is_not_claimed(filled_with_pages: Path, embedder: LocalEmbedder, name: str) -> None:
    library = await Library.open(filled_with_pages, embedder)
    assert (await measure(Answerer(library, ExtractiveWriter()), name))["answered"] <= 2
    await library.close()


@pytest.mark.slow
async def test_without_full_texts_none_of_it_is_claimed(filled_with_abstracts: Path, embedder: LocalEmbedder) -> None:
    library = await Library.open(filled_with_abstracts, embedder)
    found = await measure(Answerer(library, ExtractiveWriter()), "questions")
    await library.close()
    assert found["quoted"] <= 1
