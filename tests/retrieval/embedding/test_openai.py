"""The remote model, with a small server on a real socket: order, limits, and every way to fail."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embedding import openai
from retrieval.embedding.openai import OpenAIEmbedder
from retrieval.errors import EmbeddingError
from retrieval.text import tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEY = "sk-very-secret-key"


def vector(text: str, length: int) -> list[float]:
    """Draw a vector for a text, different for each text and far from normalised."""
    seed = np.random.default_rng(list(text.encode()) or [0])
    return [float(value) for value in 10 * seed.normal(size=length)]


class Server:
    """Answer like OpenAI's /v1/embeddings; tests replace `answer` to misbehave."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.native = 1536
        self.base64 = True
        self.refusals: list[web.Response] = []
        self.answer: Callable[[dict[str, Any]], Any] = self.embeddings
        self.silent = False
        self.closing = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization"))
        if self.silent:
            await self.closing.wait()
        if self.refusals:
            return self.refusals.pop(0)
        answer = self.answer(body)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    def embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        items = []
        for index, text in enumerate(body["input"]):
            values: object = vector(text, body.get("dimensions", self.native))
            if self.base64 and body.get("encoding_format") == "base64":
                values = base64.b64encode(np.array(values, "<f4").tobytes()).decode()
            items.append({"object": "embedding", "index": index, "embedding": values})
        return {"object": "list", "data": items[::-1], "model": body["model"], "usage": {}}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/embeddings", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    server.closing.set()
    await runner.cleanup()


@pytest.fixture(autouse=True)
def no_network(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tiktoken's download fail at once; requests to the local server need no proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    tokens._vocabulary.cache_clear()


async def connect(server: Server, **options: Any) -> OpenAIEmbedder:
    given: dict[str, Any] = {"api_key": KEY, "base_url": server.url, "max_retries": 0}
    return await OpenAIEmbedder.connect(**given | options)


def failure(status: int, **headers: str) -> web.Response:
    return web.json_response({"error": {"message": f"bad key {KEY}"}}, status=status, headers=headers)


@pytest.mark.parametrize("as_base64", [True, False])
async def test_rows_come_in_the_order_of_the_texts_and_normalised(server: Server, as_base64: bool) -> None:
    server.base64 = as_base64
    embedder = await connect(server)
    texts = ["one", "two", "three", "größer 🚀"]
    rows = await embedder.embed(texts)
    expected = np.array([vector(text, 1536) for text in texts])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert rows.dtype == np.float32
    assert np.allclose(rows, expected, atol=1e-6)
    assert server.requests[0]["model"] == "text-embedding-3-small"
    assert "dimensions" not in server.requests[0]  # servers that cannot shorten vectors refuse the field
    assert server.keys == [f"Bearer {KEY}"]
    await embedder.close()


async def test_no_texts_ask_nothing(server: Server) -> None:
    embedder = await connect(server)
    assert (await embedder.embed([])).shape == (0, 1536)
    assert server.requests == []
    await embedder.close()


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [
        ("text-embedding-3-small", 1536),
        ("text-embedding-3-large", 3072),
        ("openai/text-embedding-3-large", 3072),
    ],
)
async def test_known_models_need_no_first_question(server: Server, model: str, dimensions: int) -> None:
    embedder = await connect(server, model=model)
    assert (embedder.model, embedder.dimensions) == (model, dimensions)
    assert server.requests == []
    await embedder.close()


async def test_the_dimensions_of_an_unknown_model_are_learned(server: Server) -> None:
    server.native = 768
    embedder = await connect(server, model="nomic-embed-text", api_key=None)
    assert embedder.dimensions == 768
    assert (await embedder.embed(["x"])).shape == (1, 768)
    await embedder.close()


async def test_shortened_vectors_are_asked_for(server: Server) -> None:
    embedder = await connect(server, dimensions=256)
    assert (await embedder.embed(["x", "y"])).shape == (2, 256)
    assert [request["dimensions"] for request in server.requests] == [256]
    await embedder.close()


async def test_a_server_that_does_not_shorten_is_found_out(server: Server) -> None:
    server.answer = lambda body: server.embeddings(body | {"dimensions": 768})
    embedder = await connect(server, dimensions=256)
    with pytest.raises(EmbeddingError, match=r"768 numbers instead of 256; .*FOOTNOTE_EMBEDDING__DIMENSIONS"):
        await embedder.embed(["x"])
    await embedder.close()


async def test_many_and_long_texts_are_split_over_requests(server: Server) -> None:
    embedder = await connect(server, dimensions=4)
    texts = ["word " * 2000] * 40 + [f"text {number}" for number in range(2100)]
    rows = await embedder.embed(texts)
    assert rows.shape == (2140, 4)
    assert np.allclose(rows[[-1]], await embedder.embed(texts[-1:]), atol=1e-6)
    assert len(server.requests) == 4
    await embedder.close()


