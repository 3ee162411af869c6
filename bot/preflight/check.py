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

_ENDING = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)


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
    """What `footnote run` does with a check."""

    STOPS = "looked at before anything is opened; what is wrong ends it"
    WARNS = "looked at before too; what is wrong is logged"
    MEETS = "not looked at: it opens the part itself, and ends or goes on with the same sentence"


@dataclass(frozen=True, slots=True)
class Check:
    """Check one part; `look` yields findings, or raises FootnoteError that says what is wrong."""

    part: str
    look: Callable[[Settings], AsyncGenerator[Finding]]
    at_start: AtStart = AtStart.MEETS

    async def findings(self, settings: Settings) -> AsyncGenerator[Finding]:
        """Yield the findings, without the full stop at the end of their sentences."""
        try:
            async with aclosing(self.look(settings)) as found:
                async for finding in found:
                    yield replace(finding, sentence=finding.sentence.removesuffix("."))
        except _ENDING:
            raise
        except FootnoteError as error:
            yield Finding(self.part, ok=False, sentence=str(error).removesuffix("."))
        except BaseException as error:  # Rust's panics are not Exceptions
            log.debug("the check of %s failed", self.part, exc_info=True)
            yield Finding(self.part, ok=False, sentence=sentence_for(error).removesuffix("."))
