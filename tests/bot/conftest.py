from __future__ import annotations

import gc
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from bot.__main__ import main
from tests.terminal import Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def started_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sentences say `footnote` rather than `uv run footnote`, however the tests were started."""
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)


@pytest.fixture
def terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path
) -> Callable[..., Result]:
    """Run the command line as a shell would, over an empty library, with the model that the session has built."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".footnote").mkdir()
    (tmp_path / ".footnote" / "models").symlink_to(models)

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "argv", ["footnote", *arguments])
        (tmp_path / "stdin").write_bytes(stdin)
        monkeypatch.setattr(sys, "stdin", (tmp_path / "stdin").open())
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:  # a real process would end here
            gc.unfreeze()
            gc.enable()
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def seeded_terminal(terminal: Callable[..., Result], tmp_path: Path, seeded_dir: Path) -> Callable[..., Result]:
    """Run the command line over a library that holds seeds/."""
    shutil.rmtree(tmp_path / ".footnote")
    shutil.copytree(seeded_dir, tmp_path / ".footnote", symlinks=True)
    return terminal
