from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.llm import local_servers
from bot.settings import Settings
from tests.beside import Beside
from tests.local_discord import LocalDiscord
from tests.local_llm import LocalLLM, fails
from tests.local_llm.served import lm_studio, ollama

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.terminal import Result

    Command = Callable[..., Result]

ROOT = Path(__file__).parents[2]
INVITE = "&scope=bot+applications.commands&permissions=309237746688"
KEPT = "# mine\nexport OTHER='x y'\n\nFOOTNOTE_LLM__TIMEOUT=7  # slow\n"


@pytest.fixture
def beside() -> Iterator[Beside]:
    with Beside() as beside:
        yield beside


@pytest.fixture
def discord(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> LocalDiscord:
    local: LocalDiscord = beside.enter(LocalDiscord())
    monkeypatch.setattr("bot.preflight.discord_check.DISCORD_API", local.api)
    return local


@pytest.fixture(autouse=True)
def nobody_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `setup` find no language model on this machine, unless a test starts one."""
    monkeypatch.setattr(local_servers, "ADDRESSES", {})


@pytest.fixture
def env(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_a_token_is_tried_out_and_written_for_the_user_alone_beside_what_is_there(
    terminal: Command, discord: LocalDiscord, env: Path
) -> None:
    env.write_text(KEPT)
    env.chmod(0o644)
    result = terminal("setup", "--token", "-", stdin=f"{discord.token}\n".encode())
    assert result.code == 0, result.err
    assert env.read_text() == f"{KEPT}FOOTNOTE_DISCORD__TOKEN='{discord.token}'\n"
    assert env.stat().st_mode & 0o777 == 0o600
    assert f"client_id={discord.world.application_id}{INVITE}" in result.out
    assert discord.token not in result.out + result.err


def test_a_second_run_changes_only_what_is_asked(terminal: Command, discord: LocalDiscord, env: Path) -> None:
    assert terminal("setup", "--token", discord.token).code == 0
    before = env.read_text()
    assert terminal("setup", "--llm", "none").code == 0
    assert env.read_text() == before
    assert terminal("setup", "--no-message-content").code == 0
    assert env.read_text() == f"{before}FOOTNOTE_DISCORD__MESSAGE_CONTENT=false\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--token", "1234567890"), "does not look like a bot token (is the application's id)"),
        (("--token", "some.other.token"), "Discord refused the bot token (401)"),
        (("--token", "local.token", "--message-content"), "switch on Message Content Intent at https://discord.com"),
        (("--llm", "openai"), "OpenAI wants a key"),
        (("--llm", "none", "--llm-model", "x"), "--llm none goes with neither"),
        (("--llm", "localhost:1/v1"), "lacks http:// or https://; write http://localhost:1/v1"),
        (("--llm", "http://127.0.0.1:1/v1"), "cannot be reached; check FOOTNOTE_LLM__API_KEY and"),
        ((), "There is no terminal to ask in; say it by flags"),
    ],
)
def test_what_does_not_pass_is_a_sentence_and_nothing_is_written(
    terminal: Command, discord: LocalDiscord, env: Path, arguments: tuple[str, ...], words: str
) -> None:
    env.write_text(KEPT)
    result = terminal("setup", *arguments)
    assert (result.code, result.err.count("\n"), result.out) == (1, 1, "")
    assert words in result.err
    assert "other.token" not in result.err
    assert env.read_text() == KEPT


def test_a_server_of_a_model_is_asked_once_and_taken_with_its_one_model(
    terminal: Command, beside: Beside, env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm: LocalLLM = beside.enter(ollama("qwen3:8b", 8192))
    monkeypatch.setattr(local_servers, "ADDRESSES", {"ollama": llm.base_url})
    monkeypatch.setattr("bot.commands.setup.ADDRESSES", {"ollama": llm.base_url})
    result = terminal("setup", "--llm", "ollama")
    assert result.code == 0, result.err
    assert "✓ language model: qwen3:8b answers, in " in result.out
    assert len(llm.chats) == 1
    assert Settings.load().llm.base_url == llm.base_url
    assert terminal("setup", "--llm", "none").code == 0
    assert not Settings.load().llm.enabled


def test_a_key_is_tried_out_and_never_shown(
    terminal: Command, beside: Beside, env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm: LocalLLM = beside.enter(LocalLLM(key="sk-right", models=["gpt-5.4-mini", "gpt-5.4"]))
    monkeypatch.setattr("bot.preflight.language_model_check.OPENAI_API", llm.base_url)
    wrong = terminal("setup", "--llm", "openai", "--llm-key", "sk-wrong")
    assert wrong.err.startswith("Nothing is written. language model: refused the key (401)")
    assert not env.exists()
    right = terminal("setup", "--llm", "openai", "--llm-key", "-", stdin=b"sk-right\n")
    assert right.code == 0, right.err
    assert "✓ language model: gpt-5.4-mini answers, in " in right.out
    assert env.read_text() == "FOOTNOTE_LLM__API_KEY='sk-right'\n"
    assert not {"sk-wrong", "sk-right"} & set((wrong.err + wrong.out + right.err + right.out).split())


def test_a_model_that_answers_no_call_is_not_taken(terminal: Command, beside: Beside, env: Path) -> None:
    llm: LocalLLM = beside.enter(LocalLLM(models=["m"]))
    llm.next(fails(402, "no credit"), times=9)
    result = terminal("setup", "--llm", llm.base_url)
    assert result.code == 1
    assert "check your account with the server's provider" in result.err
    assert not env.exists()


def test_what_the_environment_says_otherwise_is_not_written_in_vain(
    terminal: Command, discord: LocalDiscord, env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DISCORD__TOKEN", "another.token")
    result = terminal("setup", "--token", discord.token)
    assert "FOOTNOTE_DISCORD__TOKEN is set in the environment, which overrides .env; unset it there." in result.err
    assert not env.exists()


def test_first_papers_are_taken_in_and_a_data_dir_is_written(terminal: Command, tmp_path: Path, env: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    papers.write_text('{"_id": "1", "title": "Birds", "text": "We count the words of birds."}\n')
    result = terminal("setup", "--ingest", str(papers), "--data-dir", str(tmp_path / ".footnote"))
    assert result.code == 0, result.err
    assert "1 new, 0 changed" in result.out
    assert Settings.load().data_dir == tmp_path / ".footnote"


class Person:
    """Somebody at a real terminal, on which a process asks questions."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self.shown = ""
        self._at, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
        )
        os.close(theirs)

    def types(self, after: str, answer: str) -> None:
        """Wait for a new prompt, and answer it."""
        start, until = len(self.shown), time.monotonic() + 120
        while after not in self.shown[start:]:
            assert time.monotonic() < until, self.shown
            if select.select([self._at], [], [], 1)[0]:
                self.shown += os.read(self._at, 65536).decode()
        os.write(self._at, f"{answer}\n".encode())

    def ended(self) -> int:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if select.select([self._at], [], [], 1)[0]:
                    self.shown += os.read(self._at, 65536).decode()
            except OSError:  # the other side is closed
                break
        os.close(self._at)
        return self._process.wait(30)


