from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.discord.health import serving_health
from bot.discord.systemd import tell_systemd
from bot.errors import SettingsError
from bot.settings import HealthSettings
from tests.bot.discord.prepared import TITLE, PreparedAnswers, done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Person

DASHBOARD = Path(__file__).parents[3] / "deploy" / "grafana" / "footnote.json"


@pytest.fixture
def settings() -> HealthSettings:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return HealthSettings(port=unused.getsockname()[1])


def replace_age(bot: FootnoteBot, seconds: float) -> str:
    """Set how long ago the last heartbeat was, and give those seconds as text."""
    vars(vars(bot.ws)["_keep_alive"])["_last_ack"] = time.perf_counter() - seconds
    return f"{seconds:.0f}"


@asynccontextmanager
async def reader(settings: HealthSettings) -> AsyncIterator[Callable[[str], Any]]:
    async with aiohttp.ClientSession(f"http://{settings.host}:{settings.port}") as session:

        async def read(path: str) -> tuple[int, str]:
            async with session.get(path) as response:
                return response.status, await response.text()

        yield read


def values(page: str) -> dict[str, float]:
    """Read the samples of a metrics page, by name and labels as Prometheus writes them."""
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def test_a_running_bot_is_scraped_before_and_after_a_question(
    settings: HealthSettings, local: LocalDiscord, bot: FootnoteBot, papers: Channel, ada: Person, mention: str
) -> None:
    async with serving_health(settings, bot), reader(settings) as read:
        status, page = await read("/metrics")
        before = values(page)
        assert status == 200
        # Prometheus sees no increase if a counter only appears with its first event.
        kinds = [*(f"questions_total outcome={each}" for each in ("answered", "closest", "refused", "failed"))]
        kinds += [f"digests_total outcome={each}" for each in ("posted", "put_off", "paused")]
        assert {f"footnote_{kind}" for kind in kinds} <= set(before)
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await (await papers.wait_for_bot_message()).wait_until(done)).text
        asked = "footnote_questions_total outcome=answered"
        async with asyncio.timeout(10):
            while (after := values((await read("/metrics"))[1]))[asked] == before[asked]:
                pass  # it is counted a moment after it is shown
        assert after[asked] == before[asked] + 1
        assert after["footnote_answer_seconds_count"] == before["footnote_answer_seconds_count"] + 1
        assert after["footnote_library_papers"] == 0
        assert {name for name in after if name.startswith("footnote_healthy")} >= {
            f"footnote_healthy part={part}" for part in ("gateway", "heartbeat", "library", "sources", "store")
        }
        assert "likelihood" not in page
        disconnects = after["footnote_gateway_disconnects_total"]
        await local.drop()
        assert values((await read("/metrics"))[1])["footnote_gateway_disconnects_total"] == disconnects + 1


async def test_health_is_bad_while_a_vital_part_is(
    settings: HealthSettings, local: LocalDiscord, make_bot: Callable[[], FootnoteBot], online: Online
) -> None:
    waiting = make_bot()
    async with waiting, serving_health(settings, waiting), reader(settings) as read:
        status, page = await read("/healthz")
        told = json.loads(page)
        assert (status, told["ok"]) == (503, False)
        assert told["parts"]["gateway"] == {"ok": False, "says": "not connected"}
        assert told["parts"]["library"] == {"ok": True, "says": "0 papers"}
    async with online() as bot, serving_health(settings, bot), reader(settings) as read:
        async with asyncio.timeout(10):
            await bot.wait_until_ready()
        status, page = await read("/healthz")
        assert (status, json.loads(page)["ok"]) == (200, True)


