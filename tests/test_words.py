"""Names in the code: no retired word comes back, no module is a gerund, no two modules share a basename."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
FOLDERS: Final = ("bot", "footnote", "local_discord", "retrieval", "storage")
MODULES: Final = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

# docs/glossary.md says which words replace these.
RETIRED: Final = {
    "at",
    "desk",
    "each",
    "inflight",
    "in_flight",
    "kept",
    "keptanswer",
    "livemessage",
    "opening",
    "place",
    "places",
    "readings",
    "said",
    "shelf",
    "spoken",
    "take_in",
}
# Names of modules that end like gerunds but are nouns of the field.
NOUNS: Final = {"ranking", "spelling"}
# Files that any package may have.
EVERYWHERE: Final = {"__init__.py", "errors.py"}


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each name that a module itself makes, with its line; not those that it imports or uses from others."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name


def retired(source: str) -> list[str]:
    return [f"{line}: {name}" for line, name in names(ast.parse(source)) if name.strip("_").lower() in RETIRED]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_retired_word_comes_back_as_a_name(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == folder and (lines := retired(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "for each in papers: pass",
        "sizes = [len(each) for each in papers]",
        "def locate(at: int) -> int: ...",
        "class Shelf: ...",
        "self._kept = 1",
        "key = lambda said: 1",
        "if place := 1: pass",
        "from x import y as readings",
        "with open(name) as opening: pass",
    ],
)
def test_a_retired_word_is_found_wherever_a_name_is_made(source: str) -> None:
    assert len(retired(source)) == 1


def test_what_others_call_theirs_is_theirs() -> None:
    assert retired("frame.at[0] = frame.iloc[0]\nprint(message.place, at=1)") == []


def test_no_module_is_a_gerund() -> None:
    assert [
        str(path.relative_to(ROOT)) for path in MODULES if path.stem.endswith("ing") and path.stem not in NOUNS
    ] == []


def test_no_basename_stands_twice() -> None:
    counted = Counter(path.name for path in MODULES if path.name not in EVERYWHERE and path.parent.name != "versions")
    assert [name for name, count in counted.items() if count > 1] == []
