"""The bot's own errors: each carries one sentence that a user may read."""

from __future__ import annotations

from retrieval import FootnoteError


class SettingsError(FootnoteError):
    """A setting is wrong; for an unknown name, the message suggests the nearest known one."""


class OutputError(FootnoteError):
    """There is nowhere to print to."""


class WriterError(FootnoteError):
    """Why the language model gave no usable answer, in a few words: "refused the key (401)".

    `status` is the server's HTTP status, 408 for a timeout, 0 if it cannot be reached, and None for anything else.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class DiscordStartError(FootnoteError):
    """Say why the bot could not log in to Discord, and what to do."""


class DemoError(FootnoteError):
    """Say why the demo cannot be shown."""


class BudgetError(WriterError):
    """A budget is used up: "day", "server" or "person"."""

    def __init__(self, words: str, budget: str) -> None:
        super().__init__(words)
        self.budget = budget
