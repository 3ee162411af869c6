"""arXiv's HTML becomes an article: sections, formulas as text, tables row by row, without the page around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.fulltext.extraction import extract_html
from retrieval.fulltext.latexml import read_latexml

PAGE = (Path(__file__).parent / "pages" / "ridgeline.html").read_bytes()


LOSS = "We minimise the loss L=α ℓ_snow+1/N∑_ix_i, where α ≤ 0.3 weighs the snow and c_1=(x_a_i)1/2 the rest."


def test_the_sections_of_a_page_are_read_as_a_reader_sees_them() -> None:
    article = extract_html(PAGE)
    assert article is not None
    assert article.title == "RidgeLine: Reading Avalanche Warnings from Slope Cameras"
    assert article.abstract == "We read avalanche warnings from slope cameras. RidgeLine warns ~2 hours ahead."
    assert article.full_text.pages == 0
    found = {section.heading: section.text.split("\n\n") for section in article.full_text.sections}
    assert found == {
        "1 Introduction": [
            "Slopes are watched by people (Roe, 2021). Nobody has put cameras on them, in winter, before.",
            "Contributions.",
            "We give:",
            "A data set of 412 slopes.",
            "A model that runs on a solar panel.",
            "Code is at https://example.org/ridge.",
        ],
        "2.1 The loss L": [
            f"{LOSS} The model is trained with a batch size of 96 for 40 epochs.",
            "Lemma 1.",
            "Snow falls.",
        ],
        "3 Results": [
            "Table 1 has them. They hold for all ridges.",
            "Table 1: Warnings in time.",
            "Model | Recall",
            "RidgeLine | 91.4",
            "Figure 1: A ridge at night.",
            "warn()",
            "sleep()",
        ],
        "Appendix A Cameras": [
            "Lens",
            "35 millimetres, heated.",
            "Each camera hangs 7 metres above the snow & sees 60° of it.",
        ],
    }
    assert all(section.breaks == () for section in article.full_text.sections)


def test_older_pages_name_their_sections_by_class_alone() -> None:
    text = "Word senses differ between domains. " * 8
    page = f"""<html><body><div class="ltx_page_main"><div class="ltx_document"><div class="ltx_section" id="S1">
     <h2 class="ltx_title ltx_title_section"><span class="ltx_tag ltx_tag_section">1</span> Introduction</h2>
     <div class="ltx_para"><p class="ltx_p">{text}</p></div></div></div></div></body></html>"""
    article = read_latexml(page.encode())
    assert article is not None
    assert [(each.heading, each.text) for each in article.full_text.sections] == [("1 Introduction", text.strip())]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body><h1>No HTML for this paper</h1></body></html>",
        b"%PDF-1.7\n",
        b'<article class="ltx_document"><p class="ltx_p">Too short to be one.</p></article>',
        b'<article class="ltx_document">' + b"<div>" * 100_000 + b"Deep.",
        b"\x00\xff\xfe" * 1000,
        b"<" * 1_000_000,
        bytes((32 << 20) + 1),
    ],
    ids=["empty", "none", "pdf", "short", "deep", "bytes", "angles", "large"],
)
def test_what_is_no_article_is_none(data: bytes) -> None:
    assert extract_html(data) is None


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + PAGE.replace(b"60\xc2\xb0", b"&b;")
    article = extract_html(bomb)
    assert article is None or "aaaa" not in article.full_text.sections[-1].text
