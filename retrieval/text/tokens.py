"""Token counts for OpenAI's models; estimates if tiktoken cannot get its vocabulary."""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

logger = logging.getLogger(__name__)

FALLBACK_ENCODING = "o200k_base"  # models that tiktoken does not know are mostly newer ones, or not OpenAI's
PATIENCE = timedelta(seconds=3)  # to download a 4 MB vocabulary; tiktoken itself has no timeout
# Measured on arXiv abstracts, these estimates are never too low, and 1.4 times the true count on average.
BYTES_PER_TOKEN_OF_PROSE = 4
BYTES_PER_TOKEN = 3
PROSE = 0.9  # minimum share of ASCII letters and spaces in English prose; LaTeX, code and JSON have less


class TokenCounter:
    """Counts the tokens of texts for a model.

    tiktoken reads its vocabulary from TIKTOKEN_CACHE_DIR or downloads it, once per process, in a thread. If that fails
    or takes more than 3 seconds, counts are estimates until it has arrived.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def start(self) -> None:
        """Start to load the vocabulary, without waiting for it."""
        _vocabulary(_encoding_name(self._model))

    def count(self, text: str) -> int:
        """Count tokens, special tokens as plain text; the first call may wait up to 3 seconds."""
        encoding = self._encoding()
        return estimate(text) if encoding is None else len(encoding.encode_ordinary(text))

    @property
    def estimated(self) -> bool:
        """Whether counts are estimates; waits like the first count."""
        return self._encoding() is None

    def _encoding(self) -> Encoding | None:
        return _vocabulary(_encoding_name(self._model)).wait()


def estimate(text: str) -> int:
    """Estimate a token count, rather too high than too low: bytes / 4 for English prose, else bytes / 3."""
    size = len(text.encode("utf-8", "surrogatepass"))
    plain = sum(character.isascii() and (character.isalpha() or character.isspace()) for character in text)
    prose = plain >= PROSE * size
    return math.ceil(size / (BYTES_PER_TOKEN_OF_PROSE if prose else BYTES_PER_TOKEN))


def _encoding_name(model: str) -> str:
    from tiktoken.model import encoding_name_for_model  # slow to import

    try:
        return encoding_name_for_model(model)
    except KeyError:
        return FALLBACK_ENCODING


class _Vocabulary:
    """A vocabulary that is being loaded."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._encoding: Encoding | None = None
        # Only its name: a stored exception would keep its traceback's frames alive.
        self._failure = TimeoutError.__name__
        self._ended = threading.Event()
        self._deadline = time.monotonic() + PATIENCE.total_seconds()
        self._warned = False

    def load(self) -> None:
        import tiktoken

        try:
            self._encoding = tiktoken.get_encoding(self._name)
        except Exception as error:  # noqa: BLE001  # whatever it is, counting goes on with estimates
            self._failure = type(error).__name__
        finally:
            self._ended.set()

    def wait(self) -> Encoding | None:
        """Wait for the vocabulary; None if loading failed or takes too long."""
        self._ended.wait(max(0.0, self._deadline - time.monotonic()))
        if self._encoding is None:
            self._warn()
        return self._encoding

    def _warn(self) -> None:
        if self._warned:
            return
        self._warned = True
        logger.warning(
            "Token counts are estimates: tiktoken has no vocabulary for %s (%s). Give it a network, or a "
            "folder that holds the vocabulary as TIKTOKEN_CACHE_DIR.",
            self._name,
            self._failure,
        )


@functools.cache
def _vocabulary(name: str) -> _Vocabulary:
    """Start to load a vocabulary; cached, so that a process tries only once."""
    vocabulary = _Vocabulary(name)
    # A daemon thread, so that a hanging download does not keep the process alive.
    threading.Thread(target=vocabulary.load, name=f"tiktoken-{name}", daemon=True).start()
    return vocabulary
