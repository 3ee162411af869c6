from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import socket
from typing import TYPE_CHECKING

import pytest

from retrieval.sources import web as web_module
from retrieval.sources.fetched import SourceError
from retrieval.sources.limiter import ARXIV, HUGGING_FACE, Service, SystemClock
from retrieval.sources.web import Reply, Web
from tests.local_sources import LocalClock, LocalSources, fails, says, silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_sources.faults import Fault

GOOD = {"/good": ("good", "text/plain")}
SITE = Service("The site")


def body(reply: Reply) -> bytes:
    return reply.body


async def test_requests_to_one_service_come_one_at_a_time_and_three_seconds_apart(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.feeds = GOOD
    got = await asyncio.gather(*(web.get(ARXIV, f"{local.base_url}/good", body) for _ in range(5)))
    assert got == [b"good"] * 5
    assert local.most_at_once == 1
    times = [request.at for request in local.requests]
    assert times == [0.0, 3.0, 6.0, 9.0, 12.0]


async def test_a_service_does_not_wait_for_another(local: LocalSources, web: Web, clock: LocalClock) -> None:
    local.feeds = GOOD
    for service in (ARXIV, HUGGING_FACE, SITE):
        await web.get(service, f"{local.base_url}/good", body)
    assert clock.slept == []


async def test_a_request_that_fails_counts_for_the_pause_too(local: LocalSources, web: Web, clock: LocalClock) -> None:
    local.feeds = GOOD
    local.next(fails(500), fails(503))
    await web.get(ARXIV, f"{local.base_url}/good", body)
    assert clock.slept == [3.0, 3.0]


async def test_a_request_that_is_cancelled_gives_its_turn_back(local: LocalSources, web: Web) -> None:
    local.feeds = GOOD
    local.next(silent)
    waiting = asyncio.create_task(web.get(SITE, f"{local.base_url}/good", body))
    async with asyncio.timeout(10):
        await local.arrived.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await web.get(SITE, f"{local.base_url}/good", body) == b"good"


async def test_a_server_that_says_nothing_is_a_sentence_in_time(local: LocalSources, clock: LocalClock) -> None:
    local.next(silent, times=5)
    async with asyncio.timeout(20), Web(clock, timeout=dt.timedelta(seconds=0.05)) as web:
        with pytest.raises(
            SourceError, match=r"The site did not answer in time \(0\.05 s at most\); try again later\."
        ):
            await web.get(SITE, f"{local.base_url}/good", body)
    assert clock.slept == [3.0] * 4
    assert len(local.requests) <= 5  # on an overloaded machine, an attempt may time out before it arrives


async def test_a_server_that_is_not_there_is_a_sentence(web: Web) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        port = taken.getsockname()[1]
        with pytest.raises(
            SourceError, match=rf"The site cannot be reached at http://127\.0\.0\.1:{port}/good \(.*connect"
        ):
            await web.get(SITE, f"http://127.0.0.1:{port}/good", body)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://", "huggingface.co", "http://[::1"])
async def test_an_address_that_is_none_is_a_sentence_at_once(web: Web, clock: LocalClock, url: str) -> None:
    with pytest.raises(SourceError, match="The site has no usable address"):
        await web.get(SITE, url, body)
    assert clock.slept == []


async def test_the_machines_own_clock_tells_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(dt.timedelta(0))
    assert clock.monotonic() >= before
    assert clock.now().utcoffset() == dt.timedelta(0)


async def test_redirects_are_followed_and_those_in_a_circle_are_a_sentence(local: LocalSources, web: Web) -> None:
    local.feeds = GOOD
    local.next(fails(301, Location="/good"))
    assert await web.get(SITE, f"{local.base_url}/old", body) == b"good"
    local.next(fails(301, Location="/old"), times=60)
    with pytest.raises(SourceError, match="no usable address"):
        await web.get(SITE, f"{local.base_url}/old", body)


async def test_an_answer_that_unpacks_without_end_is_refused(
    local: LocalSources, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_module, "LARGEST_ANSWER", 2**20)
    local.next(says(gzip.compress(b"0" * 2**23), "text/plain", Content_Encoding="gzip"))
    with pytest.raises(SourceError, match="The site sent more than 1 MB at once"):
        await web.get(SITE, f"{local.base_url}/good", body)
    assert len(local.requests) == 1


async def test_damaged_compression_is_tried_again(local: LocalSources, web: Web) -> None:
    local.feeds = GOOD
    local.next(says(b"no gzip", "text/plain", Content_Encoding="gzip"))
    assert await web.get(SITE, f"{local.base_url}/good", body) == b"good"


async def test_the_loop_runs_on_while_an_answer_is_read(local: LocalSources, web: Web) -> None:
    local.feeds = GOOD
    loop = asyncio.get_running_loop()

    def read(reply: Reply) -> bool:
        # This is answered only if the loop is free.
        return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, result=True), loop).result(timeout=10)

    assert await web.get(SITE, f"{local.base_url}/good", read)


async def test_an_error_in_reading_is_raised_as_it_is_and_once(local: LocalSources, web: Web) -> None:
    local.feeds = GOOD

    def refuse(reply: Reply) -> None:
        raise SourceError("It will not do.")

    with pytest.raises(SourceError, match=r"It will not do\."):
        await web.get(SITE, f"{local.base_url}/good", refuse)
    assert len(local.requests) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda: fails(403, "<html>Forbidden</html>"), r"The site refused the request \(HTTP 403\); check http"),
        (lambda: fails(401, '{"error": "No\\n such  token."}'), r"\(HTTP 401: No such token\)"),
        (lambda: fails(400, '{"error": {"code": 3}}'), r"\(HTTP 400\)"),
        (lambda: fails(204), r"\(HTTP 204\)"),
    ],
)
async def test_a_refusal_is_not_repeated(local: LocalSources, web: Web, fault: Callable[[], Fault], said: str) -> None:
    local.next(fault())
    with pytest.raises(SourceError, match=said):
        await web.get(SITE, f"{local.base_url}/good", body)
    assert len(local.requests) == 1


async def test_a_password_or_a_key_in_an_address_is_not_said(web: Web, local: LocalSources) -> None:
    url = local.base_url.replace("//", "//me:secret@") + "/gone?key=hidden"
    with pytest.raises(SourceError) as raised:
        await web.get(SITE, url, body)
    assert "secret" not in str(raised.value)
    assert "hidden" not in str(raised.value)
