"""Regular expressions read only a few fixed forms: what a question means is left to fitted models."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bot.answering

ROOM = Path(bot.answering.__file__).parent
MOST = 15
FUNCTIONS = {"compile", "search", "match", "sub", "subn", "split", "findall", "finditer", "fullmatch"}


def patterns() -> list[tuple[Path, int]]:
    """Find every use of a regular expression in the package, by file and line."""
    return [
        (file, node.lineno)
        for file in sorted(ROOM.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    ]


def test_the_room_that_answers_has_few_patterns() -> None:
    assert len(patterns()) <= MOST


@pytest.mark.parametrize(("file", "line"), patterns(), ids=lambda each: str(getattr(each, "stem", each)))
def test_each_pattern_has_its_reason(file: Path, line: int) -> None:
    before = file.read_text(encoding="utf-8").splitlines()[line - 2]
    assert before.lstrip().startswith("#")
