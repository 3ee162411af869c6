"""Check what docs/ says about the code: settings, commands and messages, and each command and block on its pages."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import typer.main
import yaml

from bot.cli import app
from bot.llm.address import Address
from bot.settings import Settings
from bot.store.store_tables import metadata
from docs.make_reference import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.terminal import Result

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@cache
def sentences() -> frozenset[str]:
    """List every string of the code, with … where a value is inserted."""
    found = set()
    for package in ("bot", "retrieval", "storage"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                    found.add("".join(parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(re.sub(r"\{\w+\}", "…", node.value))
    return frozenset(found)


MESSAGES = re.findall(r"^\| “(.+?)” \|", (DOCS / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_troubleshooting_quotes_messages() -> None:
    assert len(MESSAGES) > 60
    assert len(set(MESSAGES)) == len(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_troubleshooting_page_is_one_of_footnotes(message: str) -> None:
    shown = message.strip("…") if message.strip("… ") else message
    assert any(shown in sentence for sentence in sentences())


PRIVACY = (DOCS / "privacy.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)


def fences(*languages: str) -> list[tuple[str, str]]:
    """List each code block of the pages in one of these languages, with its page."""
    return [
        (page.relative_to(ROOT).as_posix(), fence["text"])
        for page in PAGES
        for fence in FENCE.finditer(page.read_text(encoding="utf-8"))
        if fence["language"] in languages
    ]


def simple_commands(line: str) -> list[list[str]]:
    """Split a line of shell into its commands, without the variables that are set before them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a program's output
        return []
    found: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("|&;()"):
            found.append([])
        elif found[-1] or not re.match(r"\w+=", word):
            found[-1].append(word)
    return [command for command in found if command]


def of_footnote(command: list[str]) -> list[str] | None:
    """Get the arguments that a command gives to footnote; None if it runs something else."""
    words = command[2:] if command[:2] == ["uv", "run"] else command
    if words[0] == "docker":
        for before in (["run", "--rm", "footnote"], ["exec", "footnote", "footnote"]):
            for start in range(len(words)):
                if words[start : start + 3] == before:
                    return words[start + 3 :]
        return None
    if words[0] == "systemd-run":
        words = words[next(at for at, word in enumerate(words) if word.endswith("/footnote")) :]
    is_it = words[0] == "footnote" or words[0].endswith("/bin/footnote")
    return words[1:] if is_it and not re.match(r"\d", " ".join(words[1:])) else None  # its version is no command


def shell_commands() -> Iterator[tuple[str, list[str]]]:
    """Yield each command in the pages' blocks and lines of code, with its page."""
    for page, text in fences("", "bash", "sh", "console"):
        for line in text.replace("\\\n", " ").splitlines():
            yield from ((page, command) for command in simple_commands(line.partition("  #")[0]))
    for file in PAGES:
        for code in re.findall(r"(?<!`)`((?:uv run|footnote|docker) [^`]+)`", FENCE.sub("", file.read_text("utf-8"))):
            yield from ((file.relative_to(ROOT).as_posix(), command) for command in simple_commands(code))


def of_blocks() -> list[tuple[str, ...]]:
    """List each footnote command in a block, once."""
    found: dict[tuple[str, ...], None] = {}
    for _, text in fences("", "bash", "sh", "console"):
        for line in text.splitlines():
            for command in simple_commands(line):
                if (given := of_footnote(command)) is not None:
                    found[tuple(given)] = None
    return list(found)


def leaves(command: Any, name: str = "footnote") -> Iterator[tuple[str, Any]]:
    """Yield every command of a group, with its whole name."""
    for below, each in command.commands.items():
        if hasattr(each, "commands"):
            yield from leaves(each, f"{name} {below}")
        else:
            yield f"{name} {below}", each


