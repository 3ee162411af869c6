"""The log: lines for people or JSON for machines, each with its trace.

A trace covers everything that follows from one action of a person, or from one digest: it starts at the gate or with
the delivery and is inherited by whatever is awaited or started there. Its id is random and identifies nobody.
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
    """Start a trace with a new id for the current task and the tasks it starts."""
    _trace.set(secrets.token_hex(4))


class Pretty(logging.Formatter):
    """Write a line with its trace before the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # its name in logging
        """Format the line without the traceback."""
        trace = _trace.get()
        if trace:
            record.message = f"[{trace}] {record.message}"
        return super().formatMessage(record)


class Json(logging.Formatter):
    """Write one JSON object per line: time (UTC), level, logger, message, and trace and error if there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the object on a single line."""
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
    """Show the trace in every line."""
    _format(Pretty(LINE))


def write_json() -> None:
    """Write every line as a JSON object."""
    _format(Json())


def _format(formatter: logging.Formatter) -> None:
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
