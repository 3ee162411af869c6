"""The usage of a language model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls to a language model and their tokens, as it counts them; `estimated` if it did not report them."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """Add up both."""
        return Usage(
            other.model,
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )
