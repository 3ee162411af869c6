"""Send one request through the openai client and read its reply chunk by chunk, in any of the known shapes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
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
# Statuses that often pass by themselves: overload, gateway problems, conflicts.
_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Failure(Exception):  # noqa: N818 - it ends in a WriterError, which is the error
    """A server's error, in its own words; `status` is None if there was no connection."""

    def __init__(self, status: int | None, message: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether a later request may succeed."""
        return (self.status is None or self.status in _PASSING) and "insufficient_quota" not in self.message


@dataclass(frozen=True, slots=True)
class Wire:
    """The connections to a server."""

    client: openai.AsyncOpenAI
    model: str

    @classmethod
    def to(cls, address: Address | None, model: str, api_key: str | None) -> Wire:
        """Make connections to an address, or to OpenAI's own."""
        headers = {"api-key": api_key} if address and address.query and api_key else None
        client = openai.AsyncOpenAI(
            # Your own server may need no key, but the client insists on one.
            api_key=api_key or "none",
            base_url=address.base_url if address else None,
            default_query=address.query if address else None,
            default_headers=headers,
            # The caller handles retries and deadlines: both depend on how long somebody can wait.
            max_retries=0,
            timeout=None,
        )
        return cls(client, model)

    async def pieces(
        self, arguments: dict[str, Any], received: ReplyCollector, until: Callable[[], float]
    ) -> AsyncGenerator[str]:
        """Yield the text of the reply as it comes; leaving early closes the connection, and the server stops.

        `until` computes the deadline of each next sign. Raises Failure or TimeoutError.
        """
        try:
            async with asyncio.timeout_at(until()):
                # Raw: the client's own parser knows one shape of chunk, and only streams.
                manager = self.client.chat.completions.with_streaming_response.create(model=self.model, **arguments)
                response = await manager.__aenter__()
        except openai.APIStatusError as error:
            raise Failure(error.status_code, error.response.text, _retry_after(error)) from None
        except openai.OpenAIError:
            raise Failure(None) from None
        try:
            async with aclosing(chunks(response.iter_text())) as found:
                while True:
                    # Not around the yield: a timeout must not fire in the caller's code.
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


def _retry_after(error: openai.APIStatusError) -> timedelta | None:
    """Parse how long the server asks us to wait, None if it gives no number of seconds."""
    try:
        return timedelta(seconds=float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
    except OverflowError:
        return timedelta.max


def _code(error: object) -> int:
    """Find the status code in an error that came inside a stream."""
    for source in (error, error.get("error") if isinstance(error, dict) else None):
        code = source.get("code") if isinstance(source, dict) else None
        if isinstance(code, (int, str)) and str(code).isdecimal() and len(str(code)) == len("500"):
            return int(code)
    return HTTPStatus.INTERNAL_SERVER_ERROR
