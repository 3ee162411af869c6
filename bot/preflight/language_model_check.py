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
OPENAI: Final = "https://api.openai.com/v1"


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
    address = Address.read(chosen.base_url or OPENAI)
    offer = await visit(address, chosen.key, patience=TIMEOUT)
    name = chosen.model or offer.instead_of(DEFAULT_MODEL)
    if wrong := offer.objection(name):
        yield Finding("language model", ok=False, sentence=wrong)
        return
    async with open_store_if_any(settings) as store:
        async for finding in _asked(settings, address, name, make_meter(settings, store) if store else None):
            yield finding


async def _asked(settings: Settings, address: Address, name: str, meter: Meter | None) -> AsyncGenerator[Finding]:
    """Yield the result of one real call, which counts like any other."""
    from bot.llm import LanguageModel
    from bot.llm.probe import PATIENCE, mend, probe
    from bot.llm.window import window

    key = settings.llm.key
    model = LanguageModel(name=name, api_key=key, address=address, timeout=PATIENCE, meter=meter)
    async with aclosing(model):
        try:
            found = await probe(model)
        except WriterError as error:
            yield Finding("language model", ok=False, sentence=f"{name} {error}; {mend(error)}")
            return
    yield Finding("language model", ok=True, sentence=f"{name} answers, in {found.seconds:.1f} s")
    yield _able(found, await window(address, key, name), settings.llm.prompt_tokens)


def _able(found: Abilities, window: int | None, prompt_tokens: int) -> Finding:
    """Describe what the model can do; not `ok` if any of it makes answers worse."""
    from bot.answering.reading.language_detection import detect

    structure, keeps = _structure(found)
    context, roomy = _context(window, prompt_tokens)
    german = detect(found.text) == "de"
    stream = "streams" if found.streams else "does not stream, so answers come in one piece"
    language = "answers German in German" if german else "answers German in another language"
    sentence = f"{structure}; {stream}; {context}; {language}"
    return Finding(
        "what it can do", ok=True if keeps and found.streams and roomy and german else None, sentence=sentence
    )


def _structure(found: Abilities) -> tuple[str, bool]:
    match found.shape:
        case "json_schema" if found.follows_schema:
            return "follows a JSON schema", True
        case "json_schema":
            return "accepts a JSON schema without following it, so more of its replies cannot be read", False
        case "":
            return "has no JSON mode, so more of its replies cannot be read", False
    return "writes JSON, but without a schema", False


def _context(window: int | None, prompt_tokens: int) -> tuple[str, bool]:
    from bot.llm.context import room_in

    if window is None:
        return "does not report its context size", True
    if (room := room_in(window)) >= prompt_tokens:
        return f"has a context of {window:,} tokens", True
    enough = 1 << (window - 1).bit_length()
    while room_in(enough) < prompt_tokens:
        enough *= 2
    told = f"has a context of {window:,} tokens, to which prompts are cut ({room:,}); give it {enough:,}"
    return told, False
