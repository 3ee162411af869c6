"""`footnote doctor`: one line per part of the set-up, with advice on what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from bot.console import print_json, stdout
from bot.preflight import run_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from bot.preflight import Finding
    from bot.settings import Settings

_MARKS: Final = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "yellow")}


async def run_doctor(load: Callable[[], Settings], *, as_json: bool = False) -> bool:
    """Print a line for each part, or all of them as JSON; False if anything is wrong."""
    console = stdout()
    findings = []
    async for finding in run_checks(load):
        findings.append(finding)
        if not as_json:
            show_finding(finding, console)
    if as_json:
        print_json([finding.to_json() for finding in findings])
    return all(finding.ok is not False for finding in findings)


def show_finding(finding: Finding, console: Console) -> None:
    """Print a finding after its mark."""
    console.print(Text.assemble(_MARKS[finding.ok], f" {finding.part}: {finding.sentence}"))
