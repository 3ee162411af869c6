from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.embedding.local import LocalEmbedder
from retrieval.index.chunker import chunk
from retrieval.papers import Chunk, Paper, Sentence
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding import Embedder


@dataclass
class Words:
    """Count words as tokens, plus two for the ends as in the real model; a whole text may cost more than its parts."""

    max_tokens: int
    toll: int = 0
    model: str = "words"
    dimensions: int = 1

    def count_tokens(self, text: str) -> int:
        return 2 + len(text.split()) + self.toll * text.count(". ")

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise NotImplementedError

    async def close(self) -> None: ...


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> LocalEmbedder:
    return LocalEmbedder(cache_dir=tmp_path_factory.mktemp("unused"))


def _paper(title: str, abstract: str) -> Paper:
    return Paper("p", title, abstract, "test")


def _check(paper: Paper, embedder: Embedder) -> tuple[Chunk, ...]:
    chunks = chunk(paper, embedder)
    assert [part.position for part in chunks] == list(range(len(chunks)))
    assert all(part.paper_id == paper.paper_id for part in chunks)
    assert all(embedder.count_tokens(part.text) <= embedder.max_tokens for part in chunks)
    covered = "".join("".join(paper.abstract[part.start : part.end].split()) for part in chunks)
    assert covered == "".join(paper.abstract.split())
    for part in chunks:
        assert all(part.start <= each.start < each.end <= part.end for each in part.sentences)
        assert [paper.abstract[part.start :][a:b] for a, b in part.spans] == [
            paper.abstract[each.start : each.end] for each in part.sentences
        ]
        assert all(clean(paper.abstract[each.start : each.end]) == each.text for each in part.sentences)
    return chunks


def test_a_short_abstract_is_one_window_with_the_title_in_front_and_its_sentences_alone() -> None:
    (window,) = _check(_paper(r"T\"ULU 3", "We train it.\nIt  gains 3\\%."), Words(50))
    assert (window.text, window.start, window.end) == ("TÜLU 3. We train it. It gains 3%.", 0, 27)
    assert window.sentences == (Sentence(0, 12, "We train it."), Sentence(13, 27, "It gains 3%."))


@pytest.mark.parametrize(
    ("title", "expected"), [("Is it?", "Is it? We go."), ("", "We go."), ("It is", "It is. We go.")]
)
def test_the_title_is_joined_as_a_sentence(title: str, expected: str) -> None:
    assert chunk(_paper(title, "We go."), Words(50))[0].text == expected


@pytest.mark.parametrize("abstract", ["", " \n "])
def test_a_paper_without_an_abstract_is_its_title(abstract: str) -> None:
    assert chunk(_paper("A title", abstract), Words(50)) == (Chunk("p", 0, 0, 0, "A title"),)
    assert chunk(_paper("a b c d e f g h", abstract), Words(6))[0].text == "a b c d"


def test_windows_are_about_equally_full() -> None:
    abstract = " ".join(f"Sentence {number} has just six words." for number in range(9))
    windows = _check(_paper("Two words", abstract), Words(4 + 8 * 6))
    assert [len(part.text.split()) for part in windows] == [2 + 5 * 6, 2 + 4 * 6]


def test_windows_are_whole_sentences() -> None:
    abstract = " ".join(f"Sentence {number} has just six words." for number in range(20))
    for part in _check(_paper("Two words", abstract), Words(30)):
        assert abstract[part.start : part.end].startswith("Sentence")
        assert part.text.endswith("words.")


def test_a_sentence_too_long_for_a_window_is_cut_between_words() -> None:
    words = [f"word{number}" for number in range(100)]
    windows = _check(_paper("Title", " ".join(words)), Words(20))
    assert " ".join(part.text.removeprefix("Title. ") for part in windows).split() == words


def test_a_rule_of_dashes_is_no_sentence() -> None:
    (window,) = _check(_paper("Title", "It is done. ---- C'est fait."), Words(50))
    assert [each.text for each in window.sentences] == ["It is done.", "C'est fait."]


def test_a_monstrous_word_is_cut_by_characters(minilm: LocalEmbedder) -> None:
    # To this model a word of more than 100 letters is one unknown token; digits and signs are separate ones.
    abstract = "1.2,3;" * 2_000
    assert len(_check(_paper("Title", abstract), minilm)) > 40


def test_a_long_title_leaves_half_of_a_window_to_the_abstract(minilm: LocalEmbedder) -> None:
    paper = _paper("very " * 400 + "long", "We go. " * 40)
    assert 1 <= len(_check(paper, minilm)) <= 2
    assert chunk(_paper("1,2;" * 400, "We go."), minilm)[0].text.endswith("We go.")


def test_tokens_that_a_whole_has_beyond_its_parts_are_made_room_for() -> None:
    abstract = " ".join(f"Sentence {number} has just six words." for number in range(20))
    _check(_paper("Two words", abstract), Words(40, toll=3))


def test_the_papers_that_ship_fit_the_real_model(minilm: LocalEmbedder, seeds: list[Paper]) -> None:
    for paper in seeds:
        chunks = _check(paper, minilm)
        assert 1 <= len(chunks) <= 4
        assert all(part.text.startswith(clean(paper.title)) for part in chunks)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.data())
def test_nothing_is_lost_and_nothing_is_too_long(minilm: LocalEmbedder, data: st.DataObject) -> None:
    words = st.sampled_from(
        ["word", "a.", "We", "12.5", r"T\"ULU", "$x", "y$", "----", "\n\n", "é" * 300, "很长。" * 90, "("]
    )
    text = st.lists(words | st.text(max_size=400), max_size=150).map(" ".join)
    _check(_paper(data.draw(text), data.draw(text)), minilm)


@given(
    st.text(max_size=200), st.lists(st.sampled_from(["a", "b.", "C", "1.", "(", "\n"]), max_size=80), st.integers(8, 40)
)
def test_small_windows_hold_everything(title: str, words: list[str], size: int) -> None:
    _check(_paper(title, " ".join(words)), Words(size))
