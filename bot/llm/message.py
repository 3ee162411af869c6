"""The messages for a model, and the prompt that they are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

Messages: TypeAlias = list[dict[str, str]]
T = TypeVar("T", bound=BaseModel)

# Tokens that chat formats spend per message beyond its content; OpenAI's cookbook counts three, other templates more.
TOKENS_PER_MESSAGE: Final = 6


@dataclass(frozen=True, slots=True)
class Prompt(Generic[T]):
    """The instructions for a model, their purpose, and the form of its reply, which is one JSON object."""

    purpose: str
    rules: str
    form: type[T]

    def about(self, content: str) -> Messages:
        """Build the messages that hand over the content to work on."""
        return [{"role": "system", "content": self.rules}, {"role": "user", "content": content}]
