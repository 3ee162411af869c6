"""Local servers that answer, and fail, like Hugging Face, arXiv and feeds."""

from .clock import LocalClock
from .faults import cut, fails, says, silent
from .papers import LocalPaper, some_papers
from .reading import read_until_error
from .server import LocalSources, Request

__all__ = [
    "LocalClock",
    "LocalPaper",
    "LocalSources",
    "Request",
    "cut",
    "fails",
    "read_until_error",
    "says",
    "silent",
    "some_papers",
]