@given(st.lists(st.one_of(st.text(), st.text(min_size=3).map(lambda text: text * 4000)), max_size=60))
def test_requests_keep_the_limits_and_lose_no_text(texts: list[str]) -> None:
    batches = list(openai._batches(texts))
    assert sum(map(len, batches)) == len(texts)
    for batch in batches:
        sizes = [len(text.encode()) for text in batch]
        assert min(sizes) > 0
        assert max(sizes) <= 8191
        assert sum(sizes) <= 300_000
    flat = [text for batch in batches for text in batch]
    assert all((text.strip() or ".").startswith(sent) for text, sent in zip(texts, flat, strict=True))


async def test_a_busy_server_is_asked_again_after_the_time_it_names(server: Server) -> None:
    server.refusals = [failure(429, **{"Retry-After": "0.01"}), failure(503, **{"Retry-After": "0.01"})]
    embedder = await connect(server, max_retries=2)
    assert (await embedder.embed(["x"])).shape == (1, 1536)
    assert len(server.requests) == 3
    await embedder.close()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, r"refused the API key \(401\); check FOOTNOTE_EMBEDDING__API_KEY\."),
        (403, r"refused the API key \(403\)"),
        (404, r"no embedding model text-embedding-3-small .*FOOTNOTE_EMBEDDING__MODEL"),
        (400, r"refused to embed \(400\)"),
        (429, r"429: too many requests"),
        (500, r"failed to embed \(500\); try again later\."),
        (503, r"failed to embed \(503\)"),
    ],
)
async def test_a_refusal_is_one_sentence_without_the_key(server: Server, status: int, sentence: str) -> None:
    server.answer = lambda _: failure(status)
    embedder = await connect(server)
    with pytest.raises(EmbeddingError, match=sentence) as caught:
        await embedder.embed(["x"])
    assert KEY not in repr(caught.value)
    assert caught.value.__suppress_context__  # so the key is not in a printed traceback either
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    await embedder.close()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": []},
        {"data": None},
        {"data": [{"index": 0}]},
        {"data": [{"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [0.0, 0.0]}]},
        {"data": [{"index": 0, "embedding": [1.0, float("nan")]}]},
        {"data": [{"index": 0, "embedding": ["a", "b"]}]},
        {"data": [{"index": 0, "embedding": "not base64!"}]},
        {"data": [{"index": 0, "embedding": [[1.0]]}]},
        {"data": [{"index": 0, "embedding": 1.0}]},
        ["a list"],
        "text",
        None,
    ],
)
async def test_an_answer_of_a_wrong_shape_is_an_error(server: Server, answer: object) -> None:
    server.answer = lambda _: web.Response(text=json.dumps(answer), content_type="application/json")
    embedder = await connect(server)
    with pytest.raises(EmbeddingError, match=r"is not a vector for each text; check FOOTNOTE_EMBEDDING__BASE_URL"):
        await embedder.embed(["x"])
    await embedder.close()


async def test_a_web_page_instead_of_an_answer_is_an_error_at_connecting(server: Server) -> None:
    server.answer = lambda _: web.Response(text="<html>hello</html>", content_type="text/html")
    with pytest.raises(EmbeddingError, match="most end in /v1"):
        await connect(server, model="unknown")


async def test_silence_is_an_error_after_the_timeout(server: Server) -> None:
    server.silent = True
    embedder = await connect(server, request_timeout=timedelta(seconds=0.1))
    with pytest.raises(EmbeddingError, match=r"did not embed in time"):
        await embedder.embed(["x"])
    await embedder.close()


async def test_an_unreachable_server_is_named_without_its_password() -> None:
    embedder = await OpenAIEmbedder.connect(api_key=KEY, base_url="http://user:hidden@127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(EmbeddingError, match=r"Cannot reach 127\.0\.0\.1:9 .*BASE_URL") as caught:
        await embedder.embed(["x"])
    assert "hidden" not in str(caught.value)
    await embedder.close()


async def test_a_key_that_cannot_be_sent_is_a_sentence(server: Server) -> None:
    embedder = await connect(server, api_key="sk-“quoted”")
    with pytest.raises(EmbeddingError, match="characters that no key has") as caught:
        await embedder.embed(["x"])
    assert "quoted" not in str(caught.value)
    await embedder.close()


async def test_a_key_read_from_a_file_may_end_in_a_newline(server: Server) -> None:
    embedder = await connect(server, api_key=f"{KEY}\n")
    await embedder.embed(["x"])
    assert server.keys == [f"Bearer {KEY}"]
    await embedder.close()


async def test_tokens_are_counted_even_without_a_vocabulary(server: Server) -> None:
    embedder = await connect(server)
    assert await asyncio.to_thread(embedder.count_tokens, "plain words and more plain words") == 8
    assert embedder.max_tokens == 512
    await embedder.close()
