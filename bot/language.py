"""Translate the bot's own sentences for their reader: gettext, with English in the code."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGLISH: Final = "en"
LANGUAGES: Final = {ENGLISH: "English", "de": "Deutsch", "fr": "Français"}

_language: Final = ContextVar("language", default=ENGLISH)


def say(sentence: str, /, **values: object) -> str:
    """Translate an English sentence into the current language, and fill in its {placeholders}.

    Write `sentence` as a literal at the call, so that Babel finds it; double literal braces.
    """
    return _translations(current_language()).gettext(sentence).format(**values)


def say_many(one: str, many: str, n: int, /, **values: object) -> str:
    """Translate a sentence with a singular and a plural; {n} is the number, formatted for the language."""
    from babel.numbers import format_decimal

    sentence = _translations(current_language()).ngettext(one, many, n)
    return sentence.format(n=format_decimal(n, locale=current_language()), **values)


def translated(words: str, language: str) -> str | None:
    """Translate the name or description of a command or option; None if there is no translation.

    These words are in a separate catalogue, as they come from the commands and not from calls of `say`.
    """
    found = _translations(language, "commands").gettext(words)
    return found if found != words else None


@contextmanager
def in_language(language: str | None) -> Iterator[None]:
    """Set the language for a block and the tasks that it starts: the nearest one we have, English for None."""
    before = _language.get()
    _language.set(nearest(language))
    try:
        yield
    finally:
        _language.set(before)


def set_task_language(language: str | None) -> None:
    """Set the language for the rest of the current task: the nearest one we have, English for None.

    The gate learns the language after the task has begun, and a failure that ends the task is told in it, so there is
    no block to set it for. Elsewhere use `in_language`.
    """
    _language.set(nearest(language))


def current_language() -> str:
    """Get the code of the current language, one of LANGUAGES."""
    return _language.get()


def nearest(*tags: str | None) -> str:
    """Choose the first of the language tags ("de", "fr-CA") that we have sentences in, else English."""
    for tag in tags:
        base = (tag or "").replace("_", "-").partition("-")[0].lower()
        if base in LANGUAGES:
            return base
    return ENGLISH


def load() -> None:
    """Load the catalogues now (some 50 ms), so that nobody waits for them later."""
    for language in LANGUAGES:
        _translations(language)


@cache
def _translations(language: str, domain: str = "footnote") -> NullTranslations:
    """Load a catalogue; gettext needs it compiled, which is done in memory."""
    if language == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = resources.files("bot").joinpath("locale", language, "LC_MESSAGES", f"{domain}.po")
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
