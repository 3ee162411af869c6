"""Servers that refuse a request, and answer it once it leaves something out, is shorter, or comes again.

The error messages are those of the named servers, as in their sources and bug reports.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from .scripts import (
    HTML,
    Case,
    chunk,
    error,
    events,
    once,
    openai_error,
    refuses,
    stream,
    well,
)
from .wild import BREAK, Call, Sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wild import Script


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
    """Refuse one option after another, as a home-made server might."""
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
            openai_error("Unsupported value: 'temperature' does not support 0 with this model.", param="temperature"),
        ),
    ),
    Case(
        "OpenAI: unknown parameter",
        refuses(_no_stream_options, 400, openai_error("Unknown parameter: 'stream_options'.")),
    ),
    Case(
        "OpenAI: no schema",
        refuses(
            _no_schema, 400, openai_error("Invalid parameter: 'response_format' of type 'json_schema' is not supported")
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
            openai_error("Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed"),
        ),
    ),
    Case(
        "Groq: json_validate_failed in the stream",
        lambda c: (
            well(c)
            if _no_shape(c)
            else Sent((events([openai_error("Failed to generate JSON.", code="json_validate_failed")]),))
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
    """Refuse prompts of more than this many tokens."""
    return lambda call: well(call) if call.prompt_tokens <= tokens else error(status, body(call, tokens))


def _ollama(call: Call) -> Sent:
    """Read only the end of a long prompt, which nothing but the usage shows."""
    if call.prompt_tokens <= 2048:
        return well(call)
    usage = {"prompt_tokens": 2048, "completion_tokens": 9, "total_tokens": 2057}
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
            lambda call, n: openai_error(
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

PASSING: Final = [
    Case("too many requests once", once(error(429, openai_error("slow down"), **{"Retry-After": "0.1"}))),
    Case("llama.cpp loads its model", once(error(503, {"error": {"code": 503, "message": "Loading model"}}))),
    Case("a gateway's page once", once(error(502, HTML))),
    Case("overloaded once", once(error(529, {"type": "error", "error": {"type": "overloaded_error"}}))),
    Case("a broken connection once", once(Sent((BREAK,)))),
    Case("broken after the headers once", once(Sent((b": hello\n\n", 0.05, BREAK)))),
    Case("an error for a first chunk once", once(Sent((events([{"error": {"code": 502, "message": "upstream"}}]),)))),
]
