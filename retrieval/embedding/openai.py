"""Embeddings from OpenAI or any compatible server."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from retrieval.errors import EmbeddingError
from retrieval.text.tokens import TokenCounter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray
    from openai import AsyncOpenAI, OpenAIError

DEFAULT_MODEL = "text-embedding-3-small"
DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
# OpenAI's limits are 8191 tokens per text, 300,000 per request, and 2048 texts. In every tokeniser a token is at least
# one byte, so limits in bytes are safe for any server.
BYTES_PER_TEXT = 8191
BYTES_PER_REQUEST = 300_000
TEXTS_PER_REQUEST = 2048
# The models accept more, but one vector for a long text says little about each part. Nearly every abstract fits into
# 512 tokens, and that is the limit of common open models behind such servers.
MAX_TOKENS = 512
RETRIES = 4
SERVER_ERROR = 500


class OpenAIEmbedder:
    """Embeds on a server; create it with `connect`.

    Args:
        client: the client, with key, URL, timeout and retries; `close` closes it.
        model: the server's name of the model.
        dimensions: the length of its vectors.
        shorten: ask the server for vectors of that length, instead of the model's default.
    """

    max_tokens = MAX_TOKENS

    def __init__(self, client: AsyncOpenAI, model: str, dimensions: int, *, shorten: bool = False) -> None:
        self.model = model
        self.dimensions = dimensions
        self._client = client
        self._shorten = shorten
        self._tokens = TokenCounter(model)

    @classmethod
    async def connect(
        cls,
        *,
        model: str = DEFAULT_MODEL,
        api_key: str | None = None,
        base_url: str | None = None,
        dimensions: int | None = None,
        request_timeout: timedelta = timedelta(seconds=30),
        max_retries: int = RETRIES,
    ) -> Self:
        """Create an embedder for a server; `api_key` is optional for servers that need none.

        If the dimensions are neither given nor known, a first text is embedded to learn them. `request_timeout` is
        that of one attempt. Raises EmbeddingError.
        """
        client = await asyncio.to_thread(_client, api_key, base_url, request_timeout, max_retries)
        known = dimensions or DIMENSIONS.get(model.rpartition("/")[2])  # OpenRouter writes openai/NAME
        embedder = cls(client, model, known or 0, shorten=dimensions is not None)
        embedder._tokens.start()
        if known is None:
            try:
                embedder.dimensions = (await embedder._ask(["dimensions"])).shape[1]
            except BaseException:
                await embedder.close()
                raise
        return embedder

    def count_tokens(self, text: str) -> int:
        """Count tokens; rather too high an estimate if tiktoken has no vocabulary."""
        return self._tokens.count(text)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: one L2-normalised row each, in order; texts are truncated to 8191 bytes.

        Raises EmbeddingError after the client's retries.
        """
        import numpy as np  # the client has imported it

        rows = [np.empty((0, self.dimensions), np.float32)]
        for batch in _batches(texts):
            vectors = await self._ask(batch)
            if vectors.shape[1] != self.dimensions:
                raise EmbeddingError(
                    f"{self.model} gave vectors of {vectors.shape[1]} numbers instead of {self.dimensions}; "
                    "leave FOOTNOTE_EMBEDDING__DIMENSIONS empty, or set it to what the model can give."
                )
            rows.append(vectors)
        return np.concatenate(rows)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, texts: list[str]) -> NDArray[np.float32]:
        from openai import OpenAIError, omit

        try:
            # Raw, so that megabytes of vectors are parsed in a thread and not on the event loop.
            response = await self._client.embeddings.with_raw_response.create(
                model=self.model,
                input=texts,
                dimensions=self.dimensions if self._shorten else omit,
                encoding_format="base64",
            )
        except OpenAIError as error:
            # Not "from error": the server's message may contain the key.
            raise EmbeddingError(self._explain(error)) from None
        except UnicodeEncodeError:
            raise EmbeddingError(
                "The API key for embeddings holds characters that no key has; check FOOTNOTE_EMBEDDING__API_KEY."
            ) from None
        try:
            return await asyncio.to_thread(_unit_rows, response.content, len(texts))
        except (ValueError, TypeError, KeyError):
            raise EmbeddingError(
                f"What {self._host} answered is not a vector for each text; check FOOTNOTE_EMBEDDING__BASE_URL "
                "(most end in /v1) and FOOTNOTE_EMBEDDING__MODEL."
            ) from None

    @property
    def _host(self) -> str:
        return self._client.base_url.netloc.decode("ascii", "replace").rpartition("@")[2]  # without a password

    def _explain(self, error: OpenAIError) -> str:
        """The error in one sentence, without any text from the server."""
        from openai import APIStatusError, APITimeoutError

        if isinstance(error, APITimeoutError):
            return f"{self._host} did not embed in time; try again, or choose another server or model."
        if not isinstance(error, APIStatusError):
            return f"Cannot reach {self._host} for embeddings; is it up, and FOOTNOTE_EMBEDDING__BASE_URL right?"
        status = error.status_code
        if status >= SERVER_ERROR:
            return f"{self._host} failed to embed ({status}); try again later."
        refused_key = f"refused the API key ({status}); check FOOTNOTE_EMBEDDING__API_KEY"
        reasons = {
            401: refused_key,
            403: refused_key,
            404: f"has no embedding model {self.model} at this address (404); check FOOTNOTE_EMBEDDING__MODEL "
            "and FOOTNOTE_EMBEDDING__BASE_URL",
            429: "embeds no more for now (429: too many requests, or no credit); try again later",
        }
        other = f"refused to embed ({status}); check FOOTNOTE_EMBEDDING__MODEL and FOOTNOTE_EMBEDDING__DIMENSIONS"
        return f"{self._host} {reasons.get(status, other)}."


def _client(api_key: str | None, base_url: str | None, timeout: timedelta, max_retries: int) -> AsyncOpenAI:
    """Import the SDK, which takes more than a second, and create its client, which obeys Retry-After."""
    from openai import AsyncOpenAI

    key = (api_key or "").strip() or "none"  # the SDK requires one, even if the server does not
    return AsyncOpenAI(api_key=key, base_url=base_url, timeout=timeout.total_seconds(), max_retries=max_retries)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Split texts into requests within the server's limits."""
    batch: list[str] = []
    room = BYTES_PER_REQUEST
    for text in texts:
        content = (text.strip() or ".").encode("utf-8", "replace")[:BYTES_PER_TEXT]  # "" would be refused
        if batch and (len(content) > room or len(batch) == TEXTS_PER_REQUEST):
            yield batch
            batch, room = [], BYTES_PER_REQUEST
        batch.append(content.decode("utf-8", "ignore"))
        room -= len(content)
    if batch:
        yield batch


def _unit_rows(body: bytes, count: int) -> NDArray[np.float32]:
    """Parse a response: the vectors, normalised, in the order of their index; shape (count, dimensions).

    Raises ValueError, TypeError or KeyError unless it has `count` vectors of the same length.
    """
    import numpy as np

    items = sorted(json.loads(body)["data"], key=lambda item: item["index"])
    if [item["index"] for item in items] != list(range(count)):
        raise ValueError("not one vector for each text")
    # Servers without base64 support return lists of numbers.
    vectors = [
        np.frombuffer(base64.b64decode(value), "<f4") if isinstance(value, str) else np.array(value, np.float32)
        for value in (item["embedding"] for item in items)
    ]
    rows = np.stack(vectors)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    if rows.ndim != 2 or not np.all(np.isfinite(norms) & (norms > 0)):  # noqa: PLR2004
        raise ValueError("not vectors")
    return np.asarray(rows / norms, np.float32)
