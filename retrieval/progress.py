"""Progress: how long work tells whoever waits how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A callback that shows the progress of long work."""

    def __call__(self, done: int, total: int) -> None:
        """Report `done` of `total` papers."""
        ...


def between(progress: Progress, before: float, after: float) -> Progress:
    """Make what moves a bar of a hundred from one share (0..1) of the whole to another."""
    return lambda done, total: progress(round(100 * (before + (after - before) * done / total)), 100)
