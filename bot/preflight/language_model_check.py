"""Check whether the language model answers, and what it can do."""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.errors import WriterError
from bot.factory import make_meter, make_plugin_writer, open_store_if_any
from bot.preflight.check import Finding
from bot.settings import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.llm import Abilities, Address, Meter
    from bot.settings import Settings

TIMEOUT: Final = timedelta(seconds=10)  # for a server to reply
OPENAI_API: Final = "https://api.openai.com/v1"


async def language_model(settings: Settings) -> AsyncGenerator[Finding]:
    """Yield whether a plugin or the language model is available and answers, then what the model can do."""
    if make_plugin_writer(settings):
        yield Finding("writer", ok=True, sentence=f"the plugin {settings.writer} writes answers")
    if not settings.llm.enabled:
        sentence = "none set; answers are the papers' own sentences (FOOTNOTE_LLM__API_KEY or __BASE_URL adds one)"
        yield Finding("language model", ok=None, sentence=sentence)
        return
    from bot.llm import Address
    from bot.llm.address import visit

    chosen = settings.llm
    address = Address.read(chosen.base_url or OPENAI_API)
    offer = await visit(address, chosen.key, patience=TIMEOUT)
    name = chosen.model or offer.instead_of(DEFAULT_MODEL)
    if wrong := offer.objection(name):
        yield Finding("language model", ok=False, sentence=wrong)
        return
    async with open_store_if_any(settings) as store:
        async for finding in _test_model(settings, address, name, make_meter(settings, store) if store else None):
            yield finding


async def _test_model(settings: Settings, address: Address, name: str, meter: Meter | None) -> AsyncGenerator[Finding]:
    """Yield whether the model answers one real call, whose tokens count like any other's, and what it can do."""
    from bot.llm import LanguageModel
    from bot.llm.probe import PATIENCE, mend, probe
    from bot.llm.window import window

    key = settings.llm.key
    model = LanguageModel(name=name, api_key=key, address=address, timeout=PATIENCE, meter=meter)
    async with aclosing(model):
        try:
            abilities = await probe(model)
        except WriterError as error:
            yield Finding("language model", ok=False, sentence=f"{name} {error}; {mend(error)}")
            return
    yield Finding("language model", ok=True, sentence=f"{name} answers, in {abilities.seconds:.1f} s")
    yield _describe_abilities(abilities, await window(address, key, name), settings.llm.prompt_tokens)


def _describe_abilities(abilities: Abilities, window: int | None, prompt_tokens: int) -> Finding:
    """Describe what the model can do; `ok` is None if anything that it lacks makes answers worse."""
    from bot.answering.reading.language_detection import detect

    structure, structured = _describe_structure(abilities)
    context, fits = _describe_context(window, prompt_tokens)
    german = detect(abilities.text) == "de"
    stream = "streams" if abilities.streams else "does not stream, so answers come in one piece"
    language = "answers German in German" if german else "answers German in another language"
    sentence = f"{structure}; {stream}; {context}; {language}"
    good = structured and abilities.streams and fits and german
    return Finding("what it can do", ok=True if good else None, sentence=sentence)


def _describe_structure(abilities: Abilities) -> tuple[str, bool]:
    """Say which JSON the model writes, and whether it keeps to a schema."""
    match abilities.shape:
        case "json_schema" if abilities.follows_schema:
            return "follows a JSON schema", True
        case "json_schema":
            return "accepts a JSON schema without following it, so more of its replies cannot be read", False
        case "":
            return "has no JSON mode, so more of its replies cannot be read", False
    return "writes JSON, but without a schema", False


def _describe_context(window: int | None, prompt_tokens: int) -> tuple[str, bool]:
    """Say how large the model's context is, in tokens, and whether a prompt fits into it as far as is known."""
    from bot.llm.context import room_in

    if window is None:
        return "does not report its context size", True
    if (room := room_in(window)) >= prompt_tokens:
        return f"has a context of {window:,} tokens", True
    wanted = 1 << (window - 1).bit_length()
    while room_in(wanted) < prompt_tokens:
        wanted *= 2
    return f"has a context of {window:,} tokens, to which prompts are cut ({room:,}); give it {wanted:,}", False
