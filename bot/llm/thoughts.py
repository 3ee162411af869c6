"""Keep what a model thinks out of what it says: servers without a reasoning parser leave the thoughts in the text."""

from __future__ import annotations

import re
from typing import Final

# How models open and close their thoughts: DeepSeek and Qwen, others, Kimi, Magistral, Seed, and OpenAI's harmony.
_OPEN: Final = re.compile(
    r"<(?:seed:)?think(?:ing)?>|<reasoning>|◁think▷|\[THINK\]|<\|channel\|>\s*(?:analysis|commentary)\b",
    re.IGNORECASE,
)
_CLOSE: Final = re.compile(
    r"</(?:seed:)?think(?:ing)?>|</reasoning>|◁/think▷|\[/THINK\]|<\|channel\|>\s*final\b[^{\[]*?<\|message\|>",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"```\w*\s")
_LONGEST_MARK: Final = 60  # characters; a mark may come in pieces


class Speech:
    """Give of a text that grows what is said, from the first bracket or fence on.

    Prose in front is held back to the end: it may turn out to be thoughts that were opened in the prompt.
    """

    def __init__(self) -> None:
        self.characters = 0  # characters
        self._held = ""
        self._speaking = False
        self._thinking = False
        self._looked = 0

    def feed(self, piece: str) -> str:
        """Return what is said now that `piece` has come."""
        if self._speaking:
            self.characters += len(piece)
            return piece
        self._held += piece
        self._skip_thoughts()
        if self._thinking:
            self._looked = len(self._held)
            return ""
        start = self._held.lstrip("\ufeff \t\r\n")
        # "[" may also begin "[THINK]", and a mark is known only once it is whole.
        if start[:1] in {"{", '"'} or (start[:1] == "[" and start[1:2] not in {"", "T", "t"}):
            return self._speak(start)
        fence = _FENCE.search(self._held, max(0, self._looked - _LONGEST_MARK))
        self._looked = len(self._held)
        return self._speak(self._held[fence.end() :]) if fence else ""

    def end(self, thoughts: str) -> str:
        """Return what was held back to the end; what the model thought, here or apart, where there is nothing else."""
        if self._speaking:
            return ""
        return self._speak(self._held if self._held.strip() else thoughts)

    def _speak(self, text: str) -> str:
        self._speaking = True
        self.characters += len(text)
        return text

    def _skip_thoughts(self) -> None:
        """Drop the thoughts that are over; a mark that closes what was not opened drops all before it."""
        while close := _CLOSE.search(self._held, max(0, self._looked - _LONGEST_MARK)):
            self._held, self._thinking, self._looked = self._held[close.end() :], False, 0
        if not self._thinking:
            self._thinking = _OPEN.match(self._held.lstrip()) is not None
