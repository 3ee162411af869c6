"""Run the bot as its user does, in a process of its own that connects to a local Discord."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local_discord import LocalDiscord

ROOT = Path(__file__).parents[1]


async def start_bot(server: LocalDiscord, data: Path, **settings: str) -> asyncio.subprocess.Process:
    """Start `footnote run` over a data dir, with nothing to fetch and no settings but these."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--data-dir", str(data)),
        cwd=ROOT,
        env=environment()
        | {
            "SSL_CERT_FILE": server.ca_file,
            "FOOTNOTE_DISCORD__TOKEN": server.token,
            "FOOTNOTE_DISCORD__PROXY": server.proxy_url,
            "FOOTNOTE_FETCH__SOURCES": "",
            **settings,
        },
        stderr=asyncio.subprocess.DEVNULL,
    )


def environment() -> dict[str, str]:
    """This process's environment without Footnote's settings, and with as many NumPy threads as the bot.

    Bytecode is cached, even in containers that turn that off.
    """
    not_ours = ("FOOTNOTE_", "OPENAI_", "PYTHONDONTWRITEBYTECODE")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(not_ours)}
    return mine | {"OPENBLAS_NUM_THREADS": "1"}
