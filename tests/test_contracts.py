"""`lint-imports` refuses imports of what a layer must not know, whichever module they are in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REFUSED = {
    "bot/console.py": "retrieval.search.searcher",
    "bot/discord/help.py": "bot.answering.composer",
    "bot/fetcher.py": "bot.store.deliveries",
    "bot/line_reader.py": "discord",
    "bot/commands/ask.py": "discord",
    "footnote/synchronous.py": "discord",
    "retrieval/text/text.py": "openai",
    "retrieval/errors.py": "bot.errors",
    "retrieval/papers.py": "retrieval.catalogue.merge",
    "bot/answering/__init__.py": "rich",
    "bot/store/__init__.py": "chromadb",
    "bot/llm/__init__.py": "onnxruntime",
    "storage/errors.py": "retrieval.papers",
    "storage/columns.py": "bot.line_reader",
    "bot/digest/__init__.py": "storage.database",
    "retrieval/catalogue/change_feed.py": "alembic",
    "local_discord/channels.py": "local_discord.people",
}
CIRCLES = {
    "retrieval/catalogue/merge.py": "retrieval.catalogue.catalogue",
    "bot/answering/evidence/models.py": "bot.answering.assessor",
}


def test_an_import_that_crosses_a_border_and_a_module_without_a_layer_are_refused(tmp_path: Path) -> None:
    for package in ("bot", "footnote", "local_discord", "retrieval", "storage"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.json", "*.txt", "*.po"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, name in REFUSED.items():
        file = tmp_path / path
        file.write_text(f"{file.read_text()}\nimport {name}\n")
    for path, name in CIRCLES.items():
        file = tmp_path / path
        file.write_text(f"{file.read_text()}\nimport {name}\n")
    (tmp_path / "bot/unheard_of.py").touch()
    (tmp_path / "bot/discord/unheard_of.py").touch()
    (tmp_path / "local_discord/unheard_of.py").touch()

    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 1
    for path, name in REFUSED.items():
        importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert f"- {importer} -> {name} (" in linted.stdout, importer
    assert "- .merge -> .catalogue (" in linted.stdout
    assert "- .evidence -> .assessor (" in linted.stdout
    assert "- bot.unheard_of\n" in linted.stdout
    assert "- bot.discord.unheard_of\n" in linted.stdout
    assert "- local_discord.unheard_of\n" in linted.stdout
