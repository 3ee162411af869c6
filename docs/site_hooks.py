"""What the site has besides docs/: the README as its first page, and the files elsewhere that pages link to."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Where those files are on the site: as .txt, so that a browser shows them instead of saving them.
ELSEWHERE = "files"
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README as the first page, and every file of the repository that a page links to."""
    start = _start((ROOT / "README.md").read_text(encoding="utf-8"))
    files.append(File.generated(config, "index.md", content=start))
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for target in sorted({target for uri, text in texts.items() for target in _elsewhere(uri, text)}):
        content = (ROOT / target).read_text(encoding="utf-8")
        files.append(File.generated(config, _place(target), content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point links to files outside docs/ at their copies on the site."""
    uri = page.file.src_uri
    up = "../" * uri.count("/")

    def moved(match: re.Match[str]) -> str:
        target = _target(uri, match["path"])
        return f"{up}{_place(target)}" if target else match[0]

    return _LINK.sub(moved, markdown)


def _start(readme: str) -> str:
    """Rewrite the README's links so that they work from inside docs/."""
    inside = re.sub(r"""(?<=[("'])docs/""", "", readme)
    return _LINK.sub(lambda match: match[0] if _inside(match["path"]) else f"../{match[0]}", inside)


def _inside(path: str) -> bool:
    return (ROOT / "docs" / path).exists()


def _elsewhere(uri: str, text: str) -> set[str]:
    return {target for match in _LINK.finditer(text) if (target := _target(uri, match["path"]))}


def _target(uri: str, path: str) -> str | None:
    """Find the file of the repository that a page links to; None if the link stays in docs/ or is no file."""
    target = (ROOT / "docs" / PurePosixPath(uri).parent / path).resolve()
    if not target.is_file() or not target.is_relative_to(ROOT) or target.is_relative_to(ROOT / "docs"):
        return None
    return target.relative_to(ROOT).as_posix()


def _place(target: str) -> str:
    return f"{ELSEWHERE}/{target.replace('/', '-').lstrip('.')}.txt"
