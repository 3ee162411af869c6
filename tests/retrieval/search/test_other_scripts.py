"""Words in scripts that the local embedding model cannot read still find their paper, also among English ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retrieval.papers import Paper
from retrieval.text.text import fold
from retrieval.text.writing_systems import asked, latin_share, words, written

if TYPE_CHECKING:
    from retrieval.library import Library

pytestmark = pytest.mark.slow

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "fixtures" / "other_scripts.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture
async def library(seeded: Library) -> Library:
    await seeded.add([Paper(f"own:{at}", row["title"], row["abstract"], "test") for at, row in enumerate(ROWS)])
    return seeded


async def test_each_paper_is_found_first_by_a_part_of_its_title_and_by_words_of_its_abstract(library: Library) -> None:
    missed = []
    for at, row in enumerate(ROWS):
        for text in (row["part"], row["title"][: len(row["title"]) // 2], row["title"], row["query"]):
            found = await library.search(text, limit=1)
            if not found or found[0].paper.paper_id != f"own:{at}":
                missed.append((row["language"], text, found[0].paper.title if found else None))
    assert missed == []


async def test_a_query_that_the_model_cannot_read_is_compared_with_sentences_by_its_letters(library: Library) -> None:
    text = "押韵 平仄"
    hits = await library.search(text, limit=1)
    (agreement,) = await library.agreement(text, await library.embed(text), hits)
    assert agreement.title.tolist() == [0.0, 1.0]
    assert agreement.sentences.max(axis=1).tolist() == [1.0, 0.0]
    assert agreement.whole.tolist() == [1.0, 1.0]


def test_letters_of_scripts_without_blanks_become_runs_and_other_text_stays() -> None:
    assert written("bert 模型 x") == "bert  模 型 模型  x"
    assert asked("模型压缩") == " 模型 型压 压缩 "
    assert asked("猫") == " 猫 "
    assert asked("การเรียน") == " การ ารเ รเร เรี รีย ียน "
    assert written("a plain_text, α-decay") == "a plain_text, α-decay"


def test_words_of_arabic_greek_and_russian_are_stemmed_by_their_script() -> None:
    assert written(fold("νευρωνικών")) == written(fold("Νευρωνικά"))
    assert written(fold("нейронных сетей")) == written(fold("нейронные сети"))
    assert written(fold("الْمَكْتَبَة")) == written(fold("المكتبـــة")) == written(fold("المكتبه"))


def test_half_width_letters_and_tones_make_no_other_words() -> None:
    assert words(fold("ﾆﾎﾝｶﾞ")) == words(fold("ニホンガ"))
    assert words(fold("น้ำท่วม")) == words("น\u0e4dาทวม")


@pytest.mark.parametrize(
    ("text", "share"),
    [("routing of cables", 1.0), ("?!", 1.0), ("深度学习", 0.0), ("bert 模型", 0.5), ("α and β decay", 1.0)],
)
def test_the_share_of_latin_words_counts_two_letters_of_chinese_as_one(text: str, share: float) -> None:
    assert latin_share(fold(text)) == share
