"""Times are timedeltas: no constant is a bare number whose unit stands in its name or in the comment on it."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
FOLDERS: Final = ("bot", "footnote", "local_discord", "retrieval", "storage")
UNITS: Final = {"microseconds", "milliseconds", "ms", "seconds", "minutes", "hours"}
# Numbers that others write or read, in a unit that is theirs.
EXCEPTIONS: Final = {
    "bot/metrics.py: _BUCKETS": "Prometheus wants a histogram's buckets in the unit of what is measured",
    "local_discord/limits.py: AUTO_ARCHIVE_MINUTES": "the only values of a field of Discord's",
    "retrieval/sources/dates.py: _LIKELY_MILLISECONDS": "compared with a number in a file, which may be a year too",
}


def is_bare(value: ast.expr | None) -> bool:
    """Whether a value is a number, an expression of numbers, or a collection of them."""
    match value:
        case ast.Constant(value=number):
            return isinstance(number, (int, float)) and not isinstance(number, bool)
        case ast.UnaryOp(operand=operand):
            return is_bare(operand)
        case ast.BinOp(left=left, right=right):
            return is_bare(left) or is_bare(right)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return any(map(is_bare, elements))
    return False


def comments(source: str) -> dict[int, str]:
    """The comments by their lines; of each only what stands before a semicolon or colon: the rest explains."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: re.split("[;:]", token.string)[0] for token in tokens if token.type == tokenize.COMMENT}


def bare_times(source: str) -> Iterator[str]:
    """Yield the constants of a module whose name, comment or comment in the line above says a unit of time."""
    told, lines = comments(source), source.splitlines()
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if is_bare(
                node.value
            ):
                above = told.get(node.lineno - 1, "") if lines[node.lineno - 2].startswith("#") else ""
                words = re.findall(r"[a-z]+", f"{name} {told.get(node.end_lineno or 0, '')} {above}".lower())
                if UNITS.intersection(words):
                    yield name


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_time_is_a_bare_number(folder: str) -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in (ROOT / folder).rglob("*.py")
        for name in bare_times(path.read_text(encoding="utf-8"))
    }
    assert found == {name for name in EXCEPTIONS if name.startswith(f"{folder}/")}


@pytest.mark.parametrize(
    "source",
    [
        "PAUSE = 1.5  # seconds between two looks",
        "PAUSE: Final = 2 * 60  # in seconds",
        "PAUSES = (0.1, 0.2)  # seconds; people wait for less",
        "PAUSE_SECONDS: Final = 1",
        "RETRY_MS = 500",
        "# Seconds until a retry.\nPAUSE = 1.5",
        "LONGER = PAUSE + 15  # seconds",
    ],
)
def test_a_bare_number_with_a_unit_is_found(source: str) -> None:
    assert len(list(bare_times(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "PAUSE = timedelta(seconds=1.5)  # the model answers within seconds",
        "PAUSE: Final = LEASE / 4",
        "PAGES = 500  # of a book; reading one takes minutes",
        "PAUSE = timedelta(seconds=1)  # many seconds\nPAGES = 500",
    ],
)
def test_other_numbers_and_times_with_a_unit_are_fine(source: str) -> None:
    assert list(bare_times(source)) == []
