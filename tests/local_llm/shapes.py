"""Replies that can be read, in all the shapes in which servers and models send them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from .scripts import (
    THOUGHTS,
    Case,
    as_object,
    between,
    chunk,
    cut_up,
    each_piece,
    events,
    reply,
    sends,
    spoken,
    stream,
    well,
    whole,
    with_each,
    with_paper,
    writes,
)
from .wild import BREAK, HANG, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .wild import Part


def _numbers_apart(text: str) -> list[Any]:
    return [int(each) if each.isdigit() and each.isascii() else each for each in text]


_HARMONY = "<|channel|>analysis<|message|>" + THOUGHTS + "<|end|><|start|>assistant"
_SAFE = {"hate": {"filtered": False, "severity": "safe"}}
_FILTER = {"index": 0, "finish_reason": None, "content_filter_results": _SAFE, "content_filter_offsets": {}}


def _blanks() -> Iterator[Part]:
    for _ in range(60):
        yield events([chunk({"content": "\n  "})], done=False)
        yield 0.05


def _smart(text: str) -> str:
    """Curl the quotes of some JSON, as a word processor would."""
    marks = iter(range(text.count('"')))
    return "".join(("”" if next(marks) % 2 else "“") if each == '"' else each for each in text)


SHAPES: Final = [
    Case("plain", well),
    Case("one chunk", writes(lambda c: c.good, size=100_000)),
    Case("one character a chunk", writes(lambda c: c.good, size=1)),
    Case("content as text parts", each_piece(lambda p: {"content": [{"type": "text", "text": p}]})),
    Case("content as parts with a value", each_piece(lambda p: {"content": [{"type": "text", "text": {"value": p}}]})),
    Case("content as strings", each_piece(lambda p: {"content": [p]})),
    Case(
        "Magistral's thinking parts",
        sends(
            lambda c: [
                chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHTS}]}]}),
                *spoken(c.good),
            ]
        ),
    ),
    Case(
        "digits as numbers",
        sends(lambda c: [*(chunk({"content": p}) for p in _numbers_apart(c.good)), chunk({}, "stop")]),
    ),
    Case("content as an object", reply(lambda c: whole(None) | {"choices": [{"message": {"content": as_object(c)}}]})),
    Case("null in between", between(chunk({"content": None}))),
    Case("chunks without choices", between({"id": "c", "object": "chat.completion.chunk"})),
    Case("Azure's first chunk", between({"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})),
    Case("choices null", between({"id": "c", "choices": None})),
    Case("Azure's filter without delta", between({"id": "", "choices": [_FILTER], "usage": None})),
    Case("delta null", between({"id": "", "choices": [{"index": 0, "delta": None, "finish_reason": None}]})),
    Case("empty objects", between({})),
    Case("choice no object", between({"choices": ["?"]})),
    Case("usage null", between({"choices": [], "usage": None})),
    Case("usage empty", between({"choices": [], "usage": {}})),
    Case("usage of strings", between({"choices": [], "usage": {"prompt_tokens": "9", "completion_tokens": "9"}})),
    Case("usage of nulls", between({"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": None}})),
    Case("usage a number", between({"choices": [], "usage": 7})),
    Case("Groq's usage", between({"choices": [], "x_groq": {"usage": {"prompt_tokens": 9, "completion_tokens": 9}}})),
    Case("role again and again", between(chunk({"role": "assistant", "content": ""}))),
    Case("refusal null", between(chunk({"content": "", "refusal": None, "tool_calls": None, "function_call": None}))),
    Case("no usage, no end", sends(lambda c: [chunk({"content": each}) for each in cut_up(c.good)])),
    Case("TGI's end", writes(lambda c: c.good, finish_reason="eos_token")),
    Case("no finish reason", writes(lambda c: c.good, finish_reason=None)),
    Case("no blank after data", sends(lambda c: spoken(c.good), before="data:")),
    Case("CRLF", sends(lambda c: spoken(c.good), end="\r\n\r\n")),
    Case("no blank lines", sends(lambda c: spoken(c.good), end="\n")),
    Case("events named", sends(lambda c: spoken(c.good), before="event: message\nid: 7\nretry: 1000\ndata: ")),
    Case("pings", sends(lambda c: spoken(c.good), before=": ping - 2026-01-01\n\ndata: ")),
    Case("OpenRouter's comments", sends(lambda c: spoken(c.good), before=": OPENROUTER PROCESSING\n\ndata: ")),
    Case("data that is no JSON", sends(lambda c: spoken(c.good), before="data: ping\n\ndata: ")),
    Case("lines of JSON", sends(lambda c: spoken(c.good), before="", end="\n", done=False)),
    Case("another content type", lambda c: Sent((events(spoken(c.good)),), content_type="application/octet-stream")),
    Case("in bytes", lambda c: Sent(tuple(bytes([each]) for each in events(spoken(c.good, 200))))),
    Case("whole", reply(lambda c: whole(c.good))),
    Case("whole and indented", reply(lambda c: whole(c.good), indent=2)),
    Case("whole as text", reply(lambda c: whole(c.good), content_type="text/plain")),
    Case("whole in an event", sends(lambda c: [whole(c.good)])),
    Case("whole without usage", reply(lambda c: {"choices": whole(c.good)["choices"]})),
    Case("whole in a list", reply(lambda c: [whole(c.good)])),
    Case(
        "message for delta",
        sends(lambda c: [{"choices": [{"message": {"content": p}}]} for p in cut_up(c.good)]),
    ),
    Case("text for delta", sends(lambda c: [{"choices": [{"text": p}]} for p in cut_up(c.good)])),
    Case(
        "tool arguments",
        each_piece(lambda p: {"tool_calls": [{"index": 0, "function": {"arguments": p}}]}),
    ),
    Case(
        "tool arguments whole",
        reply(lambda c: whole(None, "tool_calls", tool_calls=[{"function": {"name": "x", "arguments": c.good}}])),
    ),
    Case(
        "tool arguments as an object",
        reply(lambda c: whole(None, "tool_calls", tool_calls=[{"function": {"arguments": as_object(c)}}])),
    ),
    Case("function call", each_piece(lambda p: {"function_call": {"arguments": p}})),
    Case("reasoning_content", sends(lambda c: [chunk({"reasoning_content": THOUGHTS}), *spoken(c.good)])),
    Case("reasoning", sends(lambda c: [chunk({"reasoning": THOUGHTS, "content": ""}), *spoken(c.good)])),
    Case("all of it in reasoning_content", each_piece(lambda p: {"content": None, "reasoning_content": p})),
    Case("<think>", writes(lambda c: f"<think>{THOUGHTS}</think>\n\n{c.good}")),
    Case("<think> in pieces", writes(lambda c: f"<think>\n{THOUGHTS}\n</think>{c.good}", size=3)),
    Case("<think> empty", writes(lambda c: f"<think>\n\n</think>\n\n{c.good}")),
    Case("<thinking>", writes(lambda c: f"<thinking>{THOUGHTS}</thinking>{c.good}")),
    Case("◁think▷", writes(lambda c: f"◁think▷{THOUGHTS}◁/think▷{c.good}")),
    Case("[THINK]", writes(lambda c: f"[THINK]{THOUGHTS}[/THINK]{c.good}")),
    Case("<reasoning>", writes(lambda c: f"<reasoning>{THOUGHTS}</reasoning>{c.good}")),
    Case("</think> without its beginning", writes(lambda c: f"{THOUGHTS}\n</think>\n{c.good}")),
    Case("<think> without its end", writes(lambda c: f"<think>{THOUGHTS}\n{c.good}")),
    Case("harmony", writes(lambda c: f"{_HARMONY}<|channel|>final<|message|>{c.good}<|return|>")),
    Case("harmony in pieces", writes(lambda c: f"{_HARMONY}<|channel|>final<|message|>{c.good}<|return|>", size=2)),
    Case(
        "harmony with a constraint",
        writes(lambda c: f"{_HARMONY}<|channel|>final <|constrain|>json<|message|>{c.good}"),
    ),
    Case("harmony without its marks", writes(lambda c: f"analysis{THOUGHTS}assistantfinal{c.good}")),
    Case("harmony, the end only", writes(lambda c: f"<|channel|>final<|message|>{c.good}")),
    Case("fence", writes(lambda c: f"```json\n{c.good}\n```")),
    Case("fence without a name", writes(lambda c: f"```\n{c.good}\n```\nI hope this helps!")),
    Case("fence in prose", writes(lambda c: f"Here is the answer you asked for:\n\n```json\n{c.good}\n```\nBye!")),
    Case("prose in front", writes(lambda c: f"Sure! It's here: {c.good}")),
    Case("prose behind", writes(lambda c: f"{c.good}\n\nLet me know {{if}} you need more.")),
    Case("BOM", writes(lambda c: f"\ufeff\n {c.good}")),
    Case("<|im_end|>", writes(lambda c: f"{c.good}<|im_end|>\n<|im_start|>user\n{{")),
    Case("</s>", writes(lambda c: f"{c.good}</s></s>")),
    Case("a list on top", writes(lambda c: json.dumps(c.statements))),
    Case("a list of the answer", writes(lambda c: f"[{c.good}]")),
    Case("supports as one object", writes(with_each(supports=lambda each: each["supports"][0]))),
    Case("no supports but a quote", writes(with_each(paper=lambda _: 1, quote=lambda e: e["supports"][0]["quote"]))),
    Case("Paper 1", writes(with_paper("Paper 1"))),
    Case("[1]", writes(with_paper("[1]"))),
    Case("1 as text", writes(with_paper("1"))),
    Case("1 in a list", writes(with_paper([1]))),
    Case("1.0", writes(with_paper(1.0))),
    Case("trailing commas", writes(lambda c: c.good.replace("}]", "},]").replace('"}', '",}'))),
    Case("smart quotes", writes(lambda c: _smart(c.good))),
    Case("JSON in a JSON string", writes(lambda c: json.dumps(c.good))),
    Case("wrapped", writes(lambda c: json.dumps({"answer": as_object(c)}))),
    Case("wrapped as text", writes(lambda c: json.dumps({"response": c.good}))),
    Case("as Python", writes(lambda c: repr(as_object(c)))),
    Case("line breaks in strings", writes(lambda c: c.good.replace('."', '.\n"'))),
    Case("indented", writes(lambda c: json.dumps(as_object(c), indent=4))),
    Case("no end of the brackets", writes(lambda c: c.good.removesuffix("}]}") + "}")),
    Case(
        "one statement not in a list",
        writes(lambda c: json.dumps(as_object(c) | {"statements": c.statements[0]})),
        statements=1,
    ),
    Case("only a statement", writes(lambda c: json.dumps(c.statements[0])), statements=1),
    Case("true as text", writes(lambda c: json.dumps(as_object(c) | {"sufficient": "true"}))),
    Case("sufficient missing", writes(lambda c: json.dumps({"statements": c.statements}))),
    Case("sufficient last", writes(lambda c: json.dumps({"statements": c.statements, "sufficient": True}))),
    Case("further keys", writes(lambda c: json.dumps({"thoughts": "{x", **as_object(c), "confidence": 0.9}))),
    Case("ASCII only", writes(lambda c: json.dumps(as_object(c)))),
    Case("comments", writes(lambda c: c.good.replace('"statements": [', '"statements": [ // the answer\n'))),
    Case("no comma between statements", writes(lambda c: c.good.replace("}, {", "} {"))),
    Case("keys without quotes", writes(lambda c: c.good.replace('"text":', "text:"))),
    Case(
        "a misshapen statement",
        writes(lambda c: json.dumps(as_object(c) | {"statements": [{"text": 7}, *c.statements]})),
    ),
    Case(
        "statements twice",
        writes(lambda c: json.dumps(as_object(c) | {"statements": c.statements[:2] * 2})),
        statements=2,
    ),
    Case("no [DONE]", writes(lambda c: c.good, done=False)),
    Case("open after the brace", lambda c: Sent((events(spoken(c.good, finish_reason=None)[:-1], done=False), HANG))),
    Case("open after [DONE]", lambda c: Sent((*stream(c.good).parts, HANG))),
    Case("open after the fence", lambda c: Sent((events(spoken(f"```\n{c.good}\n```")[:-1], done=False), HANG))),
    Case("broken after the brace", lambda c: Sent((events(spoken(c.good)[:-1], done=False), 0.1, BREAK))),
    Case("blanks for ever", lambda c: Sent((events(spoken(c.good)[:-1], done=False), *_blanks()))),
    Case("filter after the brace", sends(lambda c: [*spoken(c.good)[:-1], chunk({}, "content_filter")])),
    Case("length after the brace", writes(lambda c: c.good, finish_reason="length")),
    Case("error after the brace", sends(lambda c: [*spoken(c.good)[:-1], {"error": {"code": 500, "message": "bye"}}])),
]
