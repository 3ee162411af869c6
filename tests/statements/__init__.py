"""Read the true and false statements of tests/eval/statements, and run the checks on them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answering.answer import Draft, Support
from bot.answering.checks import Checked, Rejection, check
from retrieval.papers import Evidence, Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.papers import Paper

SETS = ("first", "second", "third")
_FOLDER = Path(__file__).parents[1] / "eval" / "statements"


@dataclass(frozen=True)
class Statement:
    """A sentence, the papers (by the beginning of the title) and quotes that support it, and whether it is true."""

    text: str
    supports: tuple[tuple[str, str], ...]
    true: bool
    kind: str
    language: str


def read(name: str) -> list[Statement]:
    rows = [json.loads(line) for line in (_FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return [
        Statement(
            row["text"],
            tuple((support["paper"], support["quote"]) for support in row["supports"]),
            row["true"],
            row["kind"],
            row["language"],
        )
        for row in rows
    ]


def checked(statement: Statement, papers: Sequence[Paper]) -> Checked | Rejection:
    """Run the checks on a statement, with all of its papers given."""
    hits = [Hit(paper, 1.0, (), (), Evidence(0.5, 0.5, 5.0, 0.5, 0.5)) for paper in papers]
    supports = tuple(
        Support(next(place for place, each in enumerate(papers, 1) if each.title.startswith(title)), quote)
        for title, quote in statement.supports
    )
    return check(Draft(statement.text, supports), hits, language=statement.language)


def judged(statement: Statement, papers: Sequence[Paper]) -> tuple[str, str]:
    """Tell whether a statement passes, fails or is doubtful, and for what reason it fails."""
    outcome = checked(statement, papers)
    if isinstance(outcome, Rejection):
        return "fails", outcome.reason
    return ("doubtful" if outcome.doubtful else "passes"), ""
