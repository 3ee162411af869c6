"""What came of a question, and what kind of writer wrote the answer."""

from __future__ import annotations

from typing import Literal, TypeAlias

# answered: a paper says it. closest: papers are on the subject, but it is not certain that they answer the question.
# refused: the library has nothing on it.
Outcome: TypeAlias = Literal["answered", "closest", "refused"]
WriterName: TypeAlias = Literal["extractive", "llm"]
