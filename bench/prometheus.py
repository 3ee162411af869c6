"""Let a real Prometheus scrape a running bot, configured as in deploy/, and run all queries of the dashboard.

    uv run python bench/prometheus.py [--seconds 60]

It starts `footnote run` over a library of seeds/ on a local Discord, and Prometheus (`apt-get install prometheus`) with
deploy/prometheus.yml, changing only address and interval; then it asks a question, and prints the result of each query.
The exit code is 1 if the bot was not scraped or a query is invalid, and 77 if Prometheus is not installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import yaml

from bench.running import start_bot
from bot.factory import open_library, prepare_library
from bot.settings import Settings
from tests.local_discord import LocalDiscord
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT: Final = Path(__file__).parents[1]
MISSING: Final = 77
PARTS: Final = 5  # of the bot
QUESTION: Final = "does a better one-step likelihood of a dynamics model mean better control performance?"


def queries() -> list[tuple[str, str]]:
    """(title, query) of each line in the dashboard."""
    panels = json.loads((ROOT / "deploy" / "grafana" / "footnote.json").read_text())["panels"]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])]


def configure(folder: Path, port: int, interval: str) -> Path:
    """Write the configuration of deploy/, with another address and interval."""
    chosen = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    chosen["global"]["scrape_interval"] = interval
    chosen["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(chosen))
    return file


@asynccontextmanager
async def prometheus(program: str, config: Path, folder: Path) -> AsyncIterator[str]:
    """Run Prometheus while the block lasts; yields its address."""
    promtool = Path(program).with_name("promtool")
    check = await asyncio.create_subprocess_exec(promtool, "check", "config", ROOT / "deploy" / "prometheus.yml")
    if await check.wait():
        raise SystemExit("promtool refuses deploy/prometheus.yml")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"),
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def ask(session: aiohttp.ClientSession, query: str) -> list[dict[str, Any]]:
    """Run a query in Prometheus; raises SystemExit if it is invalid."""
    async with session.get("/api/v1/query", params={"query": query}) as response:
        told = await response.json()
    if told["status"] != "success":
        raise SystemExit(f"Prometheus refuses {query}: {told['error']}")
    return list(told["data"]["result"])


async def until(session: aiohttp.ClientSession, query: str) -> None:
    """Wait until a query has a result."""
    while True:
        try:
            if await ask(session, query):
                return
        except aiohttp.ClientError:
            pass  # it is just starting
        await asyncio.sleep(0.5)


async def scrape(program: str, seconds: float) -> int:
    """Run everything; returns the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with open_library(Settings.load(data_dir=folder / "data")) as library:
            await prepare_library(library)
        port = free_port()
        async with LocalDiscord(patience=timedelta(minutes=2)) as local:
            channel, person = local.guild("Lab").channel("papers"), local.guild("Lab").member("Ada")
            bot = await start_bot(local, folder / "data", FOOTNOTE_HEALTH__PORT=str(port))
            try:
                async with (
                    prometheus(program, configure(folder, port, "2s"), folder) as address,
                    aiohttp.ClientSession(address) as session,
                    asyncio.timeout(120 + seconds),
                ):
                    await local.ready()
                    await until(session, "footnote_healthy == 1")
                    await person.says(channel, f"{local.bot.mention} {QUESTION}")
                    await channel.wait_for_bot_message()
                    await until(session, 'footnote_questions_total{outcome="answered"} == 1')
                    await asyncio.sleep(seconds)
                    return await tell(session)
            finally:
                bot.terminate()
                await bot.wait()


async def tell(session: aiohttp.ClientSession) -> int:
    """Print the result of each query; returns 1 if a part is unhealthy or the question was not counted, else 0."""
    print("| panel | query | series | first value |\n| --- | --- | --- | --- |")
    for title, query in queries():
        found = await ask(session, query)
        first = found[0]["value"][1] if found else "–"
        print(f"| {title} | `{query}` | {len(found)} | {first[:12]} |")
    (scrapes,) = await ask(session, 'sum_over_time(up{job="footnote"}[10m])')
    (longest,) = await ask(session, 'max_over_time(scrape_duration_seconds{job="footnote"}[10m])')
    print(f"scraped {scrapes['value'][1]} times, in {longest['value'][1]} s at most")
    healthy = await ask(session, "footnote_healthy == 1")
    print(f"healthy: {', '.join(sorted(each['metric']['part'] for each in healthy))}")
    seen = await ask(session, 'increase(footnote_questions_total{outcome="answered"}[10m]) > 0')
    return int(len(healthy) < PARTS or not seen)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is scraped after the answer")
    options = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        print("There is no Prometheus; apt-get install prometheus.")
        sys.exit(MISSING)
    sys.exit(asyncio.run(scrape(program, options.seconds)))


if __name__ == "__main__":
    main()
