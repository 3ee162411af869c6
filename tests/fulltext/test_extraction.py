"""PDFs become articles with sections, rejoined words and pages; one that cannot be read ends in a single sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader

from retrieval.fulltext import extraction
from retrieval.fulltext.extraction import PdfError, extract
from retrieval.fulltext.lines import Line
from retrieval.fulltext.sections import make_article
from tests.fulltext import bad
from tests.fulltext.printing import STYLES, WRITTEN, print_paper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def written(name: str) -> dict[str, str]:
    """Read the sections as they were written, without the references."""
    _, *sections = (WRITTEN / f"{name}.txt").read_text(encoding="utf-8").split("\n# ")
    found = {}
    for section in sections:
        heading, *paragraphs = section.strip().split("\n")
        if "references" not in heading.lower():
            found[heading] = " ".join(paragraphs)
    return found


@pytest.mark.parametrize("name", STYLES)
def test_a_printed_paper_is_read_as_it_was_written(name: str) -> None:
    printed = print_paper(name)
    article = extract(printed.data)
    expected = written(name)
    assert (article.title, article.abstract) == (printed.title, expected.pop("Abstract"))
    found = {section.heading: section.text.replace("\n", " ") for section in article.full_text.sections}
    small_print = STYLES[name].footnote
    if small_print:  # it ends up after the text of the section that runs over the page break
        assert [text.endswith(f" {small_print}") for text in found.values()].count(True) == 1
    found = {heading: text.removesuffix(f" {small_print}") if small_print else text for heading, text in found.items()}
    assert found == expected


@pytest.mark.parametrize("name", STYLES)
def test_each_sentence_is_on_the_page_that_it_was_printed_on(name: str) -> None:
    printed = print_paper(name)
    sections = extract(printed.data).full_text.sections
    for section in sections:
        for start, words in ((0, section.text.split()[:6]), (len(section.text) // 2, [])):
            beginning = " ".join(words) or " ".join(section.text[start:].split()[1:8])
            at = section.text.find(beginning)
            if at >= 0 and "\n" not in beginning and beginning in " ".join(word for word, _ in printed.words):
                assert section.breaks_of(at, len(section.text))[0][1] == printed.page_of(beginning), beginning


def test_what_is_printed_is_harder_to_read_than_what_was_written() -> None:
    """Otherwise the tests above prove nothing: words are cut, ligatures drawn, and headers and page numbers intrude."""
    raw = {name: "".join(page.extract_text() for page in reader(print_paper(name).data).pages) for name in STYLES}
    assert sum(text.count("-\n") for text in raw.values()) > 20
    assert raw["hivetone"].count("Olsen and Banks: HiveTone, page") == 4
    assert raw["quietward"].count("ﬁ") > 3
    assert "Preprint. Under review." in raw["ledgerlens"]


def reader(data: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(data))


def test_the_id_that_arxiv_stamps_on_a_page_is_read() -> None:
    assert extract(print_paper("frostwalk").data).arxiv_id == "2611.04321"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (bad.malformed, "it is a damaged PDF; get it anew, or print it to a new PDF"),
        (bad.encrypted, "it is an encrypted PDF; save it without a password first"),
        (bad.long, "it is a PDF of more than 500 pages, which is no paper; cut out the pages of one"),
        (
            bad.pictures,
            "it is a PDF of pictures without text, as scanners make them; run it through an OCR program first",
        ),
        (lambda: b"%PDF-1.7\n", "it is a damaged PDF; get it anew, or print it to a new PDF"),
        (
            lambda: b"%PDF" + bytes(33 << 20),
            "it is a PDF of more than 32 MB; make it smaller, or leave out the pictures",
        ),
    ],
)
def test_each_bad_pdf_has_its_own_sentence(data: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(PdfError) as error:
        extract(data())
    assert str(error.value) == sentence


def test_one_that_is_encrypted_with_no_password_is_read() -> None:
    assert "only its owner reads" in extract(bad.encrypted("")).abstract


def test_a_page_that_swells_costs_a_sentence() -> None:
    with pytest.raises(PdfError):  # pypdf gives up on it, or the worker is ended
        extract(bad.swelling(), patience=timedelta(seconds=3))


def test_the_worker_gets_no_more_memory_and_writes_no_file(tmp_path: Path) -> None:
    new = tmp_path / "new"
    for code in ("bytearray(2 << 30)", f"open({str(new)!r}, 'w').write('x')"):
        bounded = f"from retrieval.fulltext.worker import _bound; _bound(); {code}"
        done = subprocess.run([sys.executable, "-c", bounded], capture_output=True, text=True, check=False)
        assert "MemoryError" in done.stderr or new.exists()
    assert new.stat().st_size == 0


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.kill(os.getpid(), 11)",
        "raise SystemExit(3)",
        'print(\'{"article": {"title": 1}}\')',
        "print('no JSON')",
        "bytearray(1 << 44)",
    ],
)
def test_a_worker_that_dies_or_talks_nonsense_costs_a_sentence(code: str) -> None:
    with pytest.raises(PdfError, match="takes more than 60 s or 1 GB") as error:
        extract(b"%PDF", worker=("-c", code))
    assert error.value.fault == "heavy"


def test_a_worker_that_hangs_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(PdfError, match="takes more than"):
        extract(b"%PDF", worker=("-c", "import time; time.sleep(600)"), patience=timedelta(seconds=0.5))
    assert time.monotonic() - started < 10


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "can_read_pdfs", lambda: False)
    with pytest.raises(PdfError, match=r"pip install 'footnote\[pdf\]'"):
        extract(b"%PDF")


def lines(*texts: str, size: float = 10.0, bold: bool = False, page: int = 1, top: float = 700.0) -> list[Line]:
    return [Line(page, 50.0, top - 12 * at, size, bold, text) for at, text in enumerate(texts)]


def test_a_hyphen_stays_where_the_paper_writes_the_word_with_one() -> None:
    body = lines(
        "We use state-of-the-art models and re-", "trieval, the state-of-the-", "art of which is retrieval.", top=500
    )
    article = make_article([*lines("A title", size=16), *lines("1 Method", bold=True, top=520), *body], 1)
    assert (
        article.abstract == "We use state-of-the-art models and retrieval, the state-of-the-art of which is retrieval."
    )


def test_an_abstract_may_begin_in_its_own_line() -> None:
    found = make_article(
        [
            *lines("A title", size=16),
            *lines("Ada Byron", top=650),
            *lines("Abstract—We count bees.", "They are many.", top=600),
            *lines("I. INTRODUCTION", bold=True, top=560),
            *lines("Bees are insects.", top=540),
        ],
        1,
    )
    assert found.abstract == "We count bees. They are many."
    assert [section.heading for section in found.full_text.sections] == ["I. INTRODUCTION"]


def test_references_are_left_out_and_an_appendix_after_them_is_not() -> None:
    found = make_article(
        [
            *lines("A title", size=16),
            *lines("Abstract", bold=True, top=650),
            *lines("We count bees.", top=630),
            *lines("References", bold=True, top=600),
            *lines("[1] A. Bee. On counting.", top=580),
            *lines("A Proofs", bold=True, top=560),
            *lines("They follow.", top=540),
        ],
        1,
    )
    assert [(section.heading, section.text) for section in found.full_text.sections] == [("A Proofs", "They follow.")]


def test_a_text_without_headings_opens_with_what_stands_for_its_abstract() -> None:
    sentences = [f"Sentence {number} says something of bees and of honey." for number in range(60)]
    found = make_article([*lines("A title", size=16), *lines(*sentences, top=650)], 1)
    assert found.abstract.startswith("Sentence 0 says")
    assert len(found.abstract) <= 1500
    whole = f"{found.abstract} {found.full_text.sections[0].text}"
    assert whole == " ".join(sentences)
