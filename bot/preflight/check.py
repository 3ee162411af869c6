"""A check of one part of the set-up, which ends with a finding whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from bot.machine import sentence_for
from retrieval import FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bot.settings import Settings

log = logging.getLogger(__name__)

# What ends the check's task or the program says nothing about the part.
_INTERRUPTIONS = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one part; `ok` is None if the part is not configured and answers do not need it."""

    part: str
    ok: bool | None
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON."""
        return {"part": self.part, "ok": self.ok, "sentence": self.sentence}


class AtStart(Enum):
    """What `footnote run` does about a check before it opens anything."""

    ABORT = "runs the check, and ends with what is wrong"
    WARN = "runs the check, and logs what is wrong"
    SKIP = "does not run the check: opening the part later says the same"


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one part; `run` yields findings, or raises FootnoteError that says what is wrong."""

    part: str
    run: Callable[[Settings], AsyncGenerator[Finding]]
    at_start: AtStart = AtStart.SKIP

    async def findings(self, settings: Settings) -> AsyncGenerator[Finding]:
        """Run the check and yield its findings, their sentences without a full stop; an error becomes a finding."""
        try:
            async with aclosing(self.run(settings)) as findings:
                async for finding in findings:
                    yield replace(finding, sentence=finding.sentence.removesuffix("."))
        except _INTERRUPTIONS:
            raise
        except FootnoteError as error:
            yield Finding(self.part, ok=False, sentence=str(error).removesuffix("."))
        except BaseException as error:  # Rust's panics are not Exceptions
            log.debug("the check of %s failed", self.part, exc_info=True)
            yield Finding(self.part, ok=False, sentence=sentence_for(error).removesuffix("."))
