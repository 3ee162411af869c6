"""Send one request over the openai client and read its reply chunk by chunk, whatever the server makes of either."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx2
import openai

from bot.llm.context import text_of
from bot.llm.reply import chunks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bot.llm.address import Address
    from bot.llm.reply import ReplyCollector

_BROKEN: Final = (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, OSError)
_END: Final = object()
# What often passes by itself: overload, a gateway's trouble, a conflict.
_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Failure(Exception):  # noqa: N818 - it ends in a WriterError, which is the error
    """Hold what a server said instead of an answer; `status` is None where there was no connection."""

    def __init__(self, status: int | None, message: str = "", retry_after: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Say whether asking again later may help."""
        return (self.status is None or self.status in _PASSING) and "insufficient_quota" not in self.message


@dataclass(frozen=True, slots=True)
class Wire:
    """Hold the connections to a server."""

    client: openai.AsyncOpenAI
    model: str

    @classmethod
    def to(cls, address: Address | None, model: str, api_key: str | None) -> Wire:
        """Return connections to an address, or to OpenAI's own where there is none."""
        headers = {"api-key": api_key} if address and address.query and api_key else None
        client = openai.AsyncOpenAI(
            # A server of one's own may need no key, but the client insists on one.
            api_key=api_key or "none",
            base_url=address.base_url if address else None,
            default_query=address.query if address else None,
            default_headers=headers,
            # Retries and deadlines are the caller's: both depend on how long somebody can wait.
            max_retries=0,
            timeout=None,
        )
        return cls(client, model)

    async def pieces(
        self, arguments: dict[str, Any], received: ReplyCollector, until: Callable[[], float]
    ) -> AsyncGenerator[str]:
        """Yield the text of the reply as it comes; leaving early closes the connection, and the server stops.

        `until` says how long each next sign may take. Raises Failure, or TimeoutError.
        """
        try:
            async with asyncio.timeout_at(until()):
                # Raw: the client's own reading knows one shape of chunk, and streams only.
                manager = self.client.chat.completions.with_streaming_response.create(model=self.model, **arguments)
                response = await manager.__aenter__()
        except openai.APIStatusError as error:
            raise Failure(error.status_code, error.response.text, _retry_after(error)) from None
        except openai.OpenAIError:
            raise Failure(None) from None
        try:
            async with aclosing(chunks(response.iter_text())) as found:
                while True:
                    # Not around the yield: a timeout must not strike in the caller's own code.
                    async with asyncio.timeout_at(until()):
                        chunk = await anext(found, _END)
                    if chunk is _END:
                        return
                    piece = received.take(chunk)
                    if received.error is not None:
                        raise Failure(_code(received.error), text_of(received.error))
                    yield piece
        except TimeoutError:  # which is an OSError too
            raise
        except _BROKEN:
            raise Failure(None) from None
        finally:
            await response.close()


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Return how many seconds the server wants to be left alone, None where it does not say so in seconds."""
    try:
        return float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None


def _code(error: object) -> int:
    """Return the status that an error inside of a stream stands for."""
    for source in (error, error.get("error") if isinstance(error, dict) else None):
        code = source.get("code") if isinstance(source, dict) else None
        if isinstance(code, (int, str)) and str(code).isdecimal() and len(str(code)) == len("500"):
            return int(code)
    return HTTPStatus.INTERNAL_SERVER_ERROR
