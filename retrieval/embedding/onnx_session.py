"""Sessions of onnxruntime, which is imported when the first one is opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession


def open_session(graph: Path) -> InferenceSession:
    """Open a graph to compute on one core, in the thread of whoever asks, so that several may ask at once."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would count sessions, and leave a file among others
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1
    return InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
