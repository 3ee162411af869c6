import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_one_command_measures_peers_side_by_side_and_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nWhat others wrote.\n", encoding="utf-8")
    command = [sys.executable, "-m", "bench.all", "--papers", "5", "--queries", "5", "--rounds", "1"]
    command += ["--peers", "footnote,bare-model,plain-chroma", "--at-once", "3", "--soak", "2", "--doc", str(page)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert ended.returncode == 0, ended.stderr[-2000:]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Performance\n\nWhat others wrote.\n\n## Beside what people build instead\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    first = {row[0]: row for row in reversed(rows)}
    assert float(first["the ONNX model alone, over Footnote's windows"][2]) == 1
    assert 0 < float(first["Footnote"][2]) < 1.5
    searched = [row for row in rows if row[0] in {"Footnote", "plain Chroma"}][2:]
    assert [row[4:] for row in searched] == [["1.000", "1.000"]] * 2
    at_once = first["3"]
    assert "0 errors" in at_once[3]
    assert "for Footnote one that is checked" in text
    assert str(tmp_path) not in text
    assert "plain Chroma" in (tmp_path / "pictures" / "peers.svg").read_text(encoding="utf-8")
