from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from bot.machine import ShortageError, refuse_shortage, shortage_behind

ROOT = Path(__file__).parents[2]


def test_few_open_files_are_a_sentence_and_cost_no_index(seeded_dir: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(seeded_dir, data, symlinks=True)
    before = {path: path.read_bytes() for path in (data / "chroma").rglob("*") if path.is_file()}
    command = [sys.executable, "-m", "bot", "search", "objective mismatch", "--data-dir", str(data)]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("Too few files may be open at once")
    assert (ran.stderr.count("\n"), "ulimit -n" in ran.stderr) == (1, True)
    assert {path: path.read_bytes() for path in (data / "chroma").rglob("*") if path.is_file()} == before


def test_a_full_disk_is_said_before_anything_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))
    with pytest.raises(ShortageError, match=r"5 MB are free where .*; free 100 MB there"):
        refuse_shortage(tmp_path / "not" / "there" / "yet")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (sa.exc.OperationalError("INSERT", None, Exception("database or disk is full")), "disk is full"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("Load model failed:std::bad_alloc"), "not enough memory"),
        (OSError(errno.EACCES, "Permission denied"), None),
        (ValueError("a full sentence"), None),
    ],
)
def test_what_the_machine_lacks_is_told_from_other_errors_also_behind_one(error: Exception, words: str | None) -> None:
    behind = RuntimeError("something else")
    behind.__cause__ = error
    for each in (error, behind):
        sentence = shortage_behind(each)
        assert (sentence is None) == (words is None)
        assert words is None or words in str(sentence)
