"""A local OpenAI-compatible server: it reads the papers in the prompt, and misbehaves when asked to."""

from .asking import asking
from .behaviours import (
    cut,
    fails,
    fills,
    finishes,
    given_paper_mixed_up,
    held_by,
    honest,
    invented_paper,
    invented_quote,
    masked_link,
    obedient,
    pings_everyone,
    refuses,
    says,
    silent,
    statement,
    trickles,
    writes,
    wrong_number,
)
from .server import LocalLLM, Request
from .vectors import embed

__all__ = [
    "LocalLLM",
    "Request",
    "asking",
    "cut",
    "embed",
    "fails",
    "fills",
    "finishes",
    "given_paper_mixed_up",
    "held_by",
    "honest",
    "invented_paper",
    "invented_quote",
    "masked_link",
    "obedient",
    "pings_everyone",
    "refuses",
    "says",
    "silent",
    "statement",
    "trickles",
    "writes",
    "wrong_number",
]
