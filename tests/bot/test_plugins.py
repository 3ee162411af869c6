"""Plugins: the package of docs/extending.md is installed as its page says, and run from the command line."""

from __future__ import annotations

import json
import re
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from bot.fetcher import open_fetcher
from bot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrieval.library import Library
    from tests.terminal import Result

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
EXAMPLES = ("lab_list", "hashed_words", "one_line")
ASKED = "which papers train robots with language corrections?"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def install(folder: Path, groups: dict[str, dict[str, str]], patch: pytest.MonkeyPatch, **files: str) -> None:
    """Write what pip installs: modules, and a dist-info with the package's name and entry points."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    info = folder / "footnote_lab-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: footnote-lab\nVersion: 1.0\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {at}\n" for name, at in each.items()) for group, each in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    patch.syspath_prepend(str(folder))


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


@pytest.fixture
def installed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of the page, installed from its code blocks."""
    (toml,) = blocks("toml")
    groups = tomllib.loads(toml)["project"]["entry-points"]
    install(packages, groups, monkeypatch, **dict(zip(EXAMPLES, blocks("python"), strict=True)))


@pytest.fixture
def served() -> Iterator[tuple[str, list[object]]]:
    """The address of a lab's list, and its entries."""
    entries: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(entries).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"lab:http://127.0.0.1:{server.server_port}/list.json", entries
    server.shutdown()
    server.server_close()


def test_the_page_shows_the_files_that_are_linted() -> None:
    shown = blocks("python")
    assert [(ROOT / "docs" / "examples" / f"{name}.py").read_text(encoding="utf-8") for name in EXAMPLES] == shown


@pytest.mark.usefixtures("installed")
def test_a_source_of_a_plugin_is_read_and_its_papers_are_found(
    seeded_terminal: Callable[..., Result], served: tuple[str, list[object]]
) -> None:
    spec, entries = served
    entries.append(
        {"title": "Otters that sort shells", "abstract": "We watch otters sort shells by size.", "day": "2026-11-20"}
    )
    told = seeded_terminal("ingest", spec)
    assert (told.code, told.out) == (0, "1 new, 0 changed, 0 already known; the library holds 75 papers.\n")
    (best,) = seeded_terminal("search", "otters sorting shells", "--limit", "1", "--json").json
    assert (best["title"], best["source"], best["published"]) == ("Otters that sort shells", "lab", "2026-11-20")
    assert seeded_terminal("ingest", spec).out.startswith("0 new, 0 changed, 1 already known")
    entries.append("no paper")
    told = seeded_terminal("ingest", spec)
    assert told.code == 1
    assert "The lab's list is not the JSON that was expected" in told.err


