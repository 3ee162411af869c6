"""The bot's languages: every sentence of the code is in every catalogue, complete."""

from __future__ import annotations

import ast
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import bot
from bot.language import ENGLISH, LANGUAGES, current_language, in_language, nearest, say, say_many, set_task_language

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

ROOT = Path(bot.__file__).parent
KEYWORDS = {"say": None, "say_many": (1, 2)}
OTHERS = sorted(set(LANGUAGES) - {ENGLISH})


@cache
def said() -> frozenset[str | tuple[str, ...]]:
    """Collect every sentence that Babel finds in the code."""
    found = extract_from_dir(ROOT, [("**.py", "python")], keywords=KEYWORDS)
    return frozenset(tuple(message) if isinstance(message, (list, tuple)) else message for _, _, message, _, _ in found)


def catalogue(language: str) -> Catalog:
    with (ROOT / "locale" / language / "LC_MESSAGES" / "footnote.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: str) -> list[Message]:
    return [message for message in catalogue(language) if message.id]


def forms(words: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [words] if isinstance(words, str) else list(words or ())


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_every_sentence_is_written_out_where_babel_finds_it() -> None:
    # Not a name and not an f-string: before Python 3.12, Babel does not look into f-strings.
    hidden = []
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS:
                given = call.args[: 2 if call.func.id == "say_many" else 1]
                words = [each.value if isinstance(each, ast.Constant) else None for each in given]
                sentence = words[0] if len(words) == 1 else tuple(words)
                if sentence not in said():
                    hidden.append(f"{path.relative_to(ROOT.parent)}:{call.lineno}")
    assert not hidden


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_has_a_translation_and_no_other_is_left_over(language: str) -> None:
    known = {tuple(message.id) if message.pluralizable else message.id for message in messages(language)}
    assert said() - known == set()
    assert known - said() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_empty_doubtful_or_short_of_a_plural(language: str) -> None:
    expected = catalogue(language).num_plurals
    for message in messages(language):
        assert not message.fuzzy, message.id
        given = forms(message.string)
        assert all(given), message.id
        assert len(given) == (expected if message.pluralizable else 1), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_of_its_sentence(language: str) -> None:
    for message in messages(language):
        wanted = set().union(*map(places, forms(message.id)))
        needed = places(forms(message.id)[-1]) - {"n"}
        for sentence in forms(message.string):
            assert needed <= places(sentence) <= wanted, message.id


def test_a_sentence_is_said_in_the_language_of_the_block() -> None:
    with in_language("de-AT"):
        assert current_language() == "de"
        assert say("Follow up") == "Nachfragen"
        with in_language("fr"):
            assert say("That is too long for me: please ask in at most {most} characters.", most=5).endswith(
                "5 caractères au plus, s’il te plaît."
            )
        assert say("Follow up") == "Nachfragen"
    assert say("Follow up") == "Follow up"


def test_a_number_is_written_as_the_language_writes_it() -> None:
    assert say_many("Knows {n} paper", "Knows {n} papers", 1) == "Knows 1 paper"
    assert say_many("Knows {n} paper", "Knows {n} papers", 1200) == "Knows 1,200 papers"
    with in_language("de"):
        assert say_many("Knows {n} paper", "Knows {n} papers", 1200) == "Kennt 1.200 Paper"
    with in_language("fr"):
        assert say_many("Knows {n} paper", "Knows {n} papers", 0) == "Connaît 0 article"


def test_a_sentence_that_no_catalogue_has_is_said_in_english() -> None:
    with in_language("de"):
        assert say("{what} is in no catalogue.", what="This") == "This is in no catalogue."


def test_braces_in_a_value_are_left_alone() -> None:
    assert say("{what} is in no catalogue.", what="{this}") == "{this} is in no catalogue."


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (("de",), "de"),
        (("fr-CA",), "fr"),
        (("ja", "de"), "de"),
        ((None, "fr"), "fr"),
        (("ja", None), "en"),
        ((), "en"),
        (("de_CH",), "de"),
        (("en-US", "de"), "en"),
    ],
)
def test_the_nearest_language_is_the_first_that_there_is(tags: tuple[str | None, ...], language: str) -> None:
    assert nearest(*tags) == language


def test_what_is_spoken_in_a_task_ends_with_it() -> None:
    with in_language("en"):
        set_task_language("fr")
        assert current_language() == "fr"
    assert current_language() == "en"
