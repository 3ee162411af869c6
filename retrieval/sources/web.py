"""HTTP for all sources: paced, retried, with timeouts, and with a sentence for each failure."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self, TypeVar

import httpx2
import stamina

from retrieval.sources.fetched import SourceError
from retrieval.sources.fields import shown
from retrieval.sources.limiter import Clock, Limiter, Service, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

T = TypeVar("T")
log = logging.getLogger(__name__)

USER_AGENT = "Footnote (a Discord paper assistant)"
ATTEMPTS = 5
WAIT = dt.timedelta(seconds=2)  # before the second attempt, doubled before each later one
LONGEST_WAIT = dt.timedelta(seconds=30)
WHOLE_ANSWER = dt.timedelta(minutes=2)
CONNECT = dt.timedelta(seconds=10)
LARGEST_ANSWER = 64 * 2**20  # bytes, unpacked
REASON_SHOWN = 200

_OK, _BAD_REQUEST, _TIMED_OUT, _TOO_MANY, _BROKEN = 200, 400, 408, 429, 500


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; header names are in lower case, and `url` is where redirects led."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Web:
    """The HTTP client of all sources; one per process, because it holds the limiter that they share."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        timeout: dt.timedelta = WHOLE_ANSWER,
        say: Callable[[str], None] = log.info,
    ) -> None:
        """Set up the client; `say` is called with a sentence whenever a request is retried."""
        self._say = say
        self.clock = clock or SystemClock()
        self.limiter = Limiter(self.clock)
        self._timeout = timeout
        self._client = httpx2.AsyncClient(follow_redirects=True, headers={"User-Agent": USER_AGENT})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(
        self,
        service: Service,
        url: str,
        read: Callable[[Reply], T],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (_OK,),
        client: httpx2.AsyncClient | None = None,
    ) -> T:
        """Fetch an address and parse the answer with `read`; temporary failures, also of `read`, are retried.

        Args:
            service: whose pace to follow, and the name for errors.
            url: the address without its query.
            read: runs in a thread; raises SourceError for a bad answer.
            params: the query.
            headers: headers besides the user agent.
            accept: the HTTP statuses that `read` handles; any other raises SourceError.
            client: a service's own HTTP client instead of the shared one.
        """

        async def once() -> T:
            async with self.limiter.turn(service):
                reply = await self._ask(client or self._client, service, url, params, headers)
                if (pause := _asked_pause(reply, self.clock.now())) is not None:
                    self.limiter.hold(service, pause)
            if reply.status not in accept:
                raise _refusal(service, reply)
            return await asyncio.to_thread(read, reply)

        retrying = stamina.retry_context(
            on=_may_pass, attempts=ATTEMPTS, timeout=None, wait_initial=WAIT, wait_max=LONGEST_WAIT, wait_jitter=0.0
        )
        async for attempt in retrying:
            with attempt:
                try:
                    return await once()
                except SourceError as error:
                    if error.temporary and attempt.num < ATTEMPTS:
                        wait = max(attempt.next_wait, self.limiter.closed_for(service))
                        reason = str(error).partition(";")[0].rstrip(".")
                        self._say(f"{reason}; trying again in {wait:.0f} s ({attempt.num} of {ATTEMPTS - 1}).")
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _ask(
        self,
        client: httpx2.AsyncClient,
        service: Service,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        where = shown(url)
        whole = self._timeout.total_seconds()
        timeout = httpx2.Timeout(whole, connect=min(CONNECT.total_seconds(), whole))
        try:
            async with (
                asyncio.timeout(whole),
                client.stream("GET", url, params=params, headers=headers, timeout=timeout) as response,
            ):
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > LARGEST_ANSWER:
                        raise SourceError(
                            f"{service.name} sent more than {LARGEST_ANSWER >> 20} MB at once, which no page of "
                            f"papers has; check {where}."
                        )
                return Reply(response.status_code, response.headers, bytes(body), str(response.url))
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise SourceError(
                f"{service.name} did not answer in time ({whole:g} s at most); try again later.", temporary=True
            ) from error
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.TooManyRedirects) as error:
            raise SourceError(f"{service.name} has no usable address ({_why(error)}); check {where}.") from error
        except (httpx2.ConnectError, httpx2.ProxyError) as error:
            raise SourceError(
                f"{service.name} cannot be reached at {where} ({_why(error)}); check the network, or try again later.",
                temporary=True,
            ) from error
        except httpx2.HTTPError as error:
            raise SourceError(
                f"{service.name} broke off in the middle of an answer ({_why(error)}); try again later.",
                temporary=True,
            ) from error
        except OSError as error:  # how the Hugging Face client says that it is set to offline
            raise SourceError(f"{service.name} may not be called ({_why(error)}).") from error


def _may_pass(error: Exception) -> bool:
    return isinstance(error, SourceError) and error.temporary


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:REASON_SHOWN].rstrip(".") or type(error).__name__


def _refusal(service: Service, reply: Reply) -> SourceError:
    status = f"HTTP {reply.status}" + (f": {reason}" if (reason := _reason(reply)) else "")
    if reply.status == _TOO_MANY:
        return SourceError(f"{service.name} was asked too often ({status}); try again later.", temporary=True)
    if reply.status >= _BROKEN or reply.status == _TIMED_OUT:
        return SourceError(f"{service.name} is out of order ({status}); try again later.", temporary=True)
    return SourceError(
        f"{service.name} refused the request ({status}); check {shown(reply.url)} and what was asked for."
    )


def _reason(reply: Reply) -> str:
    """An API's own error message; "" for an HTML page, which says nothing useful."""
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    error = content.get("error") if isinstance(content, dict) else None
    return " ".join(error.split())[:REASON_SHOWN].rstrip(".") if isinstance(error, str) else ""


def _asked_pause(reply: Reply, now: dt.datetime) -> dt.timedelta | None:
    """How long the server asked to wait: Retry-After, or until its rate limit resets."""
    after = reply.headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit() and reply.status >= _BAD_REQUEST:
        return dt.timedelta(seconds=int(after[:9]))
    if after and reply.status >= _BAD_REQUEST:
        try:
            date = parsedate_to_datetime(after)
        except ValueError:
            return None
        return date.replace(tzinfo=date.tzinfo or dt.UTC) - now
    if "ratelimit" in reply.headers:
        from huggingface_hub.utils import parse_ratelimit_headers

        window = parse_ratelimit_headers(reply.headers)
        return dt.timedelta(seconds=window.reset_in_seconds) if window and window.remaining == 0 else None
    return None
