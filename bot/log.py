"""The log: lines for people or JSON for machines, each with the trace that it belongs to.

A trace is what came of one thing that somebody did, or of one digest: it begins at the gate, or with the delivery, and
goes along into all that is awaited or started from there. Its id is drawn, and leads to nobody.
"""

from __future__ import annotations

import json
import logging
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_trace: ContextVar[str] = ContextVar("trace", default="")


def begin_trace() -> None:
    """Give what the current task logs from here on an id, and what it starts."""
    _trace.set(secrets.token_hex(4))


class Pretty(logging.Formatter):
    """Write a line, with its trace before the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # its name in logging
        """Return the line without what an error adds to it."""
        trace = _trace.get()
        if trace:
            record.message = f"[{trace}] {record.message}"
        return super().formatMessage(record)


class Json(logging.Formatter):
    """Write one JSON object a line: time (UTC), level, logger, message, and where there are such trace and error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, which has no line end in it."""
        record_fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := _trace.get():
            record_fields["trace"] = trace
        if record.exc_info:
            record_fields["error"] = self.formatException(record.exc_info)
        return json.dumps(record_fields, ensure_ascii=False)


def show_traces() -> None:
    """Have every line say which trace it belongs to."""
    _format(Pretty(LINE))


def write_json() -> None:
    """Have every line be an object."""
    _format(Json())


def _format(formatter: logging.Formatter) -> None:
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
