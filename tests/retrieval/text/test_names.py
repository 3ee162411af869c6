from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text.names import LONGEST_NAME, NAME_FORMS, Name, possible_names


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Yejin Choi", "yejin choi"),
        ("Choi, Yejin", "yejin choi"),
        ("  CHOI,Yejin ", "yejin choi"),
        ("Y. Choi", "y choi"),
        ("Choi et al.", "choi"),
        ("Yejin Choi, et al., 2023", "yejin choi"),
        ("Jürgen Schmidhuber", "jurgen schmidhuber"),
        (r"Jean-Fran\c{c}ois B\'erub\'e", "jean francois berube"),
        ("Eric~Granger", "eric granger"),
        ("Young-Jun_Lee", "young jun lee"),
        ("Chris O'Brien", "chris obrien"),
        ("Chris O’Brien", "chris obrien"),
        ("Łukasz Kaiser", "lukasz kaiser"),
        ("Martin Luther King, Jr.", "martin luther king"),
        ("Martin Luther King Jr", "martin luther king"),
        ("王伟", "王伟"),
        ("DeepSeek-AI", "deepseek ai"),
        ("Choi,", "choi"),
        (", ;", ""),
    ],
)
def test_a_name_is_its_folded_words_with_the_surname_last(written: str, words: str) -> None:
    assert " ".join(Name.read(written).words) == words


def test_the_forms_that_a_name_is_asked_for_by() -> None:
    name = Name.read("Laurens J. van der Maaten")
    assert name.forms("full") == ("laurens j van der maaten", "laurens maaten")
    assert name.forms("initial") == ("l maaten",)
    assert {"van der maaten", "maaten"} < set(name.forms("surname"))
    assert name.forms("given") == ("laurens",)


def test_an_initial_is_no_given_name_and_a_single_word_is_all_there_is() -> None:
    assert Name.read("Y. Choi").forms("given") == ()
    assert [Name.read("NVIDIA").forms(form) for form in NAME_FORMS] == [("nvidia",), (), (), ()]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("papers by Yejin Choi's group", ["Yejin Choi"]),
        ("what did Y. LeCun say", ["Y. LeCun"]),
        ("Jean-Baptiste Grill?", ["Jean-Baptiste Grill", "Jean-Baptiste", "Baptiste Grill"]),
        ("by Liu, Wang", ["Liu", "Wang"]),
        ("Will Smith", ["Will Smith"]),
    ],
)
def test_names_may_stand_where_words_are_adjacent(text: str, runs: list[str]) -> None:
    found = {text[slice(*written.span)] for written in possible_names(text)}
    assert found >= set(runs)
    assert found.isdisjoint({"by Yejin", "Liu, Wang"})


@pytest.mark.parametrize("text", ["the team", "The team", "can he", "in long context", "how to"])
def test_words_that_only_carry_a_question_are_in_no_name_unless_capitalised(text: str) -> None:
    carried = [written.name.words for written in possible_names(text) if len(written.name.words) == len(text.split())]
    assert carried == []


@given(st.text(max_size=100))
def test_any_text_can_be_read_for_names(text: str) -> None:
    for written in possible_names(text):
        assert 0 < len(written.name.words) <= LONGEST_NAME
        assert 0 <= written.span[0] < written.span[1] <= len(text)
    for form in NAME_FORMS:
        assert all(Name.read(text).forms(form))
