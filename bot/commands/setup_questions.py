"""The questions of `footnote setup` in a terminal; each answer is checked before the next question."""

from __future__ import annotations

from contextlib import suppress
from getpass import getpass
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from bot.console import printable, stdout
from bot.errors import DiscordStartError, SettingsError
from bot.llm.local_servers import find_local_servers
from bot.preflight.discord_check import invitation, require_application
from bot.runner import run
from bot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.preflight.discord_check import Application

PORTAL: Final = "https://discord.com/developers/applications"


def ask_all() -> dict[str, Any]:
    """Ask all questions; returns the fields of Answers. Enter leaves a setting as it is.

    Raises SettingsError if the input ends early.
    """
    try:
        return _ask_discord() | _ask_language_model() | _ask_papers()
    except EOFError:
        raise SettingsError("The questions were not answered to the end; nothing is written.") from None


def _ask_discord() -> dict[str, Any]:
    has_key = _is_kept()
    _say(f"Discord. Make an application at {PORTAL} and copy its token (Bot, Reset Token); it is not shown here.")
    while True:
        token = getpass(f"Bot token (Enter: {'the one that is set' if has_key else 'no Discord'}): ").strip()
        if not token and not has_key:
            return {}
        settings = Settings.load(**({"discord": {"token": SecretStr(token)}} if token else {}))
        try:
            application = run(require_application(settings))
        except DiscordStartError as error:
            _say(str(error))
            continue
        break
    _say(f"This is {application.name}. A server invites it by {invitation(application)}")
    return ({"token": token} if token else {}) | _ask_message_content(application, settings)


def _is_kept() -> bool:
    with suppress(SettingsError):  # the answers may fix just what is wrong in .env
        return Settings.load().discord.token is not None
    return False


def _ask_message_content(application: Application, settings: Settings) -> dict[str, Any]:
    page = f"{PORTAL}/{application.application_id}/bot"
    _say("Commands with a prefix, and questions in its threads without a mention, need Message Content Intent.")
    wanted = _yes("Shall it hear those?")
    while wanted and not application.reads_messages:
        wanted = _yes(f"The intent is off. Switch it on at {page}, then say yes; no goes without.")
        if wanted:
            application = run(require_application(settings))
    return {"message_content": wanted}


def _ask_language_model() -> dict[str, Any]:
    servers = run(find_local_servers())
    _say("Who writes the answers?")
    choices = [
        "nobody: they are the papers' own sentences",
        *(f"{server.name} on this machine ({len(server.models)} models)" for server in servers),
        "OpenAI, with a key",
        "another server, by its address",
        "as it is set",
    ]
    number = _choose(choices)
    if number == 0:
        return {"llm": "none"}
    if number <= len(servers):
        server = servers[number - 1]
        one = 0 if len(server.models) == 1 else _choose(server.models)
        return {"llm": server.name, "llm_model": server.models[one]}
    if number == len(servers) + 1:
        return {"llm": "openai", "llm_key": getpass("Key (it is not shown): ").strip()}
    if number == len(servers) + 2:
        told = {"llm": input("Address, such as https://openrouter.ai/api/v1: ").strip()}
        key = getpass("Key (Enter: none): ").strip()
        model = input("Model (Enter: the one that it has): ").strip()
        return told | ({"llm_key": key} if key else {}) | ({"llm_model": model} if model else {})
    return {}


def _ask_papers() -> dict[str, Any]:
    _say("First papers: seeds (74 that ship), huggingface, arxiv:cs.CL, a file, or what else `footnote ingest` takes.")
    papers = input("Papers (Enter: none now): ").strip()
    return {"papers": papers} if papers else {}


def _choose(choices: Sequence[str]) -> int:
    for number, choice in enumerate(choices, start=1):
        _say(f"  {number}. {choice}")
    while True:
        typed = input(f"1 to {len(choices)}: ").strip()
        if typed.isdecimal() and 1 <= int(typed) <= len(choices):
            return int(typed) - 1


def _yes(question: str) -> bool:
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _say(sentence: str) -> None:
    stdout().print(printable(sentence), soft_wrap=True)
