"""Wrong set-ups, each with its own sentence, which is the same in `footnote doctor`, `setup` and `run`."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from bot.commands.run import look_before, run
from bot.commands.setup import Answers, setup
from bot.factory import open_model
from bot.preflight import CHECKS, check_settings
from bot.settings import DiscordSettings, Settings
from retrieval.data_dir import lock_data_dir
from retrieval.errors import FootnoteError
from tests.beside import Beside
from tests.local_discord import LocalDiscord
from tests.local_llm import LocalLLM, fails, silent, writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Prepare = Callable[["Place"], Any]

TOKEN, PROXY, CONTENT = (f"FOOTNOTE_DISCORD__{name}" for name in ("TOKEN", "PROXY", "MESSAGE_CONTENT"))
URL, KEY, MODEL = (f"FOOTNOTE_LLM__{name}" for name in ("BASE_URL", "API_KEY", "MODEL"))
PROVIDER, EMBEDDING_URL, EMBEDDING_KEY, MODEL_DIR = (
    f"FOOTNOTE_EMBEDDING__{name}" for name in ("PROVIDER", "BASE_URL", "API_KEY", "MODEL_DIR")
)
CHROMA, CHROMA_TOKEN = "FOOTNOTE_CHROMA__URL", "FOOTNOTE_CHROMA__TOKEN"
DATABASE, SOURCES, DATA_DIR = "FOOTNOTE_DATABASE_URL", "FOOTNOTE_FETCH__SOURCES", "FOOTNOTE_DATA_DIR"

# A bot that gets as far as logging in reaches nobody.
NOWHERE = DiscordSettings(token=SecretStr("some.token"), proxy="http://127.0.0.1:1")


@dataclass
class Place:
    """Where a set-up is tried: a folder, servers beside it, and a way to patch what the machine reports."""

    folder: Path
    beside: Beside
    discord: LocalDiscord
    patch: pytest.MonkeyPatch

    @property
    def data(self) -> Path:
        return self.folder / ".footnote"

    def llm(self, **options: Any) -> LocalLLM:
        llm: LocalLLM = self.beside.enter(LocalLLM(**options))
        self.patch.setenv(URL, llm.base_url)
        return llm

    def page(self, status: int = 200, body: bytes = b"<!doctype html><title>Sign in</title>", **headers: str) -> str:
        """Start a server that gives the same answer to every request, and give its address."""
        return str(self.beside.enter(_Page(status, body, headers)))


class _Page:
    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    async def __aenter__(self) -> str:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()


@dataclass
class Wrong:
    """A wrong set-up, the sentence about it, and the answers that lead `setup` to it if its part alone does not."""

    part: str
    words: str
    env: dict[str, str] = field(default_factory=dict)
    prepare: Prepare | None = None
    file: bytes | None = None  # the content of .env
    answers: Answers | None = None
    run: bool = True  # whether `footnote run` reads it


def no_reply_from_discord(place: Place) -> None:
    place.patch.setattr("bot.preflight.discord_check.DISCORD_API", "http://127.0.0.1:1/api/v10")


def discord_is(status: int, body: bytes = b"{}") -> Prepare:
    return lambda place: place.patch.setattr("bot.preflight.discord_check.DISCORD_API", place.page(status, body))


def discord_is_a_page(place: Place) -> None:
    place.patch.setattr("bot.preflight.discord_check.DISCORD_API", place.page())


def the_clock_is_off(place: Place) -> None:
    late = datetime.now(UTC) - timedelta(minutes=7)
    place.patch.setattr("bot.preflight.machine_check._now", lambda: late)


def the_clock_is_new(place: Place) -> None:
    place.patch.setattr("bot.preflight.machine_check._now", lambda: datetime(1970, 1, 1, tzinfo=UTC))


def the_disk_is_full(place: Place) -> None:
    place.patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))


def memory_is_short(place: Place) -> None:
    place.patch.setattr("bot.machine._spare_memory", lambda: 120_000_000)


def few_files_may_be_opened(place: Place) -> None:
    place.patch.setattr("bot.machine._spare_files", lambda: 12)


class _Undone:
    def __init__(self, undo: Callable[[], object]) -> None:
        self._undo = undo

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        self._undo()


def writing_fails(number: int) -> Prepare:
    def fail(**_: object) -> None:
        raise OSError(number, errno.errorcode[number])

    return lambda place: place.patch.setattr(tempfile, "TemporaryFile", fail)


def the_data_dir_is_a_file(place: Place) -> None:
    shutil.rmtree(place.data)
    place.data.write_text("a file")


def the_port_is_taken(place: Place) -> None:
    place.patch.setenv("FOOTNOTE_HEALTH__PORT", place.page().rpartition(":")[2])


def another_has_the_data_dir(place: Place) -> None:
    lock = lock_data_dir(place.data)
    place.beside.enter(_Undone(lock.release))


def the_catalogue_is_garbage(place: Place) -> None:
    (place.data / "footnote.db").write_bytes(b"no database at all, but a long text about one" * 100)


def weights_are(name: str | None) -> Prepare:
    def prepare(place: Place) -> None:
        folder = place.folder / "weights"
        folder.mkdir()
        if name:
            (folder / "model.safetensors").write_bytes(b"not these")
            (folder / name).write_text("{}")
        place.patch.setenv(MODEL_DIR, str(folder))
        (place.data / "models").unlink()

    return prepare


def embeddings(status: int | None, said: str = "") -> Prepare:
    def prepare(place: Place) -> None:
        llm = place.beside.enter(LocalLLM(key="sk-right"))
        place.patch.setenv(EMBEDDING_URL, llm.base_url if status else "http://127.0.0.1:1/v1")
        if status and status != 401:
            llm.next(fails(status, said), times=9, on="/v1/embeddings")

    return prepare


def the_model_fails(status: int, said: str = "no", **options: Any) -> Prepare:
    return lambda place: place.llm(models=["m"], **options).next(fails(status, said), times=20)


def the_model_writes(text: str) -> Prepare:
    return lambda place: place.llm(models=["m"]).next(writes(text), times=20)


def the_model_is_silent(place: Place) -> None:
    place.patch.setattr("bot.llm.probe.PATIENCE", timedelta(seconds=0.3))
    place.llm(models=["m"]).next(silent, times=20)


def at(name: str, path: str = "", status: int = 200, body: bytes = b"<!doctype html>") -> Prepare:
    return lambda place: place.patch.setenv(name, place.page(status, body) + path)


def the_api_is_elsewhere(place: Place) -> None:
    llm = place.llm(models=["m"])
    place.patch.setenv(URL, llm.base_url.removesuffix("/v1"))


def sets(**given: str) -> dict[str, str]:
    return {f"FOOTNOTE_{name}": value for name, value in given.items()}


SETTINGS = [
    Wrong("settings", "FOOTNOTE_LLM__MODLE is not a setting; did you mean FOOTNOTE_LLM__MODEL", sets(LLM__MODLE="x")),
    Wrong("settings", "FOOTNOTE_DISCORD is not a setting; did you mean", sets(DISCORD="a.b.c")),
    Wrong("settings", "FOOTNOTE_TOKEN is not a setting; did you mean", sets(TOKEN="a.b.c")),
    Wrong("settings", ".env is not UTF-8 text", file=b"FOOTNOTE_LLM__MODEL=\xff\n"),
    Wrong("settings", "Line 2 of .env cannot be read", file=b"A=b\nFOOTNOTE_LLM__TIMEOUT 5\n"),
    Wrong("settings", "Line 1 of .env cannot be read", file=b"OTHER='never closed\n"),
    Wrong("settings", ".env cannot be read (Is a directory)", prepare=lambda place: (place.folder / ".env").mkdir()),
    Wrong("settings", "FOOTNOTE_LLM__TIMEOUT is wrong: Input should be a valid number", sets(LLM__TIMEOUT="soon")),
    Wrong("settings", "FOOTNOTE_LLM__TIMEOUT is wrong: Input should be greater than 0", sets(LLM__TIMEOUT="0")),
    Wrong("settings", "FOOTNOTE_LLM__PROMPT_TOKENS is wrong: Input should be greater", sets(LLM__PROMPT_TOKENS="10")),
    Wrong("settings", "FOOTNOTE_LLM__JUDGE is wrong: Input should be a valid boolean", sets(LLM__JUDGE="perhaps")),
    Wrong("settings", "FOOTNOTE_LLM__TOKENS_PER_DAY is wrong", sets(LLM__TOKENS_PER_DAY="-1")),
    Wrong("settings", "FOOTNOTE_LLM__TOKENS_PER_SERVER is wrong", sets(LLM__TOKENS_PER_SERVER="many")),
    Wrong("settings", "FOOTNOTE_LLM__TOKENS_PER_PERSON is wrong", sets(LLM__TOKENS_PER_PERSON="1.5")),
    Wrong("settings", f"{KEY} is wrong: it contains a space, a quotation mark", {KEY: "“sk-abc”"}),
    Wrong("settings", f"{EMBEDDING_KEY} is wrong: it contains a space", {EMBEDDING_KEY: "sk-a sk-b"}),
    Wrong("settings", f"{CHROMA_TOKEN} is wrong: it contains a space", {CHROMA_TOKEN: "a\nb"}),
    Wrong(
        "settings", f"{CONTENT} is wrong: Input should be a valid boolean", {CONTENT: "si"}, answers=Answers(llm="none")
    ),
    Wrong("settings", "FOOTNOTE_DISCORD__SHARDS is wrong: write auto, or", sets(DISCORD__SHARDS="4")),
    Wrong("settings", f"{PROXY} is wrong: write an address that begins with http", {PROXY: "socks5://proxy:1080"}),
    Wrong("settings", f"{PROVIDER} is wrong: Input should be 'local' or 'openai'", {PROVIDER: "cohere"}),
    Wrong("settings", "FOOTNOTE_WRITER is wrong: Input should be the name of a plugin", sets(WRITER="missing")),
    Wrong("settings", "FOOTNOTE_EMBEDDING__DIMENSIONS is wrong", sets(EMBEDDING__DIMENSIONS="0")),
    Wrong("settings", f"{EMBEDDING_URL} is wrong: write an address", {EMBEDDING_URL: "localhost:8080/v1"}),
    Wrong("settings", "FOOTNOTE_FETCH__EVERY is wrong: Input should be a valid integer", sets(FETCH__EVERY="hourly")),
    Wrong("settings", "FOOTNOTE_FETCH__EVERY is wrong: Input should be greater than", sets(FETCH__EVERY="0")),
    Wrong("settings", "FOOTNOTE_ARXIV__BASE_URL is wrong: write an", sets(ARXIV__BASE_URL="export.arxiv.org")),
    Wrong("settings", "FOOTNOTE_HUGGINGFACE__BASE_URL is wrong: write", sets(HUGGINGFACE__BASE_URL="ftp://hf.co")),
    Wrong("settings", "FOOTNOTE_DOI__BASE_URL is wrong: write an", sets(DOI__BASE_URL="https://doi.org:port")),
    Wrong("settings", "FOOTNOTE_OPENREVIEW__BASE_URL is wrong", sets(OPENREVIEW__BASE_URL="https://")),
    Wrong("settings", "FOOTNOTE_ACL__BASE_URL is wrong: write an", sets(ACL__BASE_URL="https://acl anthology.org")),
]

HEALTH = [
    Wrong("settings", "FOOTNOTE_HEALTH__PORT is wrong: Input should be less than", sets(HEALTH__PORT="70000")),
    Wrong("health", "is in use; choose another, or free it", prepare=the_port_is_taken),
    Wrong("health", "at 203.0.113.1 cannot be used", sets(HEALTH__PORT="9464", HEALTH__HOST="203.0.113.1")),
]

MACHINE = [
    Wrong("open files", "Too few files may be open at once: only", prepare=few_files_may_be_opened),
    Wrong("disk", "There is no space to write: 5 MB are free where", prepare=the_disk_is_full),
    Wrong("data dir", "There is no space to write: the disk is full", prepare=writing_fails(errno.ENOSPC)),
    Wrong("data dir", "disk to write to is read-only", prepare=writing_fails(errno.EROFS)),
    Wrong("data dir", "may not write to the data dir", prepare=writing_fails(errno.EACCES)),
    Wrong("data dir", "Too few files may be open at once: too many files are", prepare=writing_fails(errno.EMFILE)),
    Wrong("data dir", "cannot be used: EIO; choose another folder", prepare=writing_fails(errno.EIO)),
    Wrong("data dir", "is, or lies in, a file; choose another", prepare=the_data_dir_is_a_file),
    Wrong("data dir", "The data dir /dev/null/data is, or lies in, a file", {DATA_DIR: "/dev/null/data"}),
    Wrong("memory", "There is not enough memory: 120 MB are left, and", prepare=memory_is_short),
    Wrong("clock", "The clock says 1970-01-01 00:00 UTC; set it", prepare=the_clock_is_new),
    Wrong("clock", "The clock is 7 minutes behind Discord's; set it", prepare=the_clock_is_off),
]

PARTS = [
    Wrong("sources", "Say what to read from arXiv in up to", {SOURCES: "arxiv"}),
    Wrong("sources", '"seeds" is nothing to fetch', {SOURCES: "huggingface,seeds"}),
    Wrong("sources", "FOOTNOTE_FETCH__SOURCES is wrong:", {SOURCES: "huggingface:yesterday"}),
    Wrong(
        "embedding model", "nowhere", {MODEL_DIR: "/nowhere"}, prepare=lambda place: (place.data / "models").unlink()
    ),
    Wrong("embedding model", "model.safetensors", prepare=weights_are(None)),
    Wrong("embedding model", "model.safetensors", prepare=weights_are("tokenizer.json")),
    Wrong("embedding model", "OpenAI's embeddings need a key", {PROVIDER: "openai"}),
    Wrong(
        "embedding model",
        "refused the API key (401); check FOOTNOTE_EMBEDDING__API_KEY",
        {PROVIDER: "openai", EMBEDDING_KEY: "sk-wrong"},
        prepare=embeddings(401),
    ),
    Wrong(
        "embedding model",
        "Cannot reach 127.0.0.1:1 for embeddings",
        {PROVIDER: "openai", EMBEDDING_KEY: "sk-right"},
        prepare=embeddings(None),
    ),
    Wrong(
        "embedding model",
        "has no embedding model text-embedding-3-small at this",
        {PROVIDER: "openai", EMBEDDING_KEY: "sk-right"},
        prepare=embeddings(404, "no such model"),
    ),
    Wrong(
        "embedding model",
        "is not a vector for each text; check",
        {PROVIDER: "openai", EMBEDDING_KEY: "sk-right"},
        prepare=at(EMBEDDING_URL, "/v1"),
    ),
    Wrong("library", f"{CHROMA} names", {CHROMA_TOKEN: "t"}),
    Wrong("library", f"{CHROMA} is no address of a Chroma server", {CHROMA: "chroma:8000"}),
    Wrong("library", f"{CHROMA} may hold nothing after its path", {CHROMA: "http://chroma:8000?tenant=x"}),
    Wrong("library", "Chroma Cloud is reached by https alone", {CHROMA: "http://api.trychroma.com"}),
    Wrong("library", "will not have us (HTTP 401); check FOOTNOTE_CHROMA", prepare=at(CHROMA, status=401, body=b"{}")),
    Wrong("library", "answers no Chroma server of version 1.0 or later", prepare=at(CHROMA)),
    Wrong("library", "names no database that Footnote can use; write it", {DATABASE: "mysql://localhost/footnote"}),
    Wrong(
        "library",
        "says hostaddr, which has no effect here; leave it out",
        {DATABASE: "postgresql://h/d?hostaddr=127.0.0.1"},
    ),
    Wrong(
        "library",
        "The database at 127.0.0.1:1 does not answer (Connect",
        {DATABASE: "postgresql://footnote:secret@127.0.0.1:1/footnote"},
    ),
    Wrong("library", "Another footnote process is using", prepare=another_has_the_data_dir),
    Wrong("library", "The catalogue cannot be opened (file is not a database)", prepare=the_catalogue_is_garbage),
]

DISCORD = [
    Wrong("discord", "does not look like a bot token (is the application's id)", {TOKEN: "1234567890123456789"}),
    Wrong(
        "discord", "does not look like a bot token (is the application's public key)", {TOKEN: "0123456789abcdef" * 4}
    ),
    Wrong("discord", "a bot token (is the application's client secret)", {TOKEN: "Abcd_efgh-ijkl0123456789ABCDEFGH"}),
    Wrong("discord", "a bot token (is a web address)", {TOKEN: "https://discord.com/api/webhooks/1/x"}),
    Wrong("discord", 'a bot token (begins with "Bot", which', {TOKEN: "Bot a.b.c"}),
    Wrong("discord", "does not look like a bot token: make one", {TOKEN: "“a.b.c”"}),
    Wrong("discord", "Discord refused the bot token (401): make one", {TOKEN: "some.other.token"}),
    Wrong("discord", "switch on Message Content Intent at https://discord.com", {CONTENT: "true"}),
    Wrong("discord", "Discord cannot be reached (127.0.0.1", prepare=no_reply_from_discord, run=False),
    Wrong("discord", "FOOTNOTE_DISCORD__PROXY, which is set", {PROXY: "http://me:pw@127.0.0.1:1"}, run=False),
    Wrong("discord", "did not let the bot log in (HTTP 503): try again", prepare=discord_is(503), run=False),
    Wrong("discord", "did not let the bot log in (HTTP 429): try again", prepare=discord_is(429), run=False),
    Wrong("discord", "Something other than Discord answers in its place", prepare=discord_is_a_page),
]

LANGUAGE_MODEL = [
    Wrong("language model", "lacks http:// or https://; write http://localhost:11434/v1", {URL: "localhost:11434/v1"}),
    Wrong("language model", "must end before /chat/completions; write", {URL: "http://h:1/v1/chat/completions"}),
    Wrong("language model", "must end before /models; write http://h:2/v1", {URL: "http://h:2/v1/models/"}),
    Wrong("language model", "is not an address; write one such as", {URL: "http://h:99999/v1"}),
    Wrong("language model", "is the address of a web page; write that of the API", prepare=at(URL)),
    Wrong("language model", "is not where the API is; write http", prepare=the_api_is_elsewhere),
    Wrong("language model", "cannot be reached; check FOOTNOTE_LLM__API_KEY and", {URL: "http://127.0.0.1:1/v1"}),
    Wrong("language model", "refused the key (401); check", {KEY: "sk-wrong"}, lambda place: place.llm(key="sk-right")),
    Wrong("language model", "refused the key (403); check", prepare=at(URL, "/v1", status=403, body=b"{}")),
    Wrong(
        "language model", "does not offer x (but a, b); set", {MODEL: "x"}, lambda place: place.llm(models=["a", "b"])
    ),
    Wrong(
        "language model",
        "has several models; set FOOTNOTE_LLM__MODEL to one: a, b",
        prepare=lambda place: place.llm(models=["a", "b"]),
    ),
    Wrong("language model", "402", prepare=the_model_fails(402), run=False),
    Wrong("language model", "404", prepare=the_model_fails(404, "the model does not exist"), run=False),
    Wrong("language model", "500", prepare=the_model_fails(500), run=False),
    Wrong("language model", "took longer than", prepare=the_model_is_silent, run=False),
    Wrong("language model", "gave no usable answer", prepare=the_model_writes(""), run=False),
]

WRONG = [*SETTINGS, *HEALTH, *MACHINE, *PARTS, *DISCORD, *LANGUAGE_MODEL]


@pytest.fixture(scope="module")
def beside() -> Iterator[Beside]:
    with Beside() as beside:
        yield beside


@pytest.fixture(scope="module")
def discord(beside: Beside) -> LocalDiscord:
    local: LocalDiscord = beside.enter(LocalDiscord())
    return local


@pytest.fixture
def place(discord: LocalDiscord, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".footnote").mkdir()
    (tmp_path / ".footnote" / "models").symlink_to(models)
    monkeypatch.setenv(TOKEN, discord.token)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("bot.preflight.discord_check.DISCORD_API", discord.api)
    with Beside() as beside:
        yield Place(tmp_path, beside, discord, monkeypatch)


@pytest.fixture(scope="module")
def told() -> dict[str, int]:
    """The sentences so far, each with the number of its set-up."""
    return {}


@pytest.mark.parametrize("number", range(len(WRONG)), ids=lambda number: f"{number} {WRONG[number].part}")
def test_doctor_setup_and_run_say_one_sentence_of_a_wrong_set_up(
    number: int,
    place: Place,
    told: dict[str, int],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = WRONG[number]
    for name, value in wrong.env.items():
        place.patch.setenv(name, value)
    if wrong.file is not None:
        (place.folder / ".env").write_bytes(wrong.file)
    if wrong.prepare:
        wrong.prepare(place)
    sentence = by_doctor(wrong)
    assert wrong.words in sentence
    assert not {"sk-wrong", "sk-right", "pw", "secret"} & set(sentence.replace(":", " ").replace("@", " ").split())
    assert told.setdefault(sentence, number) == number, sentence
    assert sentence in by_setup(wrong, place, capsys)
    if wrong.run:
        assert sentence in by_run(wrong, caplog)


def by_doctor(wrong: Wrong) -> str:
    settings, seen = check_settings(Settings.load)
    if settings is None:
        assert wrong.part == "settings"
        return seen.sentence
    check = next(each for each in CHECKS if each.part == wrong.part)

    async def look() -> str:
        return "; ".join([each.sentence async for each in check.findings(settings) if each.ok is False])

    return asyncio.run(look())


def by_setup(wrong: Wrong, place: Place, capsys: pytest.CaptureFixture[str]) -> str:
    match wrong.part:
        case "settings":
            answers = Answers(message_content=False)
        case "discord":
            answers = Answers(token=os.environ[TOKEN], message_content=os.environ.get(CONTENT) == "true")
        case "language model":
            answers = Answers(llm=os.environ[URL], llm_key=os.environ.get(KEY), llm_model=os.environ.get(MODEL))
        case "library" | "embedding model":
            answers = Answers(papers="seeds")
        case _:
            answers = Answers(data_dir=Path(os.environ.get(DATA_DIR, ".footnote")))
    try:
        assert not setup(wrong.answers or answers)
    except FootnoteError as error:
        return str(error)
    return capsys.readouterr().out


def by_run(wrong: Wrong, caplog: pytest.LogCaptureFixture) -> str:
    async def start() -> None:
        settings = Settings.load()
        if wrong.part in {"library", "embedding model"}:
            await run(settings.model_copy(update={"discord": NOWHERE}))
        elif wrong.part == "language model":
            async with open_model(settings):
                pass
        else:
            await look_before(settings)

    caplog.set_level(logging.INFO)
    try:
        asyncio.run(start())
    except FootnoteError as error:
        return f"{caplog.text}\n{error}"
    return caplog.text
