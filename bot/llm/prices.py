"""Prices of models, from prices.csv; tokens of models that are not listed are counted without a price."""

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
# The snapshot date that OpenAI (-2026-03-17) and Anthropic (-20260317) append to a model's name.
_SNAPSHOT: Final = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens read and written, and the page and day on which they were checked."""

    read: float
    written: float
    checked: date
    source: str

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Compute the cost of tokens, in US dollars."""
        return (self.read * prompt_tokens + self.written * completion_tokens) / _MILLION


def price_of(model: str) -> Price | None:
    """Look up the price of a model, with or without vendor prefix and snapshot date; None if it is unknown."""
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
