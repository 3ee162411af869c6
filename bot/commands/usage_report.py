"""`footnote usage`: language model usage and cost, by day, purpose and model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bot.console import print_json, printable, stdout
from bot.factory import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bot.settings import Settings
    from bot.store import Spending


async def usage(settings: Settings, since: date | None, *, as_json: bool) -> None:
    """Print the usage since a day (UTC), by default the first of this month."""
    first = since or datetime.now(UTC).date().replace(day=1)
    async with open_store(settings) as store:
        spendings = await store.usage.since(first)
    if as_json:
        print_json(
            {"since": first.isoformat(), "rows": [_row(spending) for spending in spendings], "total": _total(spendings)}
        )
    elif spendings:
        stdout().print(_table(spendings))
    else:
        stdout().print(f"The language model has not been used since {first}.")


def _row(spending: Spending) -> dict[str, object]:
    return {
        "day": spending.day.isoformat(),
        "purpose": spending.purpose,
        "model": spending.model,
        **_amounts([spending]),
    }


def _amounts(spendings: Sequence[Spending]) -> dict[str, object]:
    costs = [spending.dollars for spending in spendings if spending.dollars is not None]
    return {
        "calls": sum(spending.calls for spending in spendings),
        "estimated_calls": sum(spending.estimated for spending in spendings),
        "prompt_tokens": sum(spending.prompt_tokens for spending in spendings),
        "completion_tokens": sum(spending.completion_tokens for spending in spendings),
        "usd": round(sum(costs), 6) if costs else None,
    }


def _total(spendings: Sequence[Spending]) -> dict[str, object]:
    unpriced = sum(spending.tokens for spending in spendings if spending.dollars is None)
    return _amounts(spendings) | {"unpriced_tokens": unpriced}


def _table(spendings: Sequence[Spending]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_footer=True, caption_justify="left")
    total = _total(spendings)
    names = ["calls", "estimated_calls", "prompt_tokens", "completion_tokens"]
    for heading, footer in [("day", "total"), ("purpose", ""), ("model", "")]:
        table.add_column(heading, footer=footer)
    for heading, name in zip(["calls", "estimated", "read", "written"], names, strict=True):
        table.add_column(heading, footer=f"{total[name]:,}", justify="right")
    table.add_column("US dollars", footer=_money(total["usd"]), justify="right")
    for spending in spendings:
        amounts = _amounts([spending])
        counts = (f"{amounts[name]:,}" for name in names)
        table.add_row(
            str(spending.day),
            Text(printable(spending.purpose)),
            Text(printable(spending.model)),
            *counts,
            _money(amounts["usd"]),
        )
    if total["unpriced_tokens"] and total["usd"] is not None:
        table.caption = f"{total['unpriced_tokens']:,} tokens were used by models whose price is not known."
    return table


def _money(dollars: object) -> str:
    return "-" if dollars is None else f"{dollars:.4f}"
