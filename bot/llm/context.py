"""Tell from a server's error, or from its token count, that a prompt was too long for the model's context."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

# llama.cpp says exceed_context_size_error and n_ctx; OpenAI, vLLM and LM Studio say context length or window; TGI says
# that inputs must not exceed; Anthropic's models and proxies say that the prompt is too long.
_TOO_LONG: Final = re.compile(
    r"exceed_context_size|context_length_exceeded|n_ctx"
    r"|context (?:length|size|window)|maximum context|max(?:imum)?[_ ]model[_ ]len"
    r"|prompt is too long|input is too long|too many (?:input )?tokens|reduce the length|"
    r"(?:inputs?|input length|prompt)\b[^.]{0,60}\b(?:must be|exceeds?|longer than|less than)[^.]{0,60}\btoken",
    re.IGNORECASE,
)
_N_CTX: Final = re.compile(r'"?n_ctx"?\s*[:=]?\s*"?(\d{3,7})')
_LIMIT: Final = re.compile(
    r"(?:context (?:length|size|window)|maximum|max\w*|limit|must be <=?|up to|n_ctx)\D{0,30}?(\d{3,7})", re.IGNORECASE
)
_PROMPT: Final = re.compile(r'"n_prompt_tokens"\s*:\s*(\d{3,7})')
# The reply needs room in the same context.
_FOR_THE_REPLY: Final = 0.25
# Ollama silently truncates a prompt to the context: to exactly so many thousands, or, with its template, to far fewer
# tokens than any tokenizer would count.
_FAR_FEWER: Final = 0.5
_LEAST_CUT: Final = 1000
_SIZES: Final = 1024


@dataclass(frozen=True, slots=True)
class TooLong:
    """A context that a prompt did not fit: its size in tokens, and the prompt's, where known."""

    size: int | None = None
    prompt: int | None = None

    def room(self, counted: int) -> int:
        """Compute how many of our tokens the prompt may have, given that `counted` were too many."""
        if self.size is None:
            return counted // 2
        ours = counted / max(self.prompt or counted, counted / 2, 1)
        return min(int(room_in(self.size) * ours), counted * 3 // 4)


def room_in(size: int) -> int:
    """Compute how many tokens of a context the prompt may take and leave room for the reply."""
    return int(size * (1 - _FOR_THE_REPLY))


def too_long(message: str) -> TooLong | None:
    """Parse an error about a context that is too small, None if it is about something else."""
    if not _TOO_LONG.search(message):
        return None
    size = _N_CTX.search(message) or _LIMIT.search(message)
    prompt = _PROMPT.search(message)
    return TooLong(int(size[1]) if size else None, int(prompt[1]) if prompt else None)


def silently_cut(counted: int, told: int) -> TooLong | None:
    """Tell from the token count that the server silently truncated the prompt, and to which size."""
    if counted < _LEAST_CUT or told >= counted:
        return None
    if told % _SIZES == 0 or _LEAST_CUT // 4 <= told < counted * _FAR_FEWER:
        return TooLong(told)
    return None


def text_of(message: object) -> str:
    """Convert an error to text that the patterns above can search."""
    return message if isinstance(message, str) else json.dumps(message, ensure_ascii=False, default=str)
