"""Servers whose replies end too early or cannot be read at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from .scripts import (
    HTML,
    THOUGHTS,
    Case,
    after_two,
    always,
    chunk,
    error,
    events,
    openai_error,
    reply,
    sends,
    whole,
    with_each,
    with_paper,
    writes,
)
from .wild import BREAK, HANG, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .wild import Part

_MISSING = "the rest of its answer is missing"

_NOT_PASSED = "What the language model wrote did not pass the checks"


def _pings() -> Iterator[Part]:
    for _ in range(200):
        yield b": ping\n\n"
        yield 0.05


def _empty_chunks() -> Iterator[Part]:
    for _ in range(200):
        yield b"data: {}\n\n"
        yield 0.05


def _thinks() -> Iterator[Part]:
    for _ in range(200):
        yield events([chunk({"reasoning_content": "hm "})], done=False)
        yield 0.05


PARTS: Final = [
    Case("broken after two", after_two(0.05, BREAK), "some", f"cut the answer off; {_MISSING}", 2),
    Case("ended after two", after_two(), "some", f"cut the answer off; {_MISSING}", 2),
    Case("ended well after two", after_two(done=True), "some", f"cut the answer off; {_MISSING}", 2),
    Case("silent after two", after_two(HANG), "some", f"said nothing for 0.6 s; {_MISSING}", 2),
    Case(
        "length after two", after_two(finish_reason="length", done=True), "some", f"cut the answer off; {_MISSING}", 2
    ),
    Case(
        "filtered after two", after_two(finish_reason="content_filter", done=True), "some", f"filtered.*{_MISSING}", 2
    ),
    Case(
        "an error after two",
        after_two(events([{"error": {"code": 500, "message": "CUDA out of memory"}}])),
        "some",
        f"cut the answer off; {_MISSING}",
        2,
    ),
    Case(
        "a loop after two",
        writes(lambda c: '{"sufficient": true, "statements": [' + ", ".join(map(json.dumps, c.statements[:2])) * 40),
        "some",
        f"began to repeat itself; {_MISSING}",
        2,
    ),
    Case(
        "a word again and again after two",
        lambda c: Sent((*after_two()(c).parts, events([chunk({"content": "very " * 5000})], done=False))),
        "some",
        f"cut the answer off; {_MISSING}",
        2,
    ),
]


PAPERS: Final = [
    Case("away", always(Sent((BREAK,))), "papers", "cannot be reached"),
    Case("silent", always(Sent((HANG,))), "papers", "said nothing for 1.8 s"),
    Case("silent after the headers", always(Sent((b": hello\n\n", HANG))), "papers", "said nothing for 1.8 s"),
    Case(
        "silent after the role",
        always(Sent((events([chunk({"role": "assistant", "content": ""})], done=False), HANG))),
        "papers",
        "said nothing for 1.8 s",
    ),
    Case("nothing but pings", lambda _: Sent(tuple(_pings())), "papers", "said nothing for 1.8 s"),
    Case("nothing but empty chunks", lambda _: Sent(tuple(_empty_chunks())), "papers", "said nothing for 1.8 s"),
    Case("nothing but thoughts", lambda _: Sent(tuple(_thinks())), "papers", "took longer than 6 s"),
    Case(
        "wrong key",
        always(error(401, openai_error("Incorrect API key provided: secret-key."))),
        "papers",
        r"key \(401\)",
    ),
    Case("forbidden", always(error(403, HTML)), "papers", r"key \(403\)"),
    Case(
        "no credit", always(error(402, {"error": {"message": "Insufficient credits", "code": 402}})), "papers", "credit"
    ),
    Case(
        "unknown model",
        always(error(404, openai_error("The model `test-model` does not exist"))),
        "papers",
        "not known",
    ),
    Case("Ollama: unknown model", always(error(404, {"error": 'model "x" not found'})), "papers", "not known"),
    Case("no such place", always(error(404, "404 page not found")), "papers", "not known"),
    Case("no quota", always(error(429, openai_error("", code="insufficient_quota"))), "papers", "is out of credit"),
    Case(
        "busy for an hour",
        always(error(429, openai_error("slow down"), **{"Retry-After": "3600"})),
        "papers",
        r"is taking no more requests \(429\)",
    ),
    Case(
        "busy till a date", always(error(429, "", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})), "papers", "429"
    ),
    Case("always broken", always(error(500, "Internal Server Error")), "papers", "is out of order"),
    Case(
        "always broken in JSON", always(error(500, {"error": {"message": "CUDA error"}})), "papers", "is out of order"
    ),
    Case("always a gateway's page", always(error(503, HTML)), "papers", "is out of order"),
    Case("timed out by a gateway", always(error(504, "")), "papers", "is out of order"),
    Case("refused whatever is asked", always(error(400, {"error": "no"})), "papers", r"refused the request \(400\)"),
    Case("a method not allowed", always(error(405, "")), "papers", "refused the request"),
    Case("a request too large", always(error(413, "")), "papers", "refused the request"),
    Case("a web page", always(Sent((HTML.encode(),), content_type="text/html")), "papers", "no usable answer"),
    Case("an empty body", always(Sent(())), "papers", "no usable answer"),
    Case("[DONE] alone", always(Sent((b"data: [DONE]\n\n",))), "papers", "no usable answer"),
    Case("random bytes", always(Sent((bytes(range(256)) * 20,))), "papers", "no usable answer"),
    Case("a redirect for ever", always(Sent((), 302, headers={"Location": "."})), "papers", "language model"),
    Case("an error for every first chunk", always(Sent((events([{"error": "boom"}]),))), "papers", "is out of order"),
    Case("an error that ends it", sends(lambda _: [chunk({}, "error")]), "papers", "is out of order"),
    Case("prose alone", writes(lambda _: "I think that likelihood is not everything."), "papers", "no usable answer"),
    Case("nothing", writes(lambda _: ""), "papers", "no usable answer"),
    Case("blanks", writes(lambda _: " \n" * 50), "papers", "no usable answer"),
    Case("another form", writes(lambda _: '{"answer": "42"}'), "papers", "no usable answer"),
    Case("no statements", writes(lambda _: '{"sufficient": true, "statements": []}'), "papers", "no usable answer"),
    Case(
        "no tool arguments", reply(lambda _: whole(None, tool_calls=[{"function": {}}])), "papers", "no usable answer"
    ),
    Case("no message", reply(lambda _: {"choices": [{"message": None, "finish_reason": "stop"}]}), "papers", "usable"),
    Case("brackets without end", writes(lambda _: '{"a":' * 3000), "papers", "no usable answer"),
    Case(
        "words without end",
        writes(lambda _: '{"sufficient": true, "statements": [{"text": "' + "x " * 15_000, size=500),
        "papers",
        "cut the answer off",
    ),
    Case("cut at once", writes(lambda _: '{"sufficient": tr', finish_reason="length"), "papers", "cut the answer off"),
    Case("a refusal", sends(lambda _: [chunk({"refusal": "I can't help."}), chunk({}, "stop")]), "papers", "declined"),
    Case("a whole refusal", reply(lambda _: whole(None, refusal="I can't help with that.")), "papers", "declined"),
    Case("filtered", writes(lambda _: "", finish_reason="content_filter"), "papers", "filtered the answer"),
    Case(
        "Azure: filtered prompt",
        always(error(400, openai_error("The response was filtered due to the prompt", code="content_filter"))),
        "papers",
        r"refused the request \(400\)",
    ),
    Case("not sufficient", writes(lambda _: '{"sufficient": false, "statements": []}'), "papers", "found no answer"),
    Case("not sufficient, alone", writes(lambda _: '{"sufficient": false}'), "papers", "found no answer"),
    Case(
        "not sufficient after thoughts",
        writes(lambda _: f"<think>{THOUGHTS}</think>" + '{"sufficient": false}'),
        "papers",
        "found no answer",
    ),
    Case(
        "invented quotes",
        writes(with_each(supports=lambda _: [{"paper": 1, "quote": "we prove the opposite of all"}])),
        "papers",
        _NOT_PASSED,
    ),
    Case("invented papers", writes(with_paper(99)), "papers", _NOT_PASSED),
    Case("no paper", writes(with_paper("the first")), "papers", "no usable answer"),
    Case("no supports", writes(with_each(supports=lambda _: [])), "papers", _NOT_PASSED),
    Case(
        "a loop of rubbish",
        writes(lambda _: '{"sufficient": true, "statements": [' + '{"text": "It is so.", "supports": []}, ' * 90),
        "papers",
        "began to repeat itself",
    ),
]
