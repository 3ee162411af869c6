from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from retrieval.data_dir import lock_data_dir
from retrieval.text.text import fold
from tests.terminal import Result

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"
ASKED = (
    "has anyone shown that a dynamics net with better one-step likelihood doesnt actually give you a better controller?"
)


@pytest.fixture
def footnote(terminal: Callable[..., Result]) -> Callable[..., Result]:
    return terminal


@pytest.fixture
def seeded(seeded_terminal: Callable[..., Result]) -> Callable[..., Result]:
    return seeded_terminal


def test_a_question_over_an_empty_library_takes_seeds_in_and_cites_the_right_paper(
    footnote: Callable[..., Result], seeds: list[Any]
) -> None:
    answer = footnote("ask", ASKED, "--json").json
    first = answer["citations"][0]
    assert first["title"] == MISMATCH
    assert first["quote"] in next(paper.abstract for paper in seeds if paper.title == MISMATCH)
    assert (answer["refused"], answer["writer"], first["number"]) == (False, "extractive", 1)
    assert answer["question"] == ASKED
    assert all(statement["citations"] for statement in answer["statements"])
    assert set(answer) >= {"standalone_question", "answer", "confidence", "nearest", "timings_ms", "usage"}


@pytest.mark.parametrize("question", ["whats the weather like in berlin tomorrow", "hello there!", "asdfghjkl", "?!"])
def test_a_question_that_no_paper_answers_is_refused_without_a_citation(
    seeded: Callable[..., Result], question: str
) -> None:
    answer = seeded("ask", question, "--json").json
    assert (answer["refused"], answer["citations"], answer["statements"]) == (True, [], [])
    assert answer["answer"]


def test_a_piped_answer_is_plain_text_with_title_number_and_quote(seeded: Callable[..., Result]) -> None:
    shown = seeded("ask", ASKED).out
    assert "\x1b" not in shown
    assert f"[1] {MISMATCH}" in shown
    assert "not always correlated with control performance" in fold(shown)


def test_an_empty_question_is_refused_with_an_example(footnote: Callable[..., Result]) -> None:
    result = footnote("ask", "  ")
    assert result.code == 1
    assert "footnote ask" in result.err


def test_a_conversation_is_answered_until_its_input_ends(seeded: Callable[..., Result]) -> None:
    # A line in another encoding finds little, but does not end the conversation.
    asked = b"\xff\xfe?\nis there an EEG dataset from west africa\nhow many patients vs controls?\n"
    shown = seeded("chat", stdin=asked)
    assert shown.code == 0
    assert shown.out.count("West Africa") + shown.out.count("Nigeria") >= 1
    assert "74 papers" in shown.out


def test_search_prints_the_fields_that_programs_rely_on(seeded: Callable[..., Result]) -> None:
    rows = seeded("search", "objective mismatch", "--limit", "3", "--json").json
    assert len(rows) == 3
    assert set(rows[0]) == {"paper_id", "title", "score", "url", "published", "source", "passage"}
    assert "Objective Mismatch" in rows[0]["title"]
    assert rows[0]["source"] == "seeds"
    nowhere = seeded("search", "objective mismatch", "--source", "seed")
    assert nowhere.code == 1
    assert nowhere.err.strip() == 'No paper is from "seed"; the sources here are: seeds (74).'
    undated = seeded("search", "objective mismatch", "--since", "2026-01-01", "--json")
    assert undated.json == []
    assert undated.err == "74 papers have no date and are left out by --since.\n"


def test_ingest_takes_a_jsonl_file_once(footnote: Callable[..., Result], tmp_path: Path) -> None:
    rows = [{"_id": f"d{n}", "title": f"Paper {n}", "text": f"It is about topic {n}."} for n in range(3)]
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert footnote("ingest", str(file)).out.startswith("3 new, 0 changed, 0 already known")
    assert footnote("ingest", str(file)).out.startswith("0 new, 0 changed, 3 already known")
    assert footnote("stats", "--json").json["papers"] == 3
    assert "None" not in footnote("stats").out