def test_the_questions_of_a_terminal_lead_to_the_same_file_and_show_no_secret(beside: Beside, tmp_path: Path) -> None:
    discord: LocalDiscord = beside.enter(LocalDiscord())
    llm: LocalLLM = beside.enter(lm_studio("qwen2.5-7b", 8192))
    port = llm.base_url.split(":")[2].split("/")[0]
    script = (
        "from bot.llm import local_servers; from bot.commands import setup\n"
        f"setup.ADDRESSES = local_servers.ADDRESSES = {{'lm-studio': 'http://127.0.0.1:{port}/v1'}}\n"
        "import sys; sys.argv = ['footnote', 'setup']\n"
        "from bot.__main__ import main; main()"
    )
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTNOTE_", "OPENAI_"))}
    (tmp_path / ".env").write_text(f"FOOTNOTE_DISCORD__PROXY={discord.proxy_url}\n")
    person = Person(
        [sys.executable, "-c", script],
        tmp_path,
        mine | {"PYTHONPATH": str(ROOT), "SSL_CERT_FILE": discord.ca_file},
    )
    person.types("no Discord):", "wrong.token.here")
    person.types("no Discord):", discord.token)
    person.types("Shall it hear those?", "yes")
    person.types("The intent is off.", "no")
    person.types("1 to 5:", "2")
    person.types("Papers (Enter: none now):", "")
    assert person.ended() == 0, person.shown
    assert "Discord refused the bot token (401)" in person.shown
    assert f"client_id={discord.world.application_id}{INVITE}" in person.shown.replace("\r\n", "")
    assert "lm-studio on this machine (1 models)" in person.shown
    assert discord.token not in person.shown
    written = (tmp_path / ".env").read_text().splitlines()
    assert written == [
        f"FOOTNOTE_DISCORD__PROXY={discord.proxy_url}",
        f"FOOTNOTE_DISCORD__TOKEN='{discord.token}'",
        "FOOTNOTE_DISCORD__MESSAGE_CONTENT=false",
        f"FOOTNOTE_LLM__BASE_URL='http://127.0.0.1:{port}/v1'",
        "FOOTNOTE_LLM__MODEL='qwen2.5-7b'",
    ]
