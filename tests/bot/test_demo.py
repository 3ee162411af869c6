"""`footnote demo` as a process: it needs nothing, answers, refuses a taken port, and ends at once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from bot.cli import app

ROOT = Path(__file__).parents[2]
SOON = 400  # seconds; an idle machine needs some 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def files(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


@pytest.mark.timeout(1200)
async def test_it_needs_nothing_answers_and_leaves_nothing(tmp_path: Path) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTNOTE_", "OPENAI_"))}
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", str(port)),
        cwd=tmp_path,
        # The key must not be used, and nothing may be left in the temporary folder.
        env=mine | {"OPENAI_API_KEY": "sk-none", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), SOON)).decode()
        assert line == f"http://127.0.0.1:{port}/ shows the bot to this machine only; Ctrl-C ends it.\n"
        address = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession(headers={"Origin": address}) as session:
            watching = await session.ws_connect(f"{address}/view")
            await watching.send_json({"who": "Alice", "channel": ""})
            papers = (await watching.receive_json(timeout=SOON))["channel"]
            text = "@Footnote has anyone shown that a better one-step likelihood doesn't give you a better controller?"
            deed = {"who": "Alice", "channel": papers, "do": "say", "text": text}
            await (await session.post(f"{address}/deeds", json=deed)).json()
            shown = ""
            while "Objective Mismatch in Model-based" not in shown:
                news = await watching.receive_json(timeout=SOON)
                shown = "".join(each["html"] for each in news.get("messages", []) if not each["own"])
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(process.wait(), SOON) == 130
        assert time.monotonic() - began < 30  # an idle machine needs one or two
        assert not re.search("Traceback|Error", (await process.stderr.read()).decode())
        assert files(tmp_path) == []
    finally:
        if process.returncode is None:
            process.kill()


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = CliRunner().invoke(app, ["demo", "--port", str(port), "--data-dir", str(tmp_path)])
    assert str(refused.exception) == f"Port {port} is in use; choose another: footnote demo --port {port + 1}."
