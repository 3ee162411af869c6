"""Find out what a language model's server can do, with one small call, and advise on failures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from bot.errors import BudgetError
from bot.llm.lenient import Scanner, loads
from bot.llm.message import Prompt
from bot.llm.patience import Patience, Wait, sharing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.errors import WriterError
    from bot.llm.client import LanguageModel, Reply

# All of it may be silence: a server that was just started loads its model first.
PATIENCE: Final = timedelta(seconds=15)

_RULES: Final = """\
Answer the question inside <question> in one whole sentence of ten to twenty words, in the language of the question.
Reply in JSON."""
_QUESTION: Final = "<question>\nWarum sind die Sterne nur in der Nacht zu sehen und nicht am Tag?\n</question>"


_ACCOUNT: Final = "check your account with the server's provider, or wait"
_MEND: Final[Mapping[int | None, str]] = {
    None: "run it again, or set FOOTNOTE_LLM__MODEL to another model",
    0: "make sure that the server is running, and check FOOTNOTE_LLM__BASE_URL",
    HTTPStatus.UNAUTHORIZED: "check FOOTNOTE_LLM__API_KEY",
    HTTPStatus.PAYMENT_REQUIRED: _ACCOUNT,
    HTTPStatus.FORBIDDEN: "check FOOTNOTE_LLM__API_KEY",
    HTTPStatus.NOT_FOUND: "set FOOTNOTE_LLM__MODEL to a model that the server has",
    HTTPStatus.REQUEST_TIMEOUT: "run it again, as a server that still loads its model answers then; a slow one needs a "
    "larger FOOTNOTE_LLM__TIMEOUT",
    HTTPStatus.TOO_MANY_REQUESTS: _ACCOUNT,
}


class _Sentence(BaseModel, extra="forbid"):
    # The name is only in the schema: a reply that has it follows the schema.
    starlight_sentence: str


_PROMPT: Final = Prompt("doctor", _RULES, _Sentence)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one call showed.

    Attributes:
        shape: how JSON may be requested: "json_schema", "json_object", or "" for not at all.
        follows_schema: whether the reply followed the schema.
        streams: whether the reply came in pieces.
        text: the model's answer to a question in German.
        seconds: how long it took.
    """

    shape: str
    follows_schema: bool
    streams: bool
    text: str
    seconds: float


async def probe(model: LanguageModel) -> Abilities:
    """Ask the model one small question, within PATIENCE; raises WriterError if no answer comes."""
    start = time.monotonic()
    with sharing(Wait(Patience(PATIENCE, silence=1.0))):
        async with model.ask(_PROMPT, lambda _: _PROMPT.about(_QUESTION)) as reply:
            text = await _text(reply)
            seconds = time.monotonic() - start
    found = loads(text)
    text_found = " ".join(_strings(found)) or text
    return Abilities(reply.options.shape, _keeps_schema(found), reply.streamed, text_found, seconds)


def mend(error: WriterError) -> str:
    """Advise what to do about a failed call."""
    if isinstance(error, BudgetError):
        return "wait for tomorrow (UTC), or raise FOOTNOTE_LLM__TOKENS_PER_DAY"
    return _MEND.get(error.status, "the server's own log says why; one that still loads its model answers later")


async def _text(reply: Reply) -> str:
    """Read the reply up to the end of its JSON, if there is any."""
    scanner = Scanner()
    async for piece in reply:
        for span in scanner.feed(piece):
            if span.depth == 0:
                reply.whole()
                return scanner.text[span.start : span.end]
    return scanner.text


def _keeps_schema(found: object) -> bool:
    try:
        _Sentence.model_validate(found)
    except ValidationError:
        return False
    return True


def _strings(found: object) -> Iterator[str]:
    """Yield the strings in a JSON value."""
    if isinstance(found, str):
        yield found
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    for value in values:
        yield from _strings(value)
