"""Serve chat completions, embeddings and models over a real socket, as OpenAI-compatible servers do."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from .behaviours import Behaviour, Failure, Reply, Silence, honest
from .reading import Asked
from .vectors import embed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
_PIECE = 12  # characters per streamed piece
_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}


@dataclass(frozen=True)
class Request:
    """A request as it came; the headers are left out of the repr, as they contain the key."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(repr=False)

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def prompt(self) -> str:
        return "\n".join(message["content"] for message in self.body.get("messages", []))


class LocalLLM:
    """An OpenAI-compatible server on 127.0.0.1.

    It answers honestly unless `next` has planned otherwise. With `key` it demands that key; with `models` it knows no
    others; `rejects` has request fields that it does not know, like an older server. `tells` has its replies at further
    paths, and `lists` what its list of models says about each one besides the name.
    """

    def __init__(
        self,
        *,
        key: str | None = None,
        models: Iterable[str] = (),
        rejects: Iterable[str] = (),
        tells: Mapping[str, Any] | None = None,
        lists: Mapping[str, Any] | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.base_url = ""
        self._key = key
        self._models = tuple(models)
        self._rejects = tuple(rejects)
        self._tells = tells or {}
        self._lists = lists or {}
        self._pending: dict[str, deque[Behaviour]] = {CHAT: deque(), EMBEDDINGS: deque()}
        self._arrived = asyncio.Condition()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**26)
        app.router.add_post(CHAT, self._chat)
        app.router.add_post(EMBEDDINGS, self._embeddings)
        app.router.add_get("/v1/models", self._list_models)
        for path in self._tells:
            app.router.add_route("*", path, self._tell)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.base_url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        assert self._runner
        await self._runner.cleanup()

    def next(self, *behaviours: Behaviour, times: int = 1, on: str = CHAT) -> None:
        """Plan how the next calls of a route are answered, one behaviour per call; after that it is honest again."""
        self._pending[on].extend(behaviour for _ in range(times) for behaviour in behaviours)

    @property
    def chats(self) -> list[Request]:
        """The chat requests so far."""
        return [request for request in self.requests if request.path == CHAT]

    async def asked(self, times: int) -> None:
        """Wait until this many chat requests have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.chats) >= times)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body, failure = await self._admit(request)
        if failure:
            return failure
        outcome = self._take(CHAT)(Asked.from_messages(body["messages"], body.get("response_format")))
        if isinstance(outcome, Failure):
            return _failed(outcome)
        if isinstance(outcome, Silence):
            await self._closing.wait()
            return web.Response(status=503)
        if outcome.gate:
            await outcome.gate.wait()
        if body.get("stream"):
            return await self._stream(request, body, outcome)
        return web.json_response(_completion(body, outcome))

    async def _stream(self, request: web.Request, body: dict[str, Any], reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        chunks = list(_chunks(body, reply))
        end = len(chunks) if reply.cut_after is None else int(len(chunks) * reply.cut_after)
        try:
            for chunk in chunks[:end]:
                await asyncio.sleep(reply.pause)
                await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            if reply.stalls:
                await self._closing.wait()
            elif reply.cut_after is None:
                await response.write(b"data: [DONE]\n\n")
            elif not reply.cleanly:
                assert request.transport
                request.transport.close()
        except ConnectionResetError:  # the client has hung up
            pass
        return response

    async def _embeddings(self, request: web.Request) -> web.Response:
        body, failure = await self._admit(request)
        if failure:
            return failure
        if self._pending[EMBEDDINGS]:
            outcome = self._take(EMBEDDINGS)(Asked([], "", ()))
            if isinstance(outcome, Failure):
                return _failed(outcome)
            if isinstance(outcome, Silence):
                await self._closing.wait()
        given = body["input"]
        texts = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
        if not texts or any(text in ("", []) for text in texts):
            return _failed(Failure(400, "'$.input' is invalid: an input may not be empty."))
        dimensions = body.get("dimensions") or _DIMENSIONS.get(body["model"], 384)
        as_text = body.get("encoding_format") == "base64"
        data = []
        for index, text in enumerate(texts):
            vector = embed(str(text), dimensions)
            value = base64.b64encode(vector.tobytes()).decode() if as_text else vector.tolist()
            data.append({"object": "embedding", "index": index, "embedding": value})
        tokens = sum(_tokens(str(text)) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "data": data, "model": body["model"], "usage": usage})

    async def _list_models(self, request: web.Request) -> web.Response:
        _, failure = await self._admit(request)
        models = self._models or ("local-model",)
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "local"} | dict(self._lists) for name in models
        ]
        return failure or web.json_response({"object": "list", "data": data})

    async def _tell(self, request: web.Request) -> web.Response:
        _, failure = await self._admit(request)
        return failure or web.json_response(self._tells[request.path])

    async def _admit(self, request: web.Request) -> tuple[dict[str, Any], web.Response | None]:
        """Record a request; returns its body, and the error that it gets, if any."""
        body = await request.json() if request.can_read_body else {}
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = Request(request.path, body, headers)
        async with self._arrived:
            self.requests.append(record)
            self._arrived.notify_all()
        if self._key is not None and record.key != self._key:
            return body, _failed(Failure(401, "Incorrect API key provided.", "invalid_api_key"))
        if self._models and body.get("model", self._models[0]) not in self._models:
            return body, _failed(Failure(404, f"The model `{body['model']}` does not exist.", "model_not_found"))
        for name in self._rejects:
            if name in body:
                return body, _failed(Failure(400, f"Unrecognized request argument supplied: {name}"))
        return body, None

    def _take(self, route: str) -> Behaviour:
        pending = self._pending[route]
        return pending.popleft() if pending else honest


def _failed(failure: Failure) -> web.Response:
    error = {"message": failure.message, "type": "error", "param": None, "code": failure.code}
    return web.json_response({"error": error}, status=failure.status, headers=failure.headers)


def _completion(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
    return _envelope(body, "chat.completion") | {"choices": [choice], "usage": _usage(body, reply)}


def _chunks(body: dict[str, Any], reply: Reply) -> Iterator[dict[str, Any]]:
    envelope = _envelope(body, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return envelope | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for start in range(0, len(reply.text), _PIECE):
        yield chunk({"content": reply.text[start : start + _PIECE]})
    if reply.refusal:
        yield chunk({"refusal": reply.refusal})
    yield chunk({}, reply.finish_reason)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield envelope | {"choices": [], "usage": _usage(body, reply)}


def _envelope(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-local", "object": kind, "created": int(time.time()), "model": body["model"]}


def _usage(body: dict[str, Any], reply: Reply) -> dict[str, int]:
    prompt = sum(_tokens(message["content"]) for message in body["messages"])
    completion = _tokens(reply.text)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _tokens(text: str) -> int:
    return len(text) // 4 + 1
