"""Token counts as OpenAI's models make them; estimates where tiktoken cannot get its vocabulary."""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

logger = logging.getLogger(__name__)

FALLBACK_ENCODING = "o200k_base"  # models that tiktoken does not know are mostly newer ones, or not OpenAI's
PATIENCE = 5.0  # seconds for a vocabulary of 4 MB; tiktoken itself would wait for ever
# Measured on arXiv abstracts, estimates by these are never under the truth, and 1.4 times it on average.
BYTES_PER_TOKEN_OF_PROSE = 4
BYTES_PER_TOKEN = 3
PROSE = 0.9  # the least share of English letters and blanks in English prose; LaTeX, code and JSON have less


class TokenCounter:
    """Count the tokens of texts for a model.

    tiktoken reads its vocabulary from TIKTOKEN_CACHE_DIR or downloads it, once in a process and on a thread
    of its own. Where that fails or takes more than 5 seconds, counts are estimates until it has come.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def start(self) -> None:
        """Begin to read the vocabulary without waiting for it."""
        _vocabulary(_encoding_name(self._model))

    def count(self, text: str) -> int:
        """Return the number of tokens, special tokens taken as plain text; the first call may wait 5 seconds."""
        encoding = self._encoding()
        return estimate(text) if encoding is None else len(encoding.encode_ordinary(text))

    @property
    def estimated(self) -> bool:
        """Say whether counts are estimates; waits like the first count."""
        return self._encoding() is None

    def _encoding(self) -> Encoding | None:
        return _vocabulary(_encoding_name(self._model)).wait()


def estimate(text: str) -> int:
    """Return a token count that is rather too high than too low: bytes / 4 for English prose, else bytes / 3."""
    size = len(text.encode("utf-8", "surrogatepass"))
    plain = sum(character.isascii() and (character.isalpha() or character.isspace()) for character in text)
    prose = plain >= PROSE * size
    return math.ceil(size / (BYTES_PER_TOKEN_OF_PROSE if prose else BYTES_PER_TOKEN))


def _encoding_name(model: str) -> str:
    from tiktoken.model import encoding_name_for_model  # noqa: PLC0415  # kept out of a quick --help

    try:
        return encoding_name_for_model(model)
    except KeyError:
        return FALLBACK_ENCODING


@dataclass(frozen=True)
class _Vocabulary:
    """A vocabulary on its way."""

    name: str
    future: Future[Encoding] = field(default_factory=Future)
    deadline: float = field(default_factory=lambda: time.monotonic() + PATIENCE)

    def load(self) -> None:
        import tiktoken  # noqa: PLC0415

        try:
            self.future.set_result(tiktoken.get_encoding(self.name))
        except Exception as error:  # noqa: BLE001  # whatever it is, the bot goes on with estimates
            self.future.set_exception(error)

    def wait(self) -> Encoding | None:
        try:
            return self.future.result(max(0.0, self.deadline - time.monotonic()))
        except Exception as error:  # noqa: BLE001
            self.warn(type(error).__name__)
            return None

    @functools.cache  # noqa: B019
    def warn(self, reason: str) -> None:
        logger.warning("")


@functools.cache
def _vocabulary(name: str) -> _Vocabulary:
    """Start to read a vocabulary; the cache makes it one try in a process."""
    vocabulary = _Vocabulary(name)
    # A daemon, so that a download that hangs does not keep the process alive.
    threading.Thread(target=vocabulary.load, name=f"tiktoken-{name}", daemon=True).start()
    return vocabulary
