"""Script how a server behaves: what it writes, and how that is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .wild import Call, Sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wild import Part, Script

# "model": all of the model's statements, without a note. "some": its first ones, and a note that the rest is missing.
# "papers": the papers' own sentences, and a note.
Ends: TypeAlias = Literal["model", "some", "papers"]


@dataclass(frozen=True)
class Case:
    """A behaviour, how the answer ends, what its note says, and how many of the model's statements are shown."""

    name: str
    script: Script
    ends: Ends = "model"
    note: str = ""
    statements: int = 3


# --- how replies are sent


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
    """Reply as a good server does, streaming only if asked to."""
    if call.body.get("stream"):
        return stream(call.good)
    return Sent((json.dumps(whole(call.good)).encode(),), content_type="application/json")


def error(status: int, body: object, **headers: str) -> Sent:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if text.startswith("<") else "application/json"
    return Sent((text.encode(),), status, kind, headers)


# --- scripts made from texts and chunks


def writes(text: Callable[[Call], str], **options: Any) -> Script:
    return lambda call: stream(text(call), **options)


def sends(chunks: Callable[[Call], list[dict[str, Any]]], **options: Any) -> Script:
    return lambda call: Sent((events(chunks(call), **options),))


def each_piece(shape: Callable[[str], Any]) -> Script:
    """Stream a good reply, with a delta that `shape` makes from each piece."""
    return sends(
        lambda call: [*(chunk(shape(each)) for each in cut_up(call.good)), chunk({}, "stop")],
    )


def between(*extra: dict[str, Any]) -> Script:
    """Stream a good reply, with extra chunks before, between and after its own."""

    def chunks(call: Call) -> list[dict[str, Any]]:
        said = spoken(call.good)
        return [*extra, *(more for each in said for more in (each, *extra))]

    return sends(chunks)


def reply(body: Callable[[Call], object], content_type: str = "application/json", indent: int | None = None) -> Script:
    """Reply in one piece."""
    return lambda call: Sent((json.dumps(body(call), indent=indent).encode(),), content_type=content_type)


def refuses(unless: Callable[[Call], bool], status: int, body: object) -> Script:
    """Refuse requests with an error, except those that the server accepts."""
    return lambda call: well(call) if unless(call) else error(status, body)


def once(first: Sent) -> Script:
    """Send this to the first request, and a good reply to later ones."""
    return lambda call: first if call.number == 1 else well(call)


def always(sent: Sent) -> Script:
    return lambda _: sent


def after_two(*parts: Part, finish_reason: str | None = None, done: bool = False) -> Script:
    """Stream two statements and the beginning of a third, then these parts."""

    def script(call: Call) -> Sent:
        text = call.good
        third = text.index(json.dumps(call.statements[2]["text"], ensure_ascii=False))
        said = [chunk({"content": each}) for each in cut_up(text[: third + 12])]
        if finish_reason:
            said.append(chunk({}, finish_reason))
        return Sent((events(said, done=done), *parts))

    return script


def with_each(**changes: Any) -> Callable[[Call], str]:
    """Write the good reply with changed statements."""

    def text(call: Call) -> str:
        changed = [{**each, **{name: change(each) for name, change in changes.items()}} for each in call.statements]
        return json.dumps({"sufficient": True, "statements": changed})

    return text


def with_paper(written: object) -> Callable[[Call], str]:
    return with_each(supports=lambda each: [{**each["supports"][0], "paper": written}])


def as_object(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call.good)
    return found


THOUGHTS = 'Hmm, paper 1 or 2? Maybe {"sufficient": false, "statements": []}? No, paper 1 says it.'
HTML = "<!doctype html><html><body>It works!</body></html>"


def openai_error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}
