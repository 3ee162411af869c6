"""What models cost: the table in prices.csv, by their names; tokens of any other model are counted without a price."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MILLION: Final = 1_000_000
# The day of a snapshot, as OpenAI (-2026-03-17) and Anthropic (-20260317) put it behind a name.
_SNAPSHOT: Final = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True, slots=True)
class Price:
    """Hold US dollars for a million tokens read and written, and when which page said so."""

    read: float
    written: float
    checked: date
    source: str

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what so many tokens cost, in US dollars."""
        return (self.read * prompt_tokens + self.written * completion_tokens) / _MILLION


def price_of(model: str) -> Price | None:
    """Return the price of a model, with its maker in front or its day behind or without; None where it is unknown."""
    name = model.rpartition("/")[2].casefold()
    return _prices().get(name) or _prices().get(_SNAPSHOT.sub("", name))


@cache
def _prices() -> Mapping[str, Price]:
    lines = resources.files("bot.llm").joinpath("prices.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {
        row["model"]: Price(
            float(row["input"]), float(row["output"]), date.fromisoformat(row["checked"]), row["source"]
        )
        for row in rows
    }
