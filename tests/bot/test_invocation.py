"""Sentences name the command with which Footnote was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import invocation

SCRIPT = Path(sys.executable).with_name("footnote")


@pytest.mark.parametrize(
    ("environment", "started", "installed"),
    [
        (
            {"UV_RUN_RECURSION_DEPTH": "1", "UV": "/usr/bin/uv"},
            "uv run footnote run",
            "uv sync --no-dev --inexact --extra pdf",
        ),
        (
            {"UV_RUN_RECURSION_DEPTH": "1", "UV": "/root/.local/pipx/.cache/36e/bin/uv"},
            "pipx run uv run footnote run",
            "pipx run uv sync --no-dev --inexact --extra pdf",
        ),
        ({"container": "docker"}, "docker compose up -d", "pip install 'footnote[pdf]'"),
        ({"PATH": str(SCRIPT.parent)}, "footnote run", "pip install 'footnote[pdf]'"),
        ({"PATH": "/nowhere"}, f"{SCRIPT} run", "pip install 'footnote[pdf]'"),
    ],
)
def test_what_to_type_next_is_as_it_was_started(
    environment: dict[str, str], started: str, installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_RUN_RECURSION_DEPTH", "UV", "container"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
    assert invocation.command("run") == started
    assert invocation.extra("pdf") == installed


def test_any_other_command_of_a_container_is_run_by_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("container", "docker")  # as systemd and podman write it
    assert invocation.command("rebuild") == "docker compose run --rm footnote rebuild"


def test_an_error_of_the_program_says_it_too(tmp_path: Path) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("UV", "FOOTNOTE"))}
    told = {}
    for how, more in (("uv", {"UV_RUN_RECURSION_DEPTH": "1"}), ("path", {"PATH": f"{SCRIPT.parent}:/usr/bin:/bin"})):
        ran = subprocess.run(
            [SCRIPT, "search", "  "], cwd=tmp_path, env=mine | more, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 1
        told[how] = ran.stderr.strip()
    assert told["uv"] == 'Say what to look for: uv run footnote search "objective mismatch"'
    assert told["path"] == 'Say what to look for: footnote search "objective mismatch"'
