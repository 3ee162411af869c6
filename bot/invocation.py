"""The command that started Footnote, for sentences that say what to run next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

# uv sets the first for everything that `uv run` starts, and the second to its own path.
UV_RUN: Final = "UV_RUN_RECURSION_DEPTH"
UV: Final = "UV"
# The Dockerfile sets it to "docker"; outside the container, commands are run through Compose.
IN_CONTAINER: Final = "container"


def command(rest: str) -> str:
    """How to run `footnote` with these arguments, in the same way as it was started."""
    if os.environ.get(IN_CONTAINER) == "docker":
        return "docker compose up -d" if rest == "run" else f"docker compose run --rm footnote {rest}"
    return f"{_start()} {rest}"


def extra(name: str) -> str:
    """How to install an extra, such as pdf, for Footnote as it is installed."""
    if _by_uv():
        return f"{_uv()} sync --no-dev --inexact --extra {name}"
    return f"pip install 'footnote[{name}]'"


def _start() -> str:
    if _by_uv():
        return f"{_uv()} run footnote"
    here = Path(sys.argv[0])
    found = shutil.which("footnote")
    if here.name != "footnote" or (found and Path(found).resolve() == here.resolve()):
        return "footnote"
    return shlex.quote(str(here))


def _by_uv() -> bool:
    return UV_RUN in os.environ


def _uv() -> str:
    return "pipx run uv" if "pipx" in Path(os.environ.get(UV, "")).parts else "uv"
