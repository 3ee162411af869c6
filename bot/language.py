"""Say the bot's own words in the language of whoever reads them: gettext, with English in the code."""

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
    """Return the English sentence in the language spoken here, with the values in its {places}.

    `sentence` is written out where it is said, so that Babel finds it; a literal brace in it is doubled.
    """
    return _translations(current_language()).gettext(sentence).format(**values)


def say_many(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the sentence for one or for many of something; {n} in it is the number, written as the language does."""
    from babel.numbers import format_decimal

    sentence = _translations(current_language()).ngettext(one, many, n)
    return sentence.format(n=format_decimal(n, locale=current_language()), **values)


def translated(words: str, language: str) -> str | None:
    """Return what a command, an option or its description is called in a language; None where that is not known.

    These words are in a catalogue of their own: no call of `say` says them, they stand in the commands themselves.
    """
    found = _translations(language, "commands").gettext(words)
    return found if found != words else None


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Speak, in the block and in the tasks that it starts, the nearest language there is; English for None."""
    before = _language.get()
    _language.set(nearest(language))
    try:
        yield
    finally:
        _language.set(before)


def speak(language: str | None) -> None:
    """Speak the nearest language there is from here to the end of the current task."""
    _language.set(nearest(language))


def current_language() -> str:
    """Return the code of the language spoken here, one of LANGUAGES."""
    return _language.get()


def nearest(*tags: str | None) -> str:
    """Return the first of the languages ("de", "fr-CA") that there are sentences in, else English."""
    for tag in tags:
        base = (tag or "").replace("_", "-").partition("-")[0].lower()
        if base in LANGUAGES:
            return base
    return ENGLISH


def load() -> None:
    """Read the catalogues now (some 50 ms) rather than when somebody waits for a sentence."""
    for language in LANGUAGES:
        _translations(language)


@cache
def _translations(language: str, domain: str = "footnote") -> NullTranslations:
    """Read a catalogue; gettext wants it compiled, which is done in memory."""
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
