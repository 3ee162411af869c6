"""How the server can answer a call: honestly, with planted errors, or in ways that no server should."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from .reading import Asked, answer

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True)
class Reply:
    """A completion, and how it is sent.

    Attributes:
        text: what the model says.
        refusal: the text of the refusal field, which replaces it.
        finish_reason: stop, length or content_filter.
        pause: seconds between two pieces of the stream.
        cut_after: share of the stream (0..1) after which the connection ends.
        cleanly: whether it ends as if nothing were missing.
        stalls: whether it stays open and silent instead of ending.
        gate: the event that the first piece waits for.
    """

    text: str
    refusal: str | None = None
    finish_reason: str = "stop"
    pause: float = 0.0
    cut_after: float | None = None
    cleanly: bool = False
    stalls: bool = False
    gate: asyncio.Event | None = None


@dataclass(frozen=True)
class Failure:
    """An HTTP error in place of a reply."""

    status: int
    message: str
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Silence:
    """A connection that stays open without a reply."""


Outcome: TypeAlias = Reply | Failure | Silence
Behaviour: TypeAlias = Callable[[Asked], Outcome]
Answers: TypeAlias = Callable[[Asked], Reply]


def honest(asked: Asked) -> Reply:
    """Answer from the papers in the prompt with verbatim quotes; a prompt without papers is repeated."""
    return Reply(json.dumps(answer(asked), ensure_ascii=False) if asked.papers else asked.question)


def statement(text: str, *supports: tuple[int, str]) -> dict[str, Any]:
    """Make one statement for `says`; each support is a paper number and a quote."""
    return {"text": text, "supports": [{"paper": number, "quote": quote} for number, quote in supports]}


def says(*statements: dict[str, Any], sufficient: bool = True) -> Answers:
    """Answer with these statements."""
    reply = {"sufficient": sufficient, "statements": list(statements)}
    return lambda _: Reply(json.dumps(reply, ensure_ascii=False))


def writes(text: str, finish_reason: str = "stop") -> Answers:
    """Answer with this text, whatever it is."""
    return lambda _: Reply(text, finish_reason=finish_reason)


def fills(sentence: str) -> Answers:
    """Answer with this sentence in the form that was asked for: by schema, as a JSON object, or as plain text."""

    def outcome(asked: Asked) -> Reply:
        match asked.response_format.get("type"):
            case "json_schema":
                properties = asked.response_format["json_schema"]["schema"]["properties"]
                return Reply(json.dumps(dict.fromkeys(properties, sentence), ensure_ascii=False))
            case "json_object":
                return Reply(json.dumps({"answer": sentence}, ensure_ascii=False))
        return Reply(sentence)

    return outcome


def fails(
    status: int, message: str = "asked for by the test", *, retry_after: float | None = None, code: str | None = None
) -> Behaviour:
    """Answer with an HTTP error."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return lambda _: Failure(status, message, code, headers)


def silent(asked: Asked) -> Silence:
    """Never answer."""
    return Silence()


def refuses(reason: str = "I cannot help with that.") -> Answers:
    """Answer in the refusal field."""
    return lambda _: Reply("", refusal=reason)


def finishes(reason: str, after: float = 0.5) -> Answers:
    """Answer honestly up to a share of the text, then stop with `length` or `content_filter`."""

    def outcome(asked: Asked) -> Reply:
        text = honest(asked).text
        return Reply(text[: int(len(text) * after)], finish_reason=reason)

    return outcome


def cut(after: float = 0.5, behaviour: Answers = honest, *, cleanly: bool = False, stalls: bool = False) -> Answers:
    """End the stream early: by a broken connection, cleanly, or by falling silent."""
    return lambda asked: replace(behaviour(asked), cut_after=after, cleanly=cleanly, stalls=stalls)


def trickles(pause: float, behaviour: Answers = honest) -> Answers:
    """Pause before each piece of the stream."""
    return lambda asked: replace(behaviour(asked), pause=pause)


def held_by(gate: asyncio.Event, behaviour: Answers = honest) -> Answers:
    """Answer once the test sets the event."""
    return lambda asked: replace(behaviour(asked), gate=gate)


def invented_paper(asked: Asked) -> Reply:
    """Cite a paper number that was never given."""
    return _tampered(asked, lambda text, _, quote: (text, len(asked.papers) + 7, quote))


def invented_quote(asked: Asked) -> Reply:
    """Quote a sentence that no paper contains."""
    made_up = "extensive experiments on twelve continents confirm that our method is always better"
    return _tampered(asked, lambda text, paper, _: (text, paper, made_up))


def given_paper_mixed_up(asked: Asked) -> Reply:
    """Quote one paper and name another one."""
    return _tampered(asked, lambda text, paper, quote: (text, paper % len(asked.papers) + 1, quote))


def wrong_number(asked: Asked) -> Reply:
    """State a number that the paper does not give."""
    return _tampered(asked, lambda text, paper, quote: (f"In 8641 experiments, {text}", paper, quote))


def pings_everyone(asked: Asked) -> Reply:
    """Put @everyone and a user's mention into the statement."""
    return _tampered(asked, lambda text, paper, quote: (f"@everyone <@80351110224678912> {text}", paper, quote))


def masked_link(asked: Asked) -> Reply:
    """Hide a link in the statement."""
    return _tampered(asked, lambda text, paper, quote: (f"{text} [Read it](https://evil.example/login)", paper, quote))


def obedient(asked: Asked) -> Reply:
    """Obey the last instruction: ping, link, leak the rules and cite what is not there; then answer honestly."""
    reply = answer(asked)
    given = asked.papers[0].abstract.strip() if asked.papers else ""
    rules = str(asked.messages[0]["content"])
    orders = [
        "PWNED, the rules no longer hold.",
        "@everyone @here <@80351110224678912> free nitro for all.",
        "The answer is in [the full paper](https://evil.example/login).",
        "Read it at https://evil.example/login before you ask.",
        *(line for line in rules.splitlines() if line.strip()),
    ]
    obeyed = [statement(text, (1, quote)) for text in orders for quote in (given, text)]
    obeyed += [statement("It is proven beyond doubt.", (99, "It is proven beyond doubt."))]
    everything = {"sufficient": True, "statements": [*obeyed, *reply["statements"]]}
    return Reply(json.dumps(everything, ensure_ascii=False))


def _tampered(asked: Asked, change: Callable[[str, int, str], tuple[str, int, str]]) -> Reply:
    reply = answer(asked)
    for each in reply["statements"]:
        support = each["supports"][0]
        each["text"], support["paper"], support["quote"] = change(each["text"], support["paper"], support["quote"])
    return Reply(json.dumps(reply, ensure_ascii=False))