@pytest.mark.parametrize("given", of_blocks(), ids=" ".join)
def test_the_command_line_takes_a_command_of_the_pages(
    given: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if given[0] == "recover":
        (tmp_path / given[1]).touch()
    root = typer.main.get_command(app)
    called = []
    for name, leaf in leaves(root):
        leaf.callback = lambda name=name, **_: called.append(name)
    root.main(args=list(given), prog_name="footnote", standalone_mode=False)
    assert called or given == ("--version",)


def test_the_words_of_a_command_in_a_line_of_text_exist() -> None:
    known = {
        name: {flag for each in leaf.params for flag in (*each.opts, *each.secondary_opts)}
        for name, leaf in leaves(typer.main.get_command(app))
    }
    anywhere = {"--help", "--verbose", "--data-dir", "--version"}
    seen = 0
    for page, command in shell_commands():
        given = of_footnote(command) or []
        words = [word for word in given[2 * (given[:1] == ["--data-dir"]) :] if not word.startswith("-")]
        if not words or not re.fullmatch(r"[a-z]+", words[0]):  # a placeholder such as COMMAND
            continue
        names = (f"footnote {' '.join(words[:count])}" for count in (2, 1))
        name = next((each for each in names if each in known), "")
        assert name, (page, command)
        flags = {word.partition("=")[0] for word in given if re.match(r"--?[a-z]", word)}
        assert flags <= known[name] | anywhere, (page, command)
        seen += 1
    assert seen > 60


# Why a command on the pages is only parsed here, and what runs it instead.
NOT_RUN = {
    "copy": "needs a PostgreSQL: tests/bot/test_copy.py",
    "demo": "goes on until it is stopped: tests/bot/test_demo.py",
    "embed": "needs a PostgreSQL: tests/retrieval/index/test_embedding_worker.py",
    "eval": "names a data set that is not here: tests/bot/test_report.py",
    "ingest": "asks the network: tests/bot/test_ingest.py",
    "mcp": "goes on until it is stopped: tests/bot/test_mcp.py",
    "run": "goes on until it is stopped: tests/bot/test_run.py",
    "setup": "asks servers, and a person: tests/bot/test_setup.py",
}
BIB = """
@misc{one, title={Objective Mismatch in Model-based Reinforcement Learning}, eprint={2002.04523}, archiveprefix={arXiv},
  abstract={Better one-step likelihood is not always correlated with better control.}}
@misc{two, title={Otters that sort shells}, doi={10.1000/otters}, abstract={We watch otters sort shells by size.}}
"""


def test_what_is_not_run_has_a_test_of_its_own() -> None:
    assert NOT_RUN.keys() <= {name.split()[1] for name, _ in leaves(typer.main.get_command(app))}
    assert all((ROOT / reason.rpartition(": ")[2]).is_file() for reason in NOT_RUN.values())


def test_the_commands_of_the_pages_run_one_after_the_other_on_a_small_library(
    seeded_terminal: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "papers.bib").write_text(BIB)
    assert seeded_terminal("ingest", "papers.bib").code == 0
    assert seeded_terminal("remove", "10.1000/otters", "--yes").code == 0
    ran = 0
    for given in of_blocks():
        at_home = given[0] not in NOT_RUN and "/" not in " ".join(given).replace("/dev", "")
        if at_home and "lab:" not in " ".join(given):
            told = seeded_terminal(*given)
            assert told.code == 0, (given, told.err)
            ran += 1
    assert ran > 15


def test_programs_tests_and_files_that_the_pages_name_are_here() -> None:
    for page, command in shell_commands():
        words = command[2:] if command[:2] == ["uv", "run"] else command
        while words and words[0].startswith("-"):  # uv's own options, such as --group bench
            words = words[2:]
        if words and words[0] == "python" and "-c" not in words:
            program = words[2].replace(".", "/") + ".py" if words[1] == "-m" else words[1]
            text = (ROOT / program).read_text(encoding="utf-8")
            if program.startswith("bench/") and program != "bench/all.py":
                for flag in (word for word in words[2:] if word.startswith("--")):
                    assert flag in text, (page, command)
        if words and words[0] == "pytest":
            for word in words[1:]:
                assert not word.startswith("tests") or (ROOT / word).exists(), (page, command)
    for file in PAGES:
        named = re.findall(
            r"`((?:bench|bot|deploy|docs|local_discord|retrieval|storage|tests)/[\w./-]*)`", file.read_text("utf-8")
        )
        assert [name for name in named if not (ROOT / name).exists()] == [], file


def test_what_the_pages_call_by_its_dotted_name_is_there() -> None:
    for file in PAGES:
        dotted = re.findall(r"`((?:bot|local_discord|retrieval|storage)(?:\.(?!py`)\w+)+)`", file.read_text("utf-8"))
        for name in dotted:
            module, rest = ROOT, name.split(".")
            while rest and (module / rest[0]).is_dir():
                module /= rest.pop(0)
            module = module / f"{rest.pop(0)}.py" if rest and (module / f"{rest[0]}.py").is_file() else module
            text = (module / "__init__.py" if module.is_dir() else module).read_text(encoding="utf-8")
            assert not rest or re.search(rf"\b{rest[0]}\b", text), (file, name)


def values() -> list[tuple[str, str]]:
    """List each setting that a block or a line of the pages sets."""
    found: dict[tuple[str, str], None] = {}
    for page in PAGES:
        for name, value in re.findall(r"(?<![\w`])`?(FOOTNOTE_\w+)=([^\s`;]+)", page.read_text(encoding="utf-8")):
            found[name, value.rstrip(",.")] = None
    return list(found)


@pytest.mark.parametrize(("name", "value"), values())
def test_a_setting_that_the_pages_set_is_taken(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "FOOTNOTE_WRITER" or value in {"hashed", "NAME"}:  # plugins, which tests/bot/test_plugins.py installs
        monkeypatch.setattr("retrieval.plugin_loader.plugin_names", lambda _group: ("hashed", "one-line", "NAME"))
    before = Settings.load()
    monkeypatch.setenv(name, re.sub(r"…|[A-Z]+-[A-Z]+(?=:)", "x", value))
    settings = Settings.load()
    assert settings != before
    if name == "FOOTNOTE_LLM__BASE_URL":
        assert Address.read(value).base_url
    if name == "FOOTNOTE_CHROMA__URL":
        assert settings.chroma.server


def test_each_python_block_is_run_by_a_test() -> None:
    # tests/footnote/test_public_face.py runs those of the first two pages, tests/bot/test_plugins.py those of the last.
    counts: dict[str, int] = {}
    for page, _ in fences("python", "py"):
        counts[page] = counts.get(page, 0) + 1
    assert counts == {"README.md": 1, "docs/python.md": 2, "docs/extending.md": 3}


def test_blocks_of_data_can_be_read() -> None:
    assert all(json.loads(text) for _, text in fences("json"))
    assert all(tomllib.loads(text) for _, text in fences("toml"))
    assert all(yaml.safe_load(text) for _, text in fences("yaml"))


def test_the_page_on_privacy_names_every_table_of_the_memory() -> None:
    named = re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\|.*\| (`[a-z_`, ]+`) \|$", PRIVACY, re.MULTILINE)))
    assert sorted(named) == sorted(metadata.tables)


def test_the_pages_of_settings_and_commands_are_those_of_the_code() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"run: uv run python docs/make_reference.py ({name})"


class Links(HTMLParser):
    """The links of a page, what it loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.loads: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        self.loads += [given[name] for name in ("src", "srcset", "data") if given.get(name)]
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])
        elif tag == "link" and given.get("rel") not in {"canonical", "next", "prev"}:
            self.loads.append(given["href"])


def test_the_site_builds_without_a_warning_its_links_hold_and_it_loads_nothing_of_others(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    assert "WARNING" not in built.stderr
    site = {file.resolve(): Links(file.read_text("utf-8")) for file in (tmp_path / "site").rglob("*.html")}
    assert len(site) > 35
    for file, links in site.items():
        if file.name == "404.html":  # it is served for any folder, so its paths begin at the root
            continue
        assert [each for each in links.loads if urlsplit(each).scheme not in {"", "data"}] == [], file
        for link in [*links.leads, *links.loads]:
            parts = urlsplit(link)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), (file.name, link)
            if parts.fragment and target in site:
                assert unquote(parts.fragment) in site[target].names, (file.name, link)
