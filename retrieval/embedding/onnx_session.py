"""onnxruntime sessions; onnxruntime is imported when the first one is opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession


def open_session(graph: Path) -> InferenceSession:
    """Open a graph that runs on one core, in the calling thread, so that several threads can run it at once."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # otherwise it counts sessions and writes a file
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1
    return InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
