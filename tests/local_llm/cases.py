"""How servers behave: those whose replies can be read or mended by asking again, and those whose cannot.

The shapes are those of the servers named: as their sources, documentation and bug reports show them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from .wild import BREAK, HANG, Call, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .wild import Part, Script

# model: all of the model's statements, no note. some: its first ones, and a note that the rest is missing.
# papers: the papers' own sentences and a note.
Ends: TypeAlias = Literal["model", "some", "papers"]


@dataclass(frozen=True)
class Case:
    """A behaviour, how the answer ends, what its note says, and how many statements of the model's are shown."""

    name: str
    script: Script
    ends: Ends = "model"
    note: str = ""
    statements: int = 3


# --- how replies are put on the wire


def chunk(delta: dict[str, Any] | None = None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish_reason}
    if delta is not None:
        choice["delta"] = delta
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def whole(text: str | None, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, **message}
    choice = {"index": 0, "message": said, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def events(chunks: list[dict[str, Any]], *, end: str = "\n\n", before: str = "data: ", done: bool = True) -> bytes:
    lines = [f"{before}{json.dumps(each, ensure_ascii=False)}{end}" for each in chunks]
    return "".join([*lines, f"{before}[DONE]{end}" if done else ""]).encode()


def cut_up(text: str, size: int = 17) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def spoken(text: str, size: int = 17, finish_reason: str | None = "stop") -> list[dict[str, Any]]:
    pieces = [chunk({"content": each}) for each in cut_up(text, size)]
    usage = {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990}
    return [chunk({"role": "assistant", "content": ""}), *pieces, chunk({}, finish_reason, usage=usage)]


def stream(text: str, *parts: Part, size: int = 17, finish_reason: str | None = "stop", done: bool = True) -> Sent:
    return Sent((events(spoken(text, size, finish_reason), done=done), *parts))


def well(call: Call) -> Sent:
    """Reply as a good server does, streamed only where that was asked for."""
    if call.body.get("stream"):
        return stream(call.good)
    return Sent((json.dumps(whole(call.good)).encode(),), content_type="application/json")


def error(status: int, body: object, **headers: str) -> Sent:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if text.startswith("<") else "application/json"
    return Sent((text.encode(),), status, kind, headers)


# --- scripts made of texts and of chunks


def writes(text: Callable[[Call], str], **options: Any) -> Script:
    return lambda call: stream(text(call), **options)


def sends(chunks: Callable[[Call], list[dict[str, Any]]], **options: Any) -> Script:
    return lambda call: Sent((events(chunks(call), **options),))


def each_piece(shape: Callable[[str], Any]) -> Script:
    """Stream a good reply whose delta is made of each piece."""
    return sends(
        lambda call: [*(chunk(shape(each)) for each in cut_up(call.good)), chunk({}, "stop")],
    )


def between(*extra: dict[str, Any]) -> Script:
    """Stream a good reply with further chunks in front, in between and at the end."""

    def chunks(call: Call) -> list[dict[str, Any]]:
        said = spoken(call.good)
        return [*extra, *(more for each in said for more in (each, *extra))]

    return sends(chunks)


def reply(body: Callable[[Call], object], content_type: str = "application/json", indent: int | None = None) -> Script:
    """Reply in one piece."""
    return lambda call: Sent((json.dumps(body(call), indent=indent).encode(),), content_type=content_type)


def refuses(unless: Callable[[Call], bool], status: int, body: object) -> Script:
    """Refuse the request with an error until it is as the server wants it."""
    return lambda call: well(call) if unless(call) else error(status, body)


def once(first: Sent) -> Script:
    """Reply so to the first request, and well to the next."""
    return lambda call: first if call.number == 1 else well(call)


def always(sent: Sent) -> Script:
    return lambda _: sent


def after_two(*parts: Part, finish_reason: str | None = None, done: bool = False) -> Script:
    """Stream two statements and the beginning of a third, and then this."""

    def script(call: Call) -> Sent:
        text = call.good
        third = text.index(json.dumps(call.statements[2]["text"], ensure_ascii=False))
        said = [chunk({"content": each}) for each in cut_up(text[: third + 12])]
        if finish_reason:
            said.append(chunk({}, finish_reason))
        return Sent((events(said, done=done), *parts))

    return script


def _with(**changes: Any) -> Callable[[Call], str]:
    """Return the good reply with its statements changed."""

    def text(call: Call) -> str:
        changed = [{**each, **{name: change(each) for name, change in changes.items()}} for each in call.statements]
        return json.dumps({"sufficient": True, "statements": changed})

    return text


def _paper(written: object) -> Callable[[Call], str]:
    return _with(supports=lambda each: [{**each["supports"][0], "paper": written}])


def _object(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call.good)
    return found


def _numbers_apart(text: str) -> list[Any]:
    return [int(each) if each.isdigit() and each.isascii() else each for each in text]


_THOUGHTS = 'Hmm, paper 1 or 2? Maybe {"sufficient": false, "statements": []}? No, paper 1 says it.'
_HARMONY = "<|channel|>analysis<|message|>" + _THOUGHTS + "<|end|><|start|>assistant"
_SAFE = {"hate": {"filtered": False, "severity": "safe"}}
_FILTER = {"index": 0, "finish_reason": None, "content_filter_results": _SAFE, "content_filter_offsets": {}}

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
                chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": _THOUGHTS}]}]}),
                *spoken(c.good),
            ]
        ),
    ),
    Case(
        "digits as numbers",
        sends(lambda c: [*(chunk({"content": p}) for p in _numbers_apart(c.good)), chunk({}, "stop")]),
    ),
    Case("content as an object", reply(lambda c: whole(None) | {"choices": [{"message": {"content": _object(c)}}]})),
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
        reply(lambda c: whole(None, "tool_calls", tool_calls=[{"function": {"arguments": _object(c)}}])),
    ),
    Case("function call", each_piece(lambda p: {"function_call": {"arguments": p}})),
    Case("reasoning_content", sends(lambda c: [chunk({"reasoning_content": _THOUGHTS}), *spoken(c.good)])),
    Case("reasoning", sends(lambda c: [chunk({"reasoning": _THOUGHTS, "content": ""}), *spoken(c.good)])),
    Case("all of it in reasoning_content", each_piece(lambda p: {"content": None, "reasoning_content": p})),
    Case("<think>", writes(lambda c: f"<think>{_THOUGHTS}</think>\n\n{c.good}")),
    Case("<think> in pieces", writes(lambda c: f"<think>\n{_THOUGHTS}\n</think>{c.good}", size=3)),
    Case("<think> empty", writes(lambda c: f"<think>\n\n</think>\n\n{c.good}")),
    Case("<thinking>", writes(lambda c: f"<thinking>{_THOUGHTS}</thinking>{c.good}")),
    Case("◁think▷", writes(lambda c: f"◁think▷{_THOUGHTS}◁/think▷{c.good}")),
    Case("[THINK]", writes(lambda c: f"[THINK]{_THOUGHTS}[/THINK]{c.good}")),
    Case("<reasoning>", writes(lambda c: f"<reasoning>{_THOUGHTS}</reasoning>{c.good}")),
    Case("</think> without its beginning", writes(lambda c: f"{_THOUGHTS}\n</think>\n{c.good}")),
    Case("<think> without its end", writes(lambda c: f"<think>{_THOUGHTS}\n{c.good}")),
    Case("harmony", writes(lambda c: f"{_HARMONY}<|channel|>final<|message|>{c.good}<|return|>")),
    Case("harmony in pieces", writes(lambda c: f"{_HARMONY}<|channel|>final<|message|>{c.good}<|return|>", size=2)),
    Case(
        "harmony with a constraint",
        writes(lambda c: f"{_HARMONY}<|channel|>final <|constrain|>json<|message|>{c.good}"),
    ),
    Case("harmony without its marks", writes(lambda c: f"analysis{_THOUGHTS}assistantfinal{c.good}")),
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
    Case("supports as one object", writes(_with(supports=lambda each: each["supports"][0]))),
    Case("no supports but a quote", writes(_with(paper=lambda _: 1, quote=lambda e: e["supports"][0]["quote"]))),
    Case("Paper 1", writes(_paper("Paper 1"))),
    Case("[1]", writes(_paper("[1]"))),
    Case("1 as text", writes(_paper("1"))),
    Case("1 in a list", writes(_paper([1]))),
    Case("1.0", writes(_paper(1.0))),
    Case("trailing commas", writes(lambda c: c.good.replace("}]", "},]").replace('"}', '",}'))),
    Case("smart quotes", writes(lambda c: _smart(c.good))),
    Case("JSON in a JSON string", writes(lambda c: json.dumps(c.good))),
    Case("wrapped", writes(lambda c: json.dumps({"answer": _object(c)}))),
    Case("wrapped as text", writes(lambda c: json.dumps({"response": c.good}))),
    Case("as Python", writes(lambda c: repr(_object(c)))),
    Case("line breaks in strings", writes(lambda c: c.good.replace('."', '.\n"'))),
    Case("indented", writes(lambda c: json.dumps(_object(c), indent=4))),
    Case("no end of the brackets", writes(lambda c: c.good.removesuffix("}]}") + "}")),
    Case(
        "one statement not in a list",
        writes(lambda c: json.dumps(_object(c) | {"statements": c.statements[0]})),
        statements=1,
    ),
    Case("only a statement", writes(lambda c: json.dumps(c.statements[0])), statements=1),
    Case("true as text", writes(lambda c: json.dumps(_object(c) | {"sufficient": "true"}))),
    Case("sufficient missing", writes(lambda c: json.dumps({"statements": c.statements}))),
    Case("sufficient last", writes(lambda c: json.dumps({"statements": c.statements, "sufficient": True}))),
    Case("further keys", writes(lambda c: json.dumps({"thoughts": "{x", **_object(c), "confidence": 0.9}))),
    Case("ASCII only", writes(lambda c: json.dumps(_object(c)))),
    Case("comments", writes(lambda c: c.good.replace('"statements": [', '"statements": [ // the answer\n'))),
    Case("no comma between statements", writes(lambda c: c.good.replace("}, {", "} {"))),
    Case("keys without quotes", writes(lambda c: c.good.replace('"text":', "text:"))),
    Case(
        "a misshapen statement", writes(lambda c: json.dumps(_object(c) | {"statements": [{"text": 7}, *c.statements]}))
    ),
    Case(
        "statements twice",
        writes(lambda c: json.dumps(_object(c) | {"statements": c.statements[:2] * 2})),
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


def _blanks() -> Iterator[Part]:
    for _ in range(60):
        yield events([chunk({"content": "\n  "})], done=False)
        yield 0.05


def _smart(text: str) -> str:
    """Return JSON whose quotes a word processor has had its way with."""
    marks = iter(range(text.count('"')))
    return "".join(("”" if next(marks) % 2 else "“") if each == '"' else each for each in text)


def _openai(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def _pydantic(name: str, value: object) -> list[dict[str, object]]:
    told = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": value}
    return [told]


def _gemini(message: str) -> list[dict[str, object]]:
    return [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]


def _jinja(said: str) -> dict[str, object]:
    place = "\n------------\nWhile executing CallExpression at line 1, column 78 in source:\n"
    return {"error": {"code": 500, "message": f"{place}Error: Jinja Exception: {said}", "type": "server_error"}}


def _lite(said: str) -> dict[str, object]:
    hint = "To drop these, set `litellm.drop_params=True`"
    return {"error": {"message": f"litellm.UnsupportedParamsError: {said} {hint}", "type": "None", "code": "500"}}


def _no_shape(call: Call) -> bool:
    return not call.shape


def _no_schema(call: Call) -> bool:
    return call.shape != "json_schema"


def _no_stream_options(call: Call) -> bool:
    return "stream_options" not in call.body


def _no_temperature(call: Call) -> bool:
    return "temperature" not in call.body


def _no_system(call: Call) -> bool:
    return "system" not in call.roles


def _no_stream(call: Call) -> bool:
    return not call.body.get("stream")


def _nothing_at_all(call: Call) -> Sent:
    """Refuse each option in its turn, as a server of one's own making may."""
    for name in ("stream_options", "temperature", "response_format", "stream"):
        if name in call.body:
            return error(400, {"error": f"unexpected field: {name}"})
    return well(call) if _no_system(call) else error(400, {"error": "role 'system' is not allowed"})


def _empty_with_schema(call: Call) -> Sent:
    return stream("") if call.shape else well(call)


def _choices_null(call: Call) -> Sent:
    body = {"id": "", "object": "", "created": 0, "model": "", "choices": None, "usage": {"prompt_tokens": 0}}
    return Sent((json.dumps(body).encode(),), content_type="application/json") if call.shape else well(call)


REFUSALS: Final = [
    Case(
        "OpenAI: temperature",
        refuses(
            _no_temperature,
            400,
            _openai("Unsupported value: 'temperature' does not support 0 with this model.", param="temperature"),
        ),
    ),
    Case(
        "OpenAI: unknown parameter", refuses(_no_stream_options, 400, _openai("Unknown parameter: 'stream_options'."))
    ),
    Case(
        "OpenAI: no schema",
        refuses(
            _no_schema, 400, _openai("Invalid parameter: 'response_format' of type 'json_schema' is not supported")
        ),
    ),
    Case(
        "Mistral: stream_options",
        refuses(_no_stream_options, 422, {"object": "error", "message": {"detail": _pydantic("stream_options", {})}}),
    ),
    Case(
        "Mistral: response_format",
        refuses(_no_schema, 422, {"object": "error", "message": {"detail": _pydantic("response_format", {})}}),
    ),
    Case(
        "LM Studio: its bare string",
        refuses(_no_shape, 400, {"error": "'response_format.type' must be 'text'"}),
    ),
    Case(
        "LM Studio: no json_object either",
        refuses(_no_shape, 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}),
    ),
    Case(
        "Gemini: unknown name",
        refuses(
            _no_stream_options,
            400,
            _gemini('Invalid JSON payload received. Unknown name "stream_options": Cannot find field.'),
        ),
    ),
    Case(
        "Gemini: in no words",
        refuses(_no_shape, 400, _gemini("Request contains an invalid argument.")),
    ),
    Case(
        "Gemma at Gemini",
        refuses(_no_system, 400, _gemini("Developer instruction is not enabled for models/gemma-3-27b-it")),
    ),
    Case(
        "TGI: no value",
        refuses(
            _no_shape,
            422,
            "Failed to deserialize the JSON body into the target type: response_format: missing field `value`",
        ),
    ),
    Case(
        "TGI: template",
        refuses(
            _no_system,
            422,
            {"error": "Template error: syntax error: System role not supported (in <string>:1)", "error_type": "t"},
        ),
    ),
    Case(
        "DeepSeek: no schema",
        refuses(
            _no_schema,
            422,
            "Failed to deserialize the JSON body into the target type: response_format: response_format.type "
            "`json_schema` is unavailable now at line 32 column 1",
        ),
    ),
    Case(
        "vLLM: xgrammar",
        refuses(
            _no_schema,
            400,
            {
                "object": "error",
                "message": "The provided JSON schema contains features not supported by xgrammar.",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
        ),
    ),
    Case(
        "vLLM: guided decoding",
        refuses(
            _no_shape, 400, {"object": "error", "message": "Guided decoding is not supported with this", "code": 400}
        ),
    ),
    Case(
        "vLLM: system role",
        refuses(_no_system, 400, {"object": "error", "message": "System role not supported", "code": 400}),
    ),
    Case(
        "vLLM: alternate",
        refuses(
            _no_system,
            400,
            {"object": "error", "message": "Conversation roles must alternate user/assistant/user/assistant/..."},
        ),
    ),
    Case(
        "SGLang: a plain 500",
        refuses(_no_shape, 500, "Internal Server Error"),
    ),
    Case(
        "llama.cpp: grammar",
        refuses(
            _no_shape,
            400,
            {"error": {"code": 400, "message": "Failed to initialize samplers: failed to parse grammar", "type": "i"}},
        ),
    ),
    Case("llama.cpp: template", refuses(_no_system, 500, _jinja("System role not supported"))),
    Case("llama.cpp: alternate", refuses(_no_system, 500, _jinja("Conversation roles must alternate"))),
    Case(
        "llama-cpp-python",
        refuses(
            _no_schema,
            500,
            {"error": {"message": "response_format type must be one of text or json_object, but got: json_schema"}},
        ),
    ),
    Case(
        "Groq: json_validate_failed",
        refuses(
            _no_shape,
            400,
            _openai("Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed"),
        ),
    ),
    Case(
        "Groq: json_validate_failed in the stream",
        lambda c: (
            well(c)
            if _no_shape(c)
            else Sent((events([_openai("Failed to generate JSON.", code="json_validate_failed")]),))
        ),
    ),
    Case(
        "OpenRouter: endpoints",
        refuses(
            _no_shape,
            404,
            {"error": {"message": "No endpoints found that support the requested parameters.", "code": 404}},
        ),
    ),
    Case(
        "LiteLLM: response_format", refuses(_no_shape, 500, _lite("x does not support parameters: ['response_format']"))
    ),
    Case("LiteLLM: temperature", refuses(_no_temperature, 400, _lite("gpt-5 models don't support temperature=0."))),
    Case("no streams", refuses(_no_stream, 400, {"error": "streaming is not supported"})),
    Case("not implemented", refuses(_no_stream, 501, {"detail": "stream=true is not implemented"})),
    Case("not implemented, in no words", refuses(_no_stream, 501, "")),
    Case("unsupported media type", refuses(_no_shape, 415, "Unsupported Media Type")),
    Case("FastAPI's details", refuses(_no_temperature, 422, {"detail": _pydantic("temperature", 0)})),
    Case("an error for a reply", refuses(_no_shape, 200, {"error": {"message": "unknown field response_format"}})),
    Case(
        "vLLM's error in the stream", refuses(_no_shape, 200, {"object": "error", "message": "guided_json: no backend"})
    ),
    Case("everything, one by one", _nothing_at_all),
    Case("nothing to say with a schema", _empty_with_schema),
    Case("ModelScope: choices null with a schema", _choices_null),
]


def too_small(tokens: int, status: int, body: Callable[[Call, int], object]) -> Script:
    """Refuse prompts of more than so many tokens."""
    return lambda call: well(call) if call.prompt_tokens <= tokens else error(status, body(call, tokens))


def _ollama(call: Call) -> Sent:
    """Read the end of a long prompt only, and say so in the usage alone."""
    if call.prompt_tokens <= 1024:
        return well(call)
    usage = {"prompt_tokens": 1024, "completion_tokens": 9, "total_tokens": 1033}
    return Sent((events([chunk({"content": "What would you like to know?"}), chunk({}, "stop", usage=usage)]),))


CONTEXTS: Final = [
    Case(
        "llama.cpp: n_ctx",
        too_small(
            2048,
            400,
            lambda call, n: {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size, try increasing it",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": call.prompt_tokens,
                    "n_ctx": n,
                }
            },
        ),
    ),
    Case(
        "OpenAI: context_length_exceeded",
        too_small(
            1500,
            400,
            lambda call, n: _openai(
                f"This model's maximum context length is {n} tokens. However, your messages resulted in "
                f"{call.prompt_tokens} tokens. Please reduce the length of the messages.",
                code="context_length_exceeded",
            ),
        ),
    ),
    Case(
        "vLLM: maximum context length",
        too_small(
            1200,
            400,
            lambda call, n: {
                "object": "error",
                "message": f"This model's maximum context length is {n} tokens. However, you requested "
                f"{call.prompt_tokens} tokens in the messages, Please reduce the length of the messages.",
                "code": 400,
            },
        ),
    ),
    Case(
        "TGI: inputs",
        too_small(
            1300,
            422,
            lambda _, n: {
                "error": f"Input validation error: `inputs` must have less than {n} tokens. Given: {9 * n}",
                "error_type": "validation",
            },
        ),
    ),
    Case(
        "LM Studio: context length",
        too_small(
            1400,
            400,
            lambda _, n: {
                "error": f"Trying to keep the first {n + 900} tokens when context the overflows. However, the model is "
                f"loaded with context length of only {n} tokens, which is not enough."
            },
        ),
    ),
    Case(
        "llama-cpp-python: context window",
        too_small(1100, 500, lambda call, n: f"Requested tokens ({call.prompt_tokens}) exceed context window of {n}"),
    ),
    Case("in no numbers", too_small(1000, 400, lambda *_: {"error": "prompt is too long"})),
    Case("Ollama: cut without a word", _ollama),
]

_HTML = "<!doctype html><html><body>It works!</body></html>"

PASSING: Final = [
    Case("too many requests once", once(error(429, _openai("slow down"), **{"Retry-After": "0.1"}))),
    Case("llama.cpp loads its model", once(error(503, {"error": {"code": 503, "message": "Loading model"}}))),
    Case("a gateway's page once", once(error(502, _HTML))),
    Case("overloaded once", once(error(529, {"type": "error", "error": {"type": "overloaded_error"}}))),
    Case("a broken connection once", once(Sent((BREAK,)))),
    Case("broken after the headers once", once(Sent((b": hello\n\n", 0.05, BREAK)))),
    Case("an error for a first chunk once", once(Sent((events([{"error": {"code": 502, "message": "upstream"}}]),)))),
]

_MISSING = "the rest of its answer is missing"

PARTS: Final = [
    Case("broken after two", after_two(0.05, BREAK), "some", f"cut the answer off; {_MISSING}", 2),
    Case("ended after two", after_two(), "some", f"cut the answer off; {_MISSING}", 2),
    Case("ended well after two", after_two(done=True), "some", f"cut the answer off; {_MISSING}", 2),
    Case("silent after two", after_two(HANG), "some", f"said nothing for 1 s; {_MISSING}", 2),
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


_NOT_PASSED = "What the language model wrote did not pass the checks"

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
    Case("wrong key", always(error(401, _openai("Incorrect API key provided: secret-key."))), "papers", r"key \(401\)"),
    Case("forbidden", always(error(403, _HTML)), "papers", r"key \(403\)"),
    Case(
        "no credit", always(error(402, {"error": {"message": "Insufficient credits", "code": 402}})), "papers", "credit"
    ),
    Case("unknown model", always(error(404, _openai("The model `test-model` does not exist"))), "papers", "not known"),
    Case("Ollama: unknown model", always(error(404, {"error": 'model "x" not found'})), "papers", "not known"),
    Case("no such place", always(error(404, "404 page not found")), "papers", "not known"),
    Case("no quota", always(error(429, _openai("", code="insufficient_quota"))), "papers", "is out of credit"),
    Case(
        "busy for an hour",
        always(error(429, _openai("slow down"), **{"Retry-After": "3600"})),
        "papers",
        r"is out of requests \(429\)",
    ),
    Case(
        "busy till a date", always(error(429, "", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})), "papers", "429"
    ),
    Case("always broken", always(error(500, "Internal Server Error")), "papers", "is out of order"),
    Case(
        "always broken in JSON", always(error(500, {"error": {"message": "CUDA error"}})), "papers", "is out of order"
    ),
    Case("always a gateway's page", always(error(503, _HTML)), "papers", "is out of order"),
    Case("timed out by a gateway", always(error(504, "")), "papers", "is out of order"),
    Case("refused whatever is asked", always(error(400, {"error": "no"})), "papers", r"refused the request \(400\)"),
    Case("a method not allowed", always(error(405, "")), "papers", "refused the request"),
    Case("a request too large", always(error(413, "")), "papers", "refused the request"),
    Case("a web page", always(Sent((_HTML.encode(),), content_type="text/html")), "papers", "no usable answer"),
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
        always(error(400, _openai("The response was filtered due to the prompt", code="content_filter"))),
        "papers",
        r"refused the request \(400\)",
    ),
    Case("not sufficient", writes(lambda _: '{"sufficient": false, "statements": []}'), "papers", "found no answer"),
    Case("not sufficient, alone", writes(lambda _: '{"sufficient": false}'), "papers", "found no answer"),
    Case(
        "not sufficient after thoughts",
        writes(lambda _: f"<think>{_THOUGHTS}</think>" + '{"sufficient": false}'),
        "papers",
        "found no answer",
    ),
    Case(
        "invented quotes",
        writes(_with(supports=lambda _: [{"paper": 1, "quote": "we prove the opposite of all"}])),
        "papers",
        _NOT_PASSED,
    ),
    Case("invented papers", writes(_paper(99)), "papers", _NOT_PASSED),
    Case("no paper", writes(_paper("the first")), "papers", "no usable answer"),
    Case("no supports", writes(_with(supports=lambda _: [])), "papers", _NOT_PASSED),
    Case(
        "a loop of rubbish",
        writes(lambda _: '{"sufficient": true, "statements": [' + '{"text": "It is so.", "supports": []}, ' * 90),
        "papers",
        "began to repeat itself",
    ),
]

CASES: Final = [*SHAPES, *REFUSALS, *CONTEXTS, *PASSING, *PARTS, *PAPERS]
