"""What shells do to a command: streams that are closed, full or in another encoding, and Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bot.console import stdout
from bot.errors import OutputError
from bot.runner import run

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0  # seconds: the process imports Chroma and onnxruntime, on a machine that may be busy
FOOTNOTE = (sys.executable, "-m", "bot")


def test_ctrl_c_is_what_ended_a_command_whatever_its_parts_raise_on_the_way() -> None:
    async def work() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            raise ValueError("no active connection")

    with pytest.raises(KeyboardInterrupt):
        run(work())


def test_an_error_without_ctrl_c_stays_what_it_is() -> None:
    async def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        run(work())


async def _chat(folder: Path, redirected: str = "") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("bash", "-c", f'exec "$@" {redirected}', "bash", *FOOTNOTE, "chat", "--no-llm", "--data-dir", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
def folder(tmp_path: Path, seeded_dir: Path) -> Path:
    shutil.copytree(seeded_dir, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


async def test_a_chat_without_standard_input_ends(folder: Path) -> None:
    chat = await _chat(folder, "<&-")
    out, err = await asyncio.wait_for(chat.communicate(), PATIENCE)
    assert (chat.returncode, err) == (0, b"")
    assert b"74 papers" in out


async def test_ctrl_c_ends_a_chat_that_waits_for_a_silent_pipe(folder: Path) -> None:
    chat = await _chat(folder)
    assert chat.stdout is not None
    await asyncio.wait_for(chat.stdout.readline(), PATIENCE)
    chat.send_signal(signal.SIGINT)
    await asyncio.wait_for(chat.wait(), PATIENCE)
    assert chat.stderr is not None
    assert (chat.returncode, await chat.stderr.read()) == (130, b"")


def _shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHON": sys.executable} | environment,
    )


def test_a_disk_that_is_full_is_one_sentence_and_exit_one() -> None:
    result = _shell("$PYTHON -m bot --help > /dev/full")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "the disk is full" in result.stderr


@pytest.mark.parametrize("printed", ["stdout().print('x' * 1000)", "print_json('x' * 100_000)"])
def test_a_reader_that_has_seen_enough_is_no_failure(printed: str) -> None:
    result = _shell(f'$PYTHON -c "from bot.console import *; [{printed} for _ in range(1000)]" | head -n 1')
    assert (result.returncode, result.stderr) == (0, "")


def test_json_is_whole_in_a_stream_that_lacks_its_characters() -> None:
    result = _shell("$PYTHON -c \"from bot.console import *; print_json(['é→'])\"", PYTHONIOENCODING="ascii")
    assert json.loads(result.stdout) == ["é→"]


def test_text_loses_only_the_characters_that_a_stream_lacks() -> None:
    code = "from bot import streams; from bot.console import *; streams.prepare(); stdout().print('café!')"
    result = _shell(f'$PYTHON -c "{code}"', PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert result.stdout == "caf?!\n"


def test_a_result_without_a_stream_to_go_to_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="Standard output is closed"):
        stdout()


def test_no_file_takes_the_place_of_a_stream_that_was_closed() -> None:
    code = "from bot import streams; streams.prepare(); import os; print(open('/dev/zero').fileno() > 2)"
    result = _shell(f'$PYTHON -c "{code}" <&- 2>&-')
    assert result.stdout == "True\n"
