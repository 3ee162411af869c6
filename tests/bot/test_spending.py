"""`footnote usage` on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.__main__ import main
from bot.llm.meter import Payer, Spent
from bot.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = date(2026, 3, 14)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Run `footnote usage` as a shell would; returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["footnote", "--data-dir", str(tmp_path), "usage", *options])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capsys.readouterr().out

    return run


def took(folder: Path, *spent: tuple[date, Payer, Spent]) -> None:
    async def add() -> None:
        store = await Store.open(folder)
        for each in spent:
            await store.usage.add(*each)
        await store.close()

    asyncio.run(add())


@pytest.fixture
def some(tmp_path: Path) -> None:
    took(
        tmp_path,
        (DAY, Payer(1, 2), Spent("answer", "gpt-5.4-mini", 2_000_000, 100_000)),
        (DAY, Payer(3, 4), Spent("answer", "gpt-5.4-mini", 1_000_000, 0, estimated=True)),
        (DAY, Payer(), Spent("digest", "qwen3:8b", 5000, 500)),
        (DAY + timedelta(days=1), Payer(), Spent("answer", "gpt-5.4-mini", 10, 1)),
    )


@pytest.mark.usefixtures("some")
def test_each_day_purpose_and_model_is_a_row_with_the_sums_below(shown: Callable[..., str]) -> None:
    lines = [line.split() for line in shown("--since", "2026-03-01").splitlines()]
    assert lines[1:6] == [
        ["2026-03-14", "answer", "gpt-5.4-mini", "2", "1", "3,000,000", "100,000", "2.7000"],
        ["2026-03-14", "digest", "qwen3:8b", "1", "0", "5,000", "500", "-"],
        ["2026-03-15", "answer", "gpt-5.4-mini", "1", "0", "10", "1", "0.0000"],
        ["total", "4", "1", "3,005,010", "100,501", "2.7000"],
        ["5,500", "tokens", "were", "used", "by", "models", "whose", "price", "is", "not", "known."],
    ]


@pytest.mark.usefixtures("some")
def test_json_holds_the_same_for_programs(shown: Callable[..., str]) -> None:
    found = json.loads(shown("--since", "2026-03-15", "--json"))
    (row,) = found["rows"]
    assert (row["day"], row["purpose"], row["model"]) == ("2026-03-15", "answer", "gpt-5.4-mini")
    assert found["since"] == "2026-03-15"
    assert found["total"] == {
        "calls": 1,
        "estimated_calls": 0,
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "usd": 0.000012,
        "unpriced_tokens": 0,
    }


@pytest.mark.usefixtures("some")
def test_without_a_day_it_is_this_month_and_nothing_taken_is_a_sentence(
    shown: Callable[..., str], tmp_path: Path
) -> None:
    first = datetime.now(UTC).date().replace(day=1)
    assert shown() == f"The language model has not been used since {first}.\n"
    took(tmp_path, (first, Payer(), Spent("answer", "gpt", 7, 0)))
    took(tmp_path, (first - timedelta(days=1), Payer(), Spent("answer", "gpt", 9, 0)))
    assert json.loads(shown("--json"))["total"]["prompt_tokens"] == 7
