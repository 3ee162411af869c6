"""Shell completion of commands and flags."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


def run(*command: str, **more: str) -> str:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **more}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("se", {"search", "setup"}), ("ask --no", {"--no-llm"}), ("digest ", {"preview"}), ("--vers", {"--version"})],
)
def test_bash_completes_what_is_typed(typed: str, offered: set[str]) -> None:
    words = ["footnote", *typed.split(" ")]
    script = f"""
        eval "$(footnote --show-completion bash)"
        COMP_WORDS=({" ".join(repr(word) for word in words)})
        COMP_CWORD={len(words) - 1}
        _footnote_completion footnote
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert set(run("bash", "-c", script).split()) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_the_same(shell: str) -> None:
    script = run("footnote", _FOOTNOTE_COMPLETE=f"source_{shell}")
    assert f"complete_{shell}" in script
    if shutil.which(shell):
        run(shell, "-n", "-c", script)
    asked = {"_TYPER_COMPLETE_ARGS": "footnote se", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    told = run("footnote", _FOOTNOTE_COMPLETE=f"complete_{shell}", **asked)
    assert "search" in told
    assert "ingest" not in told


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_it_is_installed_once_where_bash_reads_it(tmp_path: Path) -> None:
    for _ in range(2):
        run("bash", "-c", "footnote --install-completion", HOME=str(tmp_path))
    assert (tmp_path / ".bashrc").read_text().count("footnote") == 1
    bash = ("bash", "--rcfile", str(tmp_path / ".bashrc"), "-i", "-c", "complete -p footnote")
    assert "_footnote_completion" in run(*bash, HOME=str(tmp_path))
