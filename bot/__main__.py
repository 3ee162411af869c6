"""Run the `footnote` command and turn errors into a sentence and an exit code."""

from __future__ import annotations

import gc
import logging
import os
import sys

from bot import files, streams
from bot.cli import app
from bot.machine import sentence_for
from retrieval import FootnoteError

log = logging.getLogger(__name__)

FAILED = 1
INTERRUPTED = 130


def main() -> None:
    """Run the command line; exits with 0 for done, 1 failed with a sentence, 2 wrong usage, 130 interrupted."""
    # Small matrix products finish before OpenBLAS has woken a second thread, which costs 100 ms on busy cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()  # until `bot.runner` begins: imports leave nothing to collect, but would be looked through often
    streams.prepare()
    files.keep_private()
    try:
        try:
            app()
        finally:
            streams.flush()
    except FootnoteError as error:
        log.debug("failed", exc_info=True)
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        streams.silence()
    except OSError as error:
        log.debug("failed", exc_info=True)
        streams.silence()
        _fail(sentence_for(error))
    except Exception as error:  # the last boundary: no traceback reaches a user
        log.debug("failed", exc_info=True)
        _fail(sentence_for(error))


def _fail(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(FAILED)


if __name__ == "__main__":
    main()