@pytest.mark.usefixtures("installed")
def test_an_embedding_model_of_a_plugin_embeds_the_library_anew(
    seeded_terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__PROVIDER", "hashed")
    found = seeded_terminal("search", "objective mismatch", "--limit", "3", "--json").json
    assert "Objective Mismatch in Model-based Reinforcement Learning" in [each["title"] for each in found]
    assert seeded_terminal("stats", "--json").json["embedding model"] == "hashed-words-512"
    assert "hashed-words-512 gives 512 dimensions" in seeded_terminal("doctor").out


@pytest.mark.usefixtures("installed")
def test_a_writer_of_a_plugin_writes_and_its_drafts_are_checked(
    seeded_terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_WRITER", "one-line")
    answer = seeded_terminal("ask", ASKED, "--json").json
    assert answer["writer"] == "llm"
    assert answer["statements"][0]["text"].startswith("“")
    assert answer["citations"][0]["title"] in answer["statements"][0]["text"]
    assert seeded_terminal("ask", ASKED, "--json", "--no-llm").json["writer"] == "extractive"
    monkeypatch.setenv("FOOTNOTE_FETCH__SOURCES", "lab:https://example.org/list.json")
    told = seeded_terminal("doctor").out
    assert "writer: the plugin one-line writes answers" in told
    assert "sources: lab:https://example.org/list.json, every 60 minutes" in told


LIES = """
from footnote.plugins import Draft, Support
class Liar:
    def __init__(self, settings): pass
    async def write(self, question, selection):
        yield Draft("Robots are made of cheese.", (Support(1, "Robots are made of cheese."),))
class Failing(Liar):
    async def write(self, question, selection):
        raise RuntimeError("secret")
        yield
"""


@pytest.mark.parametrize(
    ("name", "note"), [("Liar", "did not pass the checks"), ("Failing", "The language model is out of order")]
)
def test_what_a_plugin_makes_up_or_fails_at_gives_way_to_the_papers(
    name: str,
    note: str,
    seeded_terminal: Callable[..., Result],
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(packages, {"footnote.writers": {"bad": f"lies:{name}"}}, monkeypatch, lies=LIES)
    monkeypatch.setenv("FOOTNOTE_WRITER", "bad")
    answer = seeded_terminal("ask", ASKED, "--json").json
    assert answer["writer"] == "extractive"
    assert note in answer["note"]
    assert "cheese" not in json.dumps(answer)
    assert answer["citations"]


SPENDING = """
from footnote.plugins import Draft, Support, Usage
class Spending:
    def __init__(self, settings): pass
    async def write(self, question, selection):
        paper = selection.hits[0].paper
        yield Usage("lab-model", calls=1, prompt_tokens=900, completion_tokens=120)
        yield Draft(f"It is in “{paper.title}”.", (Support(1, paper.title),))
"""


def test_what_a_plugin_says_that_it_took_is_counted_and_held_to_the_limit(
    seeded_terminal: Callable[..., Result], packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(packages, {"footnote.writers": {"lab": "spending:Spending"}}, monkeypatch, spending=SPENDING)
    monkeypatch.setenv("FOOTNOTE_WRITER", "lab")
    monkeypatch.setenv("FOOTNOTE_LLM__TOKENS_PER_DAY", "1000")
    answer = seeded_terminal("ask", ASKED, "--json").json
    assert (answer["writer"], answer["usage"]["prompt_tokens"]) == ("llm", 900)
    told = seeded_terminal("usage").out
    assert all(word in told for word in ("lab-model", "900", "120"))
    answer = seeded_terminal("ask", ASKED, "--json").json
    assert answer["writer"] == "extractive"
    assert "has used up its budget for today" in answer["note"]


BROKEN = """
from footnote.plugins import Page
class Wrong:
    def __init__(self, *_): pass
class Raising:
    def __init__(self, *_): raise RuntimeError("no licence")
class Failing:
    def __init__(self, *_): pass
    async def pages(self, cursor=None):
        raise KeyError("abstract")
        yield
"""


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("nowhere:Thing", "cannot be used (ModuleNotFoundError: No module named 'nowhere')"),
        ("broken:Thing", "cannot be used (AttributeError: module 'broken' has no attribute 'Thing')"),
        ("broken:Wrong", "cannot be used (AttributeError: what it makes has no "),
        ("broken:Raising", "cannot be used (RuntimeError: no licence); mend it, or uninstall it."),
    ],
)
@pytest.mark.parametrize("kind", ["source", "embedder", "writer"])
def test_a_plugin_that_cannot_be_loaded_is_one_sentence(
    kind: str,
    at: str,
    sentence: str,
    request: pytest.FixtureRequest,
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(packages, {f"footnote.{kind}s": {"bad": at}}, monkeypatch, broken=BROKEN)
    # The first two ingest nothing; a question would fill an empty library before it looks for its writer.
    terminal = request.getfixturevalue("seeded_terminal" if kind == "writer" else "terminal")
    if kind == "source":
        told = terminal("ingest", "bad:x")
    else:
        monkeypatch.setenv("FOOTNOTE_EMBEDDING__PROVIDER" if kind == "embedder" else "FOOTNOTE_WRITER", "bad")
        told = terminal("ask", ASKED)
    assert told.code == 1
    assert told.err.startswith('The plugin "bad" of the package footnote-lab ')
    assert sentence in told.err
    assert told.err.count("\n") == 1


def test_a_source_that_fails_while_it_is_read_is_one_sentence(
    terminal: Callable[..., Result], packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(packages, {"footnote.sources": {"bad": "broken:Failing"}}, monkeypatch, broken=BROKEN)
    told = terminal("ingest", "bad")
    assert told.code == 1
    assert "The plugin \"bad\" failed (KeyError: 'abstract'); mend it, or do without it." in told.err


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("FOOTNOTE_WRITER", "FOOTNOTE_WRITER is wrong: Input should be the name of a plugin that is installed"),
        ("FOOTNOTE_EMBEDDING__PROVIDER", "FOOTNOTE_EMBEDDING__PROVIDER is wrong: Input should be 'local' or 'openai'"),
    ],
)
def test_a_plugin_that_is_not_installed_is_a_wrong_setting(
    name: str, sentence: str, terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "missing")
    told = terminal("ask", ASKED)
    assert told.code == 1
    assert told.err.startswith(sentence)


@pytest.mark.usefixtures("installed")
async def test_the_bot_reads_a_plugin_by_itself_and_misses_no_date_of_its_papers(
    library: Library, served: tuple[str, list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, entries = served
    entries.append({"title": "Otters that sort shells", "abstract": "We watch otters sort shells by size."})
    monkeypatch.setenv("FOOTNOTE_FETCH__SOURCES", spec)
    reported: list[str] = []

    async def report(sentence: str) -> None:
        reported.append(sentence)

    async with open_fetcher(Settings.load(), library, report) as fetcher:
        (source,) = fetcher.sources
        await fetcher.fetch(source)
        assert (await library.counts()).papers == 1
        entries.clear()
        entries.append("no paper")
        await fetcher.fetch(source)
    assert reported == ["The lab's list is not the JSON that was expected; tell whoever keeps it."]
