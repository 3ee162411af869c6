"""`footnote doctor`: a line for each part of the set-up, and how to mend what is wrong."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.text import Text

from bot.console import stdout
from bot.errors import DiscordStartError, WriterError
from bot.settings import DEFAULT_MODEL, mend_connection
from bot.wiring import make_embedder, make_meter, open_library, open_store_if_any
from retrieval.errors import FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.llm.address import Address, Offer
    from bot.llm.meter import Meter
    from bot.llm.probe import Abilities
    from bot.settings import Settings

TIMEOUT = 10.0  # seconds for a server to say anything
DISCORD = "https://discord.com/api/v10"
OPENAI = "https://api.openai.com/v1"
COPY = "copy it anew from https://discord.com/developers/applications (Bot)"
UNAUTHORIZED = 401
FORBIDDEN = 403
OK = 200
MESSAGE_CONTENT = 1 << 18 | 1 << 19  # flags of an application that may read messages, verified or with few servers


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold what was seen of one part; `ok` is None where the part is not set and not needed for answers."""

    part: str
    ok: bool | None
    sentence: str


async def run_doctor(load: Callable[[], Settings]) -> bool:
    """Print a line for each part; return whether nothing is wrong."""
    console = stdout()
    well = True
    marks = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "yellow")}
    async for finding in examine(load):
        well = well and finding.ok is not False
        console.print(Text.assemble(marks[finding.ok], f" {finding.part}: {finding.sentence}"))
    return well


async def examine(load: Callable[[], Settings]) -> AsyncIterator[Finding]:
    """Yield a finding for settings, weights, library, language model and Discord token, in this order."""
    try:
        settings = load()
    except FootnoteError as error:
        yield Finding("settings", ok=False, sentence=str(error))
        return
    yield Finding("settings", ok=True, sentence="every name is known and every value fits")
    yield await _embedding(settings)
    yield await _library(settings)
    async for finding in _llm(settings):
        yield finding
    yield await _discord(settings)


async def _embedding(settings: Settings) -> Finding:
    try:
        embedder = await make_embedder(settings)
        vectors = await embedder.embed(["Does the model answer?"])
        await embedder.close()
    except FootnoteError as error:
        return Finding("embedding model", ok=False, sentence=str(error))
    return Finding("embedding model", ok=True, sentence=f"{embedder.model} gives {vectors.shape[1]} dimensions")


async def _library(settings: Settings) -> Finding:
    try:
        async with open_library(settings) as library:
            counts = await library.counts()
            fault = library.fault
            away = library.gaps.vectors
    except FootnoteError as error:
        return Finding("library", ok=False, sentence=str(error))
    where = f"in {settings.data_dir}"
    if away:
        sentence = "the Chroma server does not answer; make sure that it runs, and check FOOTNOTE_CHROMA__URL"
        return Finding("library", ok=False, sentence=sentence)
    if counts.papers == 0:
        return Finding("library", ok=None, sentence=f"empty, {where}; `footnote ingest` or the first question fills it")
    if fault:
        sentence = f"{fault}; the next question, or `footnote rebuild`, makes the indexes {where} anew"
        return Finding("library", ok=False, sentence=sentence)
    if counts.pending:
        sentence = f"{counts.pending} of {counts.papers} papers {where} wait to be indexed; run `footnote rebuild`"
        return Finding("library", ok=False, sentence=sentence)
    return Finding(
        "library", ok=True, sentence=f"{counts.papers} papers, {counts.chunks} chunks {where}; indexes agree"
    )