async def test_a_gateway_that_is_away_is_told_at_once_and_is_back_by_itself(
    settings: HealthSettings, local: LocalDiscord, bot: FootnoteBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.wait_until_ready()
    async with serving_health(settings, bot), reader(settings) as read:
        assert (await read("/healthz"))[0] == 200
        async with local.outage():
            async with asyncio.timeout(10):
                while (told := json.loads((await read("/healthz"))[1]))["parts"]["gateway"]["ok"]:
                    pass
            assert told["parts"]["gateway"]["says"] == "connecting again: shard 0"
            assert told["ok"]  # for two minutes, as it keeps trying to reconnect
            monkeypatch.setattr("bot.discord.health.OLDEST_HEARTBEAT", timedelta(0))  # as if the two minutes were over
            status, page = await read("/healthz")
            assert (status, json.loads(page)["parts"]["heartbeat"]["ok"]) == (503, False)
            monkeypatch.undo()
        status, page = await read("/healthz")
        assert (status, json.loads(page)["parts"]["gateway"]) == (200, {"ok": True, "says": "connected, 1 servers"})


async def test_a_source_in_trouble_is_told_and_no_reason_to_start_again(
    settings: HealthSettings, bot: FootnoteBot
) -> None:
    await bot.wait_until_ready()
    await bot.services.library.note_failure("arxiv:cs.CL", "It is down.", bot.now())
    async with serving_health(settings, bot), reader(settings) as read:
        status, page = await read("/healthz")
        assert json.loads(page)["parts"]["sources"] == {"ok": False, "says": "in trouble: arxiv:cs.CL"}
        assert status == 200
        assert values((await read("/metrics"))[1])["footnote_sources_failing"] == 1


async def test_a_store_that_is_gone_is_a_bad_part_and_no_error(
    settings: HealthSettings, bot: FootnoteBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise OSError("postgresql://user:hunter2@host")

    monkeypatch.setattr(bot.services.store.deliveries, "next_due", fail)
    async with serving_health(settings, bot), reader(settings) as read:
        status, page = await read("/healthz")
    assert (status, json.loads(page)["parts"]["store"]) == (503, {"ok": False, "says": "OSError"})
    assert "hunter2" not in page


async def test_nothing_is_served_without_a_port_and_a_taken_one_is_a_sentence(bot: FootnoteBot) -> None:
    async with serving_health(HealthSettings(), bot):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"FOOTNOTE_HEALTH__PORT {port} at 127.0.0.1 is in use; choose"):
            async with serving_health(HealthSettings(port=port), bot):
                pass


async def test_a_question_that_fails_is_counted_as_such(
    settings: HealthSettings, bot: FootnoteBot, papers: Channel, ada: Person, mention: str, answers: PreparedAnswers
) -> None:
    answers.error = ValueError("odd")
    failed = "footnote_questions_total outcome=failed"
    async with serving_health(settings, bot), reader(settings) as read:
        before = values((await read("/metrics"))[1]).get(failed, 0)
        await ada.says(papers, f"{mention} does likelihood matter?")
        async with asyncio.timeout(10):
            while values((await read("/metrics"))[1]).get(failed, 0) == before:
                pass


async def test_every_query_of_the_dashboard_asks_for_what_the_bot_tells(
    settings: HealthSettings, bot: FootnoteBot, papers: Channel, ada: Person, mention: str, store: Store
) -> None:
    await ada.says(papers, f"{mention} does likelihood matter?")
    await (await papers.wait_for_bot_message()).wait_until(done)
    async with serving_health(settings, bot), reader(settings) as read:
        page = (await read("/metrics"))[1]
    families = {family.name: family for family in text_string_to_metric_families(page)}
    known = {
        f"{name}{end}"
        for name, family in families.items()
        for end in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
    }
    queries = [
        target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel.get("targets", [])
    ]
    asked = {name for query in queries for name in re.findall(r"\b(?:footnote|process)_\w+", query)}
    assert asked - known == set()
    unseen = {name for name in known if name.startswith("footnote_")} - asked
    assert unseen == {"footnote_info", "footnote_answer_seconds_sum", "footnote_answer_seconds_count"}


async def test_systemd_hears_that_the_bot_is_ready_lives_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        stop = asyncio.Event()
        telling = asyncio.create_task(tell_systemd(stop))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            said = [await loop.sock_recv(systemd, 64) for _ in range(3)]
            stop.set()
            await telling
            while said[-1] == b"WATCHDOG=1":
                said.append(await loop.sock_recv(systemd, 64))
    assert said[:3] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    assert said[-1] == b"STOPPING=1"


async def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    stop = asyncio.Event()
    stop.set()
    await tell_systemd(stop)
