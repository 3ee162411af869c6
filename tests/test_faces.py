"""The public face of each package exports what it declares, from the declared module, and loads it on first use."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).parents[1]
LAZY = ("retrieval", "bot.answering", "bot.llm", "bot.digest", "bot.discord")
FACES = (
    *LAZY,
    "bot.answering.conversation",
    "bot.store",
    "footnote",
    "local_discord",
    "retrieval.embedding",
    "retrieval.sources",
)


def declared(package: str) -> dict[str, str]:
    """Map each name that a package declares to type checkers to the module it comes from."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module not in {"__future__", "retrieval.lazy_exports"}
        for alias in node.names
    }


@pytest.mark.parametrize("package", FACES)
def test_a_face_exports_what_it_says_and_nothing_twice(package: str) -> None:
    module = import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert (module.__doc__ or "").strip()


@pytest.mark.parametrize("package", LAZY)
def test_a_lazy_export_is_the_one_that_type_checkers_are_told_of(package: str) -> None:
    module = import_module(package)
    told = {name: home for name, home in declared(package).items() if home.startswith(f"{package}.")}
    assert set(told) == set(module.__all__)
    for name, home in told.items():
        assert getattr(module, name) is getattr(import_module(home), name)
    with pytest.raises(AttributeError, match="no attribute 'nowhere'"):
        module.nowhere  # noqa: B018


@pytest.mark.parametrize("package", FACES)
def test_every_export_that_is_a_class_or_a_function_says_what_it_is_for(package: str) -> None:
    module = import_module(package)
    found = {name: getattr(module, name) for name in module.__all__}
    silent = [
        name
        for name, what in found.items()
        if isinstance(what, type | FunctionType) and not (what.__doc__ or "").strip()
    ]
    assert silent == []


def test_to_name_a_package_loads_none_of_its_parts() -> None:
    named = "import sys, retrieval, bot.answering, bot.llm, bot.digest, bot.discord"
    heavy = ("numpy", "sqlalchemy", "chromadb", "openai", "discord", "onnxruntime", "typing")
    script = f"{named}; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"
