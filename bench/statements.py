"""Count how the checks judge the true and false statements of tests/eval/statements, by kind.

    uv run python bench/statements.py [first] [second] [third] [--each]

`--each` prints the misjudged statements, with the reason. The output goes to docs/quality.md.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from retrieval.sources import open_source
from tests.papers import plain
from tests.statements import SETS, judged, read

if TYPE_CHECKING:
    from tests.statements import Statement

OUTCOMES = ("passes", "doubtful", "fails")


def main() -> None:
    """Print a table for each set asked for, or for all."""
    asked = [name for name in SETS if name in sys.argv[1:]] or SETS
    papers = plain(open_source("seeds").papers)
    for name in asked:
        counts: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
        for statement in read(name):
            outcome, why = judged(statement, papers)
            counts[statement.true, "all"][outcome] += 1
            counts[statement.true, statement.kind][outcome] += 1
            if "--each" in sys.argv and statement.true != (outcome == "passes"):
                print(_line(statement, outcome, why))
        for true in (True, False):
            print(f"\n{name}, {'true' if true else 'false'}: {', '.join(OUTCOMES)}")
            for (of, kind), count in sorted(counts.items()):
                if of == true:
                    print(f"  {kind:16}", *(f"{count[outcome]:4}" for outcome in OUTCOMES))


def _line(statement: Statement, outcome: str, why: str) -> str:
    return f"{'true ' if statement.true else 'FALSE'} {outcome:8} {why:16} {statement.kind:14} {statement.text}"


if __name__ == "__main__":
    main()
