"""`footnote setup`: ask for what the bot needs, try each answer out, and write .env."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.commands.doctor import show_finding
from bot.commands.ingest import ingest
from bot.commands.setup_questions import ask_all
from bot.console import stdout
from bot.env_file import write_env_file
from bot.errors import SettingsError
from bot.invocation import command
from bot.llm.local_servers import ADDRESSES
from bot.preflight import CHECKS, Finding, run_checks
from bot.runner import run
from bot.settings import ENV_FILE, PREFIX, Settings, refuse_overridden
from retrieval import FootnoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.preflight import Check

TOKEN: Final = "FOOTNOTE_DISCORD__TOKEN"  # noqa: S105  # a name, not a secret
MESSAGE_CONTENT: Final = "FOOTNOTE_DISCORD__MESSAGE_CONTENT"
LLM_URL: Final = "FOOTNOTE_LLM__BASE_URL"
LLM_KEY: Final = "FOOTNOTE_LLM__API_KEY"
LLM_MODEL: Final = "FOOTNOTE_LLM__MODEL"
DATA_DIR: Final = "FOOTNOTE_DATA_DIR"

# The parts that an ingest checks itself, and the settings that each check covers before they are written.
_LOOKED_AT: Final = frozenset({"embedding model", "library"})
_CHECKED_BY: Final = {"discord": (TOKEN, MESSAGE_CONTENT), "language model": (LLM_URL, LLM_KEY, LLM_MODEL)}


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody wants to set; None leaves a setting as it is.

    Attributes:
        token: the bot's token; "-" reads it from standard input.
        message_content: whether prefix commands are heard.
        llm: none, openai, ollama, lm-studio, or the address of a server.
        llm_key: its key; "-" reads it from standard input.
        llm_model: the name of the model.
        papers: a source of first papers, as for `footnote ingest`.
        data_dir: the folder that holds all state.
    """

    token: str | None = None
    message_content: bool | None = None
    llm: str | None = None
    llm_key: str | None = None
    llm_model: str | None = None
    papers: str | None = None
    data_dir: Path | None = None


def setup(answers: Answers) -> bool:
    """Check answers, or in a terminal ask for them first, and write them; False if anything is still wrong then.

    Nothing is written unless every check passes; raises FootnoteError for one that does not.
    """
    if all(getattr(answers, field.name) is None for field in fields(answers)):
        if sys.stdin is None or not sys.stdin.isatty():
            raise SettingsError(
                "There is no terminal to ask in; say it by flags, such as "
                f"`{command('setup --token - --llm none')}`, which "
                "reads the token from standard input."
            )
        answers = Answers(**ask_all())
    values = _values(answers)
    refuse_overridden(values)
    settings = _settings(values)
    seen = [
        finding for part, names in _CHECKED_BY.items() if values.keys() & names for finding in _checked(part, settings)
    ]
    write_env_file(Path(ENV_FILE), values)
    console = stdout()
    console.print(f"Written to {Path(ENV_FILE).absolute()}, which you alone can read.", soft_wrap=True)
    if answers.papers is not None:
        run(ingest(settings, [answers.papers]))
    seen += run(_rest(_LOOKED_AT | {finding.part for finding in seen}))
    for finding in seen:
        show_finding(finding, console)
    well = all(finding.ok is not False for finding in seen)
    if well and settings.discord.token:
        console.print(f"Start the bot with `{command('run')}`.", soft_wrap=True)
    return well


def _values(answers: Answers) -> dict[str, str | None]:
    """Turn answers into settings; None clears a setting."""
    values: dict[str, str | None] = {}
    if answers.token is not None:
        values[TOKEN] = _secret(answers.token, "Bot token: ")
    if answers.message_content is not None:
        values[MESSAGE_CONTENT] = str(answers.message_content).lower()
    if answers.llm is not None:
        address = ADDRESSES.get(answers.llm, answers.llm)
        values |= {LLM_URL: None if answers.llm in {"none", "openai"} else address, LLM_MODEL: None}
        if answers.llm != "openai" or answers.llm_key:  # a key for OpenAI may be set already
            values[LLM_KEY] = None
    if answers.llm_key is not None:
        values[LLM_KEY] = _secret(answers.llm_key, "Key of the language model: ")
    if answers.llm_model is not None:
        values[LLM_MODEL] = answers.llm_model
    if answers.data_dir is not None:
        values[DATA_DIR] = str(answers.data_dir)
    _refuse_contradictions(values, answers)
    return values


def _refuse_contradictions(values: Mapping[str, str | None], answers: Answers) -> None:
    if answers.llm == "none" and (answers.llm_key or answers.llm_model):
        raise SettingsError("--llm none goes with neither --llm-key nor --llm-model; leave them out.")
    if answers.llm == "none" and (still := _settings(values).llm).enabled:
        name = "OPENAI_API_KEY" if still.api_key else "OPENAI_BASE_URL"
        raise SettingsError(f"{name} is set, so that there would be a language model all the same; unset it.")
    if answers.llm == "openai" and not (chosen := _settings(values).llm).api_key:
        raise SettingsError("OpenAI wants a key: --llm-key KEY, or --llm-key - to read it from standard input.")
    if answers.llm == "openai" and chosen.base_url:
        raise SettingsError("OPENAI_BASE_URL is set and names another server; unset it, or give its address to --llm.")


def _settings(values: Mapping[str, str | None]) -> Settings:
    """Load the settings as they would be with these values."""
    overrides: dict[str, object] = {}
    for name, value in values.items():
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        if not key:
            overrides[section] = value
            continue
        inner = overrides.setdefault(section, {})
        assert isinstance(inner, dict)
        inner[key] = value
    return Settings.load(**overrides)


def _checked(part: str, settings: Settings) -> list[Finding]:
    """Check one part; raises FootnoteError for what is wrong."""
    check = next(candidate for candidate in CHECKS if candidate.part == part)
    found = run(_all(check, settings))
    for finding in found:
        if finding.ok is False:
            raise FootnoteError(f"Nothing is written. {part}: {finding.sentence}.")
    return found


async def _all(check: Check, settings: Settings) -> list[Finding]:
    return [finding async for finding in check.findings(settings)]


async def _rest(without: frozenset[str] | set[str]) -> list[Finding]:
    return [finding async for finding in run_checks(Settings.load, frozenset(without))]


def _secret(given: str, prompt: str) -> str:
    """The given value, or for "-" a line from standard input, which a terminal does not echo."""
    if given != "-":
        return given
    typed = getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    return typed.strip()
