"""Run the Dockerfile's build stage in a new folder, and try the result as the image's user; needs no Docker daemon.

    uv run python bench/image_steps.py [PYTHON]

COPY and RUN are taken from the Dockerfile, with / replaced by the folder. If this runs as root, the program is then run
as the image's user, who may only write to /data; that user must be able to read PYTHON. Not tested are the base image
and the second stage's own files.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
USER = 10001
ASKED = "does a better one-step likelihood give you a better controller?"


def main(python: str) -> None:
    """Build, and try."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        root.chmod(0o755)
        started = time.monotonic()
        _build(root, python)
        built = time.monotonic() - started
        shutil.rmtree(root / "src")
        size = sum(path.lstat().st_size for path in (root / "opt").rglob("*")) // 1_000_000
        print(f"built in {built:.0f} s; /opt/footnote has {size} MB")
        (root / "data").mkdir(mode=0o700)
        _try(root, root / "data")


def _build(root: Path, python: str) -> None:
    here = root
    for line in (HERE / "Dockerfile").read_text().split("\nFROM ")[1].splitlines():
        word, _, rest = line.partition(" ")
        if word == "WORKDIR":
            here = root / rest.lstrip("/")
            here.mkdir(parents=True)
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(HERE / source, here / target)
        elif word == "RUN":
            command = re.sub(r"(?<!\S)/", f"{root}/", rest)
            command = re.sub(r"^python(?= )", shlex.quote(python), command)
            subprocess.run(["/bin/bash", "-c", command], cwd=here, check=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _try(root: Path, data: Path) -> None:
    as_user: dict[str, Any] = {}
    if os.getuid() == 0:
        os.chown(data, USER, USER)
        as_user = {"user": USER, "group": USER, "extra_groups": []}
    environment = {
        "PATH": f"{root}/opt/footnote/bin:/usr/bin:/bin",
        "HOME": str(data),
        "FOOTNOTE_DATA_DIR": str(data),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(*arguments: str) -> str:
        command = [f"{root}/opt/footnote/bin/footnote", *arguments]
        done = subprocess.run(
            command, cwd=data, env=environment, capture_output=True, text=True, check=False, **as_user
        )
        if done.returncode:
            sys.exit(f"footnote {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return str(done.stdout)

    print(run("--version").strip())
    print("answers:", json.loads(run("ask", ASKED, "--json"))["citations"][0]["title"])
    print(run("doctor"))
    written = {path.name for path in data.iterdir()}
    print("written to /data alone:", ", ".join(sorted(written)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "python3")
