"""Separate what a model thinks from what it says: servers without a reasoning parser leave both in the text."""

from __future__ import annotations

import re
from typing import Final

# How models mark their thoughts: DeepSeek and Qwen, others, Kimi, Magistral, Seed, and OpenAI's harmony.
_OPEN: Final = re.compile(
    r"<(?:seed:)?think(?:ing)?>|<reasoning>|◁think▷|\[THINK\]|<\|channel\|>\s*(?:analysis|commentary)\b",
    re.IGNORECASE,
)
_CLOSE: Final = re.compile(
    r"</(?:seed:)?think(?:ing)?>|</reasoning>|◁/think▷|\[/THINK\]|<\|channel\|>\s*final\b[^{\[]*?<\|message\|>",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"```\w*\s")
_LONGEST_MARK: Final = 60  # characters; a mark may be split across pieces


class Speech:
    """Extract what is said from a growing text, from the first bracket or fence on.

    Prose before it is held back to the end: it may be thoughts whose opening mark was in the prompt.
    """

    def __init__(self) -> None:
        self.characters = 0  # characters
        self._held = ""
        self._speaking = False
        self._thinking = False
        self._looked = 0

    def feed(self, piece: str) -> str:
        """Read the next piece of the text, and pass on the part of it that is speech."""
        if self._speaking:
            self.characters += len(piece)
            return piece
        self._held += piece
        self._skip_thoughts()
        if self._thinking:
            self._looked = len(self._held)
            return ""
        start = self._held.lstrip("\ufeff \t\r\n")
        # "[" may also begin "[THINK]", and a mark is recognised only once it is complete.
        if start[:1] in {"{", '"'} or (start[:1] == "[" and start[1:2] not in {"", "T", "t"}):
            return self._speak(start)
        fence = _FENCE.search(self._held, max(0, self._looked - _LONGEST_MARK))
        self._looked = len(self._held)
        return self._speak(self._held[fence.end() :]) if fence else ""

    def end(self, thoughts: str) -> str:
        """Pass on the text that was held back, or the model's thoughts if there is nothing else."""
        if self._speaking:
            return ""
        return self._speak(self._held if self._held.strip() else thoughts)

    def _speak(self, text: str) -> str:
        self._speaking = True
        self.characters += len(text)
        return text

    def _skip_thoughts(self) -> None:
        """Drop finished thoughts; a closing mark without an opening one drops everything before it."""
        while close := _CLOSE.search(self._held, max(0, self._looked - _LONGEST_MARK)):
            self._held, self._thinking, self._looked = self._held[close.end() :], False, 0
        if not self._thinking:
            self._thinking = _OPEN.match(self._held.lstrip()) is not None
