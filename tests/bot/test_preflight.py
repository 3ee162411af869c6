from __future__ import annotations

import asyncio
import errno
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.preflight import CHECKS, Check, Finding
from bot.settings import Settings
from retrieval.errors import FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.terminal import Result

DOCS = Path(__file__).parents[2] / "docs"


class PanicError(BaseException):
    """An error like Rust's panics, which are not Exceptions."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FootnoteError("This is wrong; mend it."), "This is wrong; mend it"),
        (ValueError("odd"), "failed unexpectedly (ValueError: odd); run it again with --verbose"),
        (PanicError("index out of bounds"), "failed unexpectedly (PanicError: index out of bounds)"),
        (OSError(errno.ENOSPC, "No space left on device"), "There is no space to write: the disk is full"),
        (OSError(errno.EEXIST, "File exists", "/x"), "refused Footnote a file or a connection (/x: File exists)"),
        (MemoryError(), "There is not enough memory: none was left"),
    ],
)
async def test_a_check_ends_with_its_own_finding_whatever_happens_in_it(error: BaseException, words: str) -> None:
    async def run(_: Settings) -> AsyncGenerator[Finding]:
        yield Finding("part", ok=True, sentence="well so far.")
        raise error

    well, wrong = [finding async for finding in Check("part", run).findings(Settings())]
    assert well == Finding("part", ok=True, sentence="well so far")
    assert (wrong.part, wrong.ok) == ("part", False)
    assert words in wrong.sentence


async def test_a_check_that_is_cancelled_is_no_finding() -> None:
    async def run(_: Settings) -> AsyncGenerator[Finding]:
        await asyncio.sleep(60)
        yield Finding("part", ok=True, sentence="never")

    async def collect() -> list[Finding]:
        return [finding async for finding in Check("part", run).findings(Settings())]

    task = asyncio.create_task(collect())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_doctor_tells_programs_each_part_with_what_was_found(
    terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DISCORD__TOKEN", "1234567890")
    monkeypatch.setattr("bot.preflight.discord_check.DISCORD_API", "http://127.0.0.1:1")
    result = terminal("doctor", "--json")
    assert result.code == 1
    parts = {each["part"]: each["ok"] for each in result.json}
    assert list(parts) == ["settings", *(check.part for check in CHECKS)]
    assert [part for part, ok in parts.items() if ok is False] == ["discord"]
    assert all(set(each) == {"part", "ok", "sentence"} and each["sentence"] for each in result.json)
    broken = terminal("doctor", "--json", "--data-dir", "/dev/null/x")
    assert next(each["part"] for each in broken.json if each["ok"] is False) == "data dir"


def test_the_manual_names_every_check() -> None:
    manual = (DOCS / "operating.md").read_text()
    table = manual[manual.index("## What is checked") :]
    assert re.findall(r"^\| ([a-z ]+) \|", table[: table.index("\n## ")], re.MULTILINE) == [
        "part",
        "settings",
        *(check.part for check in CHECKS),
    ]