async def _llm(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether the language model is there and answers, then what it can do."""
    if not settings.llm.enabled:
        sentence = "none set; answers are the papers' own sentences (FOOTNOTE_LLM__API_KEY or __BASE_URL adds one)"
        yield Finding("language model", ok=None, sentence=sentence)
        return
    from bot.llm.address import Address, visit

    chosen = settings.llm
    try:
        address = Address.read(chosen.base_url or OPENAI)
        offer = await visit(address, chosen.key, patience=TIMEOUT)
        name = chosen.model or offer.instead_of(DEFAULT_MODEL)
    except FootnoteError as error:
        yield Finding("language model", ok=False, sentence=str(error))
        return
    if wrong := _missing(offer, name):
        yield Finding("language model", ok=False, sentence=wrong)
        return
    async with open_store_if_any(settings) as store:
        async for finding in _asked(settings, address, name, make_meter(settings, store) if store else None):
            yield finding


async def _asked(settings: Settings, address: Address, name: str, meter: Meter | None) -> AsyncIterator[Finding]:
    """Yield what one real call shows, which is counted like any other."""
    from bot.llm.client import LanguageModel
    from bot.llm.probe import SECONDS, mend, probe
    from bot.llm.window import window

    key = settings.llm.key
    model = LanguageModel(name=name, api_key=key, address=address, timeout=SECONDS, meter=meter)
    async with aclosing(model):
        try:
            found = await probe(model)
        except WriterError as error:
            yield Finding("language model", ok=False, sentence=f"{name} {error}; {mend(error)}")
            return
    yield Finding("language model", ok=True, sentence=f"{name} answers, in {found.seconds:.1f} s")
    yield _able(found, await window(address, key, name), settings.llm.prompt_tokens)


def _able(found: Abilities, window: int | None, prompt_tokens: int) -> Finding:
    """Say what the model can do, and whether anything of it makes answers worse."""
    from bot.answering.reading.language import detect

    structure, keeps = _structure(found)
    context, roomy = _context(window, prompt_tokens)
    german = detect(found.said) == "de"
    stream = "streams" if found.streams else "does not stream, so that an answer comes in one piece"
    language = "answers German in German" if german else "answers German in another language"
    sentence = f"{structure}; {stream}; {context}; {language}"
    return Finding(
        "what it can do", ok=True if keeps and found.streams and roomy and german else None, sentence=sentence
    )


def _structure(found: Abilities) -> tuple[str, bool]:
    match found.shape:
        case "json_schema" if found.kept:
            return "keeps to a JSON schema", True
        case "json_schema":
            return "takes a JSON schema without keeping to it, so that more of its replies cannot be read", False
        case "":
            return "knows no JSON mode, so that more of its replies cannot be read", False
    return "writes JSON, but by no schema", False


def _context(window: int | None, prompt_tokens: int) -> tuple[str, bool]:
    from bot.llm.context import room_in

    if window is None:
        return "does not tell its context", True
    if (room := room_in(window)) >= prompt_tokens:
        return f"has a context of {window:,} tokens", True
    enough = 1 << (window - 1).bit_length()
    while room_in(enough) < prompt_tokens:
        enough *= 2
    told = f"has a context of {window:,} tokens, to which prompts are cut ({room:,}); give it {enough:,}"
    return told, False


def _missing(offer: Offer, name: str) -> str | None:
    """Say why the model cannot be asked, None where nothing speaks against it."""
    mend = "check FOOTNOTE_LLM__API_KEY and FOOTNOTE_LLM__BASE_URL"
    if not offer.answered:
        return f"cannot be reached; {mend}"
    if offer.status in {UNAUTHORIZED, FORBIDDEN}:
        return f"refused the key ({offer.status}); {mend}"
    if not offer.has(name):
        some = ", ".join((offer.models or ())[:5])
        return f"the server does not offer {name} (but {some}); set FOOTNOTE_LLM__MODEL"
    return None


async def _discord(settings: Settings) -> Finding:
    if settings.discord.token is None:
        return Finding("discord", ok=None, sentence="no token set; only `footnote run` needs FOOTNOTE_DISCORD__TOKEN")
    from bot.discord.run import INTENT_OFF, require_token
    from bot.discord.ui.permissions import invite_link

    try:
        token = require_token(settings)
        me = await _ask_discord(settings, token, "users/@me")
        application = await _ask_discord(settings, token, "applications/@me")
    except FootnoteError as error:
        return Finding("discord", ok=False, sentence=str(error).rstrip("."))
    if settings.discord.message_content and not application.get("flags", 0) & MESSAGE_CONTENT:
        return Finding("discord", ok=False, sentence=INTENT_OFF)
    invite = invite_link(int(application["id"]))
    return Finding("discord", ok=True, sentence=f"the token is {me['username']}'s, whom a server invites by {invite}")


async def _ask_discord(settings: Settings, token: str, path: str) -> dict[str, Any]:
    """Return what Discord says of the token's owner; raises DiscordStartError with what is wrong."""
    headers = {"Authorization": f"Bot {token}"}
    proxy = settings.discord.proxy
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session,
            session.get(f"{DISCORD}/{path}", headers=headers, proxy=proxy) as response,
        ):
            if response.status == OK:
                return dict(await response.json())
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        raise DiscordStartError(f"discord.com cannot be reached; {mend_connection(proxy)}.") from None
    if status == UNAUTHORIZED:
        raise DiscordStartError(f"the token is refused; {COPY}.")
    raise DiscordStartError(f"discord.com answered {status}; try again later.")