def test_a_bad_line_is_named_and_the_others_are_taken_or_none_if_asked_so(
    footnote: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "papers.jsonl"
    file.write_text('{"_id": "1", "title": "Good", "text": "Fine."}\n' + '{"title": oops}\n' * 12)
    result = footnote("ingest", str(file), "--strict")
    assert result.code == 1
    assert "line 2" in result.err
    assert result.err.count("\n") == 1
    assert footnote("stats", "--json").json["papers"] == 0
    result = footnote("ingest", str(file))
    assert (result.code, result.out) == (0, "1 new, 0 changed, 0 already known; the library holds 1 papers.\n")
    assert result.err.count("it is not JSON") == 10
    assert "2 more could not be read." in result.err


def test_an_unknown_source_is_refused_with_what_is_known(footnote: Callable[..., Result]) -> None:
    result = footnote("ingest", "seedz")
    assert result.code == 1
    assert "seeds" in result.err


def test_pruning_says_what_went_and_needs_the_folder(seeded: Callable[..., Result], tmp_path: Path) -> None:
    lock = lock_data_dir(tmp_path / ".footnote")
    assert "Another footnote process is using" in seeded("prune").err
    lock.release()
    assert seeded("prune").out.startswith("0 rows were older than 90 days and deleted; ")
    assert seeded("stats", "--json").json["papers"] == 74


def test_rebuild_brings_back_a_deleted_index(seeded: Callable[..., Result], tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / ".footnote" / "chroma")
    assert seeded("rebuild").out == "Rebuilt the indexes of 74 papers.\n"
    assert seeded("search", MISMATCH, "--json").json[0]["title"] == MISMATCH


def test_doctor_says_a_line_for_each_part(seeded: Callable[..., Result]) -> None:
    result = seeded("doctor")
    assert result.code == 0
    lines = result.out.splitlines()
    assert [line.split(": ")[0][2:] for line in lines] == [
        "settings",
        "open files",
        "disk",
        "data dir",
        "memory",
        "clock",
        "embedding model",
        "library",
        "sources",
        "language model",
        "health",
        "discord",
    ]


def test_doctor_says_how_to_mend_what_is_wrong(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__MODEL_DIR", "/nowhere")
    monkeypatch.setenv("FOOTNOTE_LLM__BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("FOOTNOTE_DISCORD__TOKEN", "not.to-be.shown")
    monkeypatch.setenv("FOOTNOTE_DISCORD__PROXY", "http://127.0.0.1:1")
    result = footnote("doctor")
    assert result.code == 1
    assert "FOOTNOTE_EMBEDDING__MODEL_DIR" in result.out
    assert "FOOTNOTE_LLM__BASE_URL" in result.out
    assert "FOOTNOTE_DISCORD__PROXY" in result.out
    assert "be.shown" not in result.out + result.err


@pytest.mark.parametrize("token", ["not\nshown", "“not.shown”", "not shown"])
def test_doctor_knows_the_form_of_a_token_as_run_does(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("FOOTNOTE_DISCORD__TOKEN", token)
    seen = footnote("doctor").out.splitlines()[-1]
    assert seen.startswith("✗ discord: FOOTNOTE_DISCORD__TOKEN does not look like a bot token")
    refused = footnote("run")
    assert (refused.code, f"✗ discord: {refused.err.strip().rstrip('.')}") == (1, seen)
    assert "shown" not in seen


@pytest.mark.parametrize(
    ("wanted", "flags", "status", "seen"),
    [
        (False, 0, 200, "✓ discord: the token belongs to scholar"),
        (True, 1 << 19, 200, "✓ discord: the token belongs to scholar"),
        (True, 0, 200, "✗ discord: Discord refuses a privileged intent (4014): switch on Message Content Intent"),
        (False, 0, 401, "✗ discord: Discord refused the bot token (401)"),
        (False, 0, 503, "✗ discord: Discord did not let the bot log in (HTTP 503)"),
    ],
)
def test_doctor_asks_discord_what_run_would_be_refused_for(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, wanted: bool, flags: int, status: int, seen: str
) -> None:
    class Discord(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {
                "/gateway": {},
                "/users/@me": {"username": "scholar"},
                "/applications/@me": {"id": "42", "flags": flags},
            }[self.path]
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Discord) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("bot.preflight.discord_check.DISCORD_API", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("FOOTNOTE_DISCORD__TOKEN", "a.good.token")
        monkeypatch.setenv("FOOTNOTE_DISCORD__MESSAGE_CONTENT", str(wanted))
        result = footnote("doctor")
        server.shutdown()
    assert result.out.splitlines()[-1].startswith(seen)
    assert ("client_id=42&scope=bot+applications.commands&permissions=309237746688" in result.out) == ("✓" in seen)


def test_doctor_names_an_unknown_setting(footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM__MODLE", "x")
    result = footnote("doctor")
    assert result.code == 1
    assert "FOOTNOTE_LLM__MODEL" in result.out


def _beir(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    papers = {
        "d1": (
            "Routing cables with robots",
            "A robot routes cables through clips. It succeeds in 92 percent of trials.",
        ),
        "d2": ("A thalamus for language models", "A router named Thalamus picks the right model for each prompt."),
        "d3": ("EEG from Nigeria", "We release an EEG dataset of 200 patients recorded in Nigeria."),
    }
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": id_, "title": title, "text": text}) + "\n" for id_, (title, text) in papers.items())
    )
    queries = [
        {"_id": "q1", "text": "how often does the robot succeed at routing cables"},
        {"_id": "q2", "text": "which EEG dataset comes from Nigeria"},
        {"_id": "q3", "text": "how many patients were in it", "history": ["which EEG dataset comes from Nigeria"]},
        {"_id": "q4", "text": "what is the capital of Australia"},
        {"_id": "other-split", "text": "never asked"},
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t1\nq3\td3\t1\n")
    judged = [
        {"query_id": "q1", "answerable": True, "kind": "single", "facts": ["92 percent of trials"]},
        {"query_id": "q2", "answerable": True, "kind": "single", "facts": ["recorded in Nigeria"]},
        {"query_id": "q3", "answerable": True, "kind": "follow-up", "facts": ["200 patients"]},
        {"query_id": "q4", "answerable": False, "kind": "far", "facts": []},
    ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in judged))
    return folder


def test_eval_measures_ranking_and_answers_and_writes_both_files(
    footnote: Callable[..., Result], tmp_path: Path
) -> None:
    folder = _beir(tmp_path / "tiny")
    run_file, answers_file = tmp_path / "run.trec", tmp_path / "answers.jsonl"
    arguments = ("--split", "dev", "--run-file", str(run_file), "--answers-file", str(answers_file))
    figures = footnote("eval", str(folder), *arguments, "--json").json
    assert figures["queries"] == 4
    assert set(figures["ranking"]) == {"nDCG@10", "R@1", "R@5", "R@20", "R@100", "MRR@10"}
    assert figures["ranking"]["R@1"] == 1.0
    assert figures["answers"]["unanswerable_refused"] == 1.0
    assert figures["by_kind"]["follow-up"]["count"] == 1

    rows = [line.split() for line in run_file.read_text().splitlines()]
    assert rows[0][:4] == ["q1", "Q0", "d1", "1"]
    assert {row[0] for row in rows} == {"q1", "q2", "q3", "q4"}
    answers = [json.loads(line) for line in answers_file.read_text().splitlines()]
    assert [answer["query_id"] for answer in answers] == ["q1", "q2", "q3", "q4"]
    assert {citation["paper_id"] for answer in answers for citation in answer["citations"]} <= {"d1", "d2", "d3"}
    assert not (tmp_path / ".footnote" / "footnote.db").exists()

    shown = footnote("eval", str(folder), "--split", "dev").out
    assert "nDCG@10" in shown
    assert "follow-up" in shown


def test_eval_without_its_extra_says_how_to_get_it(
    footnote: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.commands.evaluate.find_spec", lambda _: None)
    result = footnote("eval", str(_beir(tmp_path / "tiny")), "--split", "dev")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "pip install 'footnote[eval]'" in result.err


def test_eval_of_a_folder_that_is_no_dataset_names_what_is_missing(
    footnote: Callable[..., Result], tmp_path: Path
) -> None:
    result = footnote("eval", str(_beir(tmp_path / "tiny")), "--split", "test")
    assert result.code == 1
    assert "dev" in result.err


def test_eval_refuses_ids_that_its_files_cannot_hold_before_it_begins(
    footnote: Callable[..., Result], tmp_path: Path
) -> None:
    folder = _beir(tmp_path / "tiny")
    corpus = (folder / "corpus.jsonl").read_text()
    (folder / "corpus.jsonl").write_text(corpus.replace('"d2"', '" d2"'))
    result = footnote("eval", str(folder), "--split", "dev", "--run-file", str(tmp_path / "run.trec"))
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert '" d2"' in result.err
    assert not (tmp_path / "run.trec").exists()
    assert not (tmp_path / ".footnote" / "eval").exists()


def test_wrong_usage_exits_with_two(footnote: Callable[..., Result]) -> None:
    assert footnote("search").code == 2
    assert footnote("search", "x", "--limit", "0").code == 2
    assert footnote("nonsense").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "\udcff"),
        ("search", "\udcff"),
        ("search", "robots", "--source", "\udcff"),
        ("digest", "preview", "--topic", "robots", "--topic", "\udcff"),
        ("ingest", "seeds", "arxiv:\udcff"),
        ("stats", "--data-dir", ""),
        ("stats", "--data-dir", "\udcff"),
        ("eval", ".", "--run-file", "."),
        ("eval", ".", "--answers-file", "."),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(footnote: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    result = footnote(*arguments)
    assert result.code == 2
    assert "Invalid value" in result.err


def test_an_unknown_setting_is_one_sentence_and_exit_one(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATADIR", "x")
    result = footnote("stats")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "FOOTNOTE_DATA_DIR" in result.err


def test_run_without_a_token_says_where_to_get_one(footnote: Callable[..., Result]) -> None:
    result = footnote("run")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "FOOTNOTE_DISCORD__TOKEN" in result.err


def test_help_loads_neither_index_nor_model_nor_client() -> None:
    code = (
        "import sys; sys.argv = ['footnote', '--help']\n"
        "from bot.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'chromadb', 'onnxruntime', 'discord', 'tantivy', 'openai', 'sqlalchemy', 'numpy'}\n"
        "sys.exit(', '.join(heavy.intersection(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert "ingest" in result.stdout


@pytest.mark.parametrize(
    "command",
    [
        "",
        "ask",
        "chat",
        "search",
        "ingest",
        "list",
        "show",
        "remove",
        "restore",
        "export",
        "digest",
        "digest preview",
        "rebuild",
        "prune",
        "backup",
        "recover",
        "stats",
        "usage",
        "setup",
        "doctor",
        "eval",
        "run",
        "mcp",
    ],
)
def test_every_command_explains_itself_with_an_example(footnote: Callable[..., Result], command: str) -> None:
    shown = footnote(*command.split(), "--help").out
    assert "Example: footnote" in shown


def test_a_command_typed_in_a_shell_ends_quietly_when_its_reader_does() -> None:
    command = f"{sys.executable} -m bot --help | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_a_question_and_a_query_need_no_quotes(seeded: Callable[..., Result]) -> None:
    asked = seeded("ask", "what", "is", "objective", "mismatch", "--json").json
    assert asked["question"] == "what is objective mismatch"
    found = seeded("search", "objective", "mismatch", "--limit", "1", "--json").json
    assert [paper["title"] for paper in found] == [MISMATCH]


def _shell(*arguments: str, folder: Path) -> Result:
    command = [sys.executable, "-m", "bot", *arguments]
    ran = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    return Result(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    ("arguments", "logs"), [(["stats", "-v"], True), (["--verbose", "stats"], True), (["show", "--", "-v"], False)]
)
def test_verbose_may_stand_anywhere_but_behind_two_dashes(tmp_path: Path, arguments: list[str], logs: bool) -> None:
    assert ("DEBUG" in _shell(*arguments, folder=tmp_path).err) == logs


def test_the_version_is_the_packages(footnote: Callable[..., Result]) -> None:
    assert footnote("--version").out == f"footnote {version('footnote')}\n"


def test_nobody_else_may_read_what_is_kept_but_a_file_that_was_asked_for_is_as_any_other(tmp_path: Path) -> None:
    papers = tmp_path / "papers.bib"
    papers.write_text("@article{a, title={Birds and Words}, abstract={We count the words of birds.}, year={2020}}")
    assert _shell("ingest", str(papers), folder=tmp_path).code == 0
    assert _shell("export", "--output", "refs.bib", folder=tmp_path).code == 0
    data = tmp_path / ".footnote"
    assert {path for path in (data, *data.rglob("*")) if path.stat().st_mode & 0o077} == set()
    (plain := tmp_path / "plain").touch()
    assert (tmp_path / "refs.bib").stat().st_mode == plain.stat().st_mode


def test_the_data_dir_may_be_said_before_or_after_the_command(footnote: Callable[..., Result], tmp_path: Path) -> None:
    assert footnote("--data-dir", str(tmp_path / "a"), "stats").code == 0
    assert footnote("stats", "--data-dir", str(tmp_path / "b")).code == 0
    assert Path(tmp_path / "a" / "footnote.db").exists()
    assert Path(tmp_path / "b" / "footnote.db").exists()
