"""The table of checks, in the order in which their findings are shown."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from bot.preflight import discord_check, language_model_check, library_check, machine_check
from bot.preflight.check import AtStart, Check, Finding
from retrieval import FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bot.settings import Settings

CHECKS: Final = (
    Check("open files", machine_check.open_files, AtStart.ABORT),
    Check("disk", machine_check.disk, AtStart.ABORT),
    Check("data dir", machine_check.data_dir, AtStart.ABORT),
    Check("memory", machine_check.memory, AtStart.WARN),
    Check("clock", machine_check.clock, AtStart.WARN),
    Check("embedding model", library_check.embedding_model),
    Check("library", library_check.library),
    Check("sources", library_check.sources, AtStart.ABORT),
    Check("language model", language_model_check.language_model),
    Check("health", machine_check.health, AtStart.ABORT),
    Check("discord", discord_check.discord),
)


def check_settings(load: Callable[[], Settings]) -> tuple[Settings | None, Finding]:
    """Load the settings (None if they are invalid) and make the finding about them."""
    try:
        settings = load()
    except FootnoteError as error:
        return None, Finding("settings", ok=False, sentence=str(error).removesuffix("."))
    return settings, Finding("settings", ok=True, sentence="every name is known and every value fits")


async def run_checks(load: Callable[[], Settings], without: frozenset[str] = frozenset()) -> AsyncGenerator[Finding]:
    """Yield the finding about the settings, then those about every other part but the parts in `without`."""
    settings, finding = check_settings(load)
    yield finding
    if settings is None:
        return
    for check in CHECKS:
        if check.part not in without:
            async with aclosing(check.findings(settings)) as findings:
                async for finding in findings:
                    yield finding


async def start_problems(settings: Settings, at_start: AtStart) -> AsyncGenerator[Finding]:
    """Run the checks of one kind that `footnote run` knows, and yield the findings that something is wrong."""
    for check in CHECKS:
        if check.at_start is at_start:
            async with aclosing(check.findings(settings)) as findings:
                async for finding in findings:
                    if finding.ok is False:
                        yield finding
