"""The bot's own errors: each carries one sentence that a user may read."""

from __future__ import annotations

from retrieval import FootnoteError


class SettingsError(FootnoteError):
    """Say which setting is wrong; if its name is unknown, suggest the nearest known one."""


class OutputError(FootnoteError):
    """Say that there is nowhere to print to."""


class WriterError(FootnoteError):
    """Say in a few words why the language model gave no usable answer: "refused the key (401)".

    `status` is what the server replied with, 408 where it did not in time, 0 where it cannot be reached, None where
    it is none of these.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class DiscordStartError(FootnoteError):
    """Say why the bot could not log in to Discord, and what to do."""


class DemoError(FootnoteError):
    """Say why the demo cannot be shown."""


class BudgetError(WriterError):
    """Say that a budget is used up, and which: "day", "server" or "person"."""

    def __init__(self, words: str, budget: str) -> None:
        super().__init__(words)
        self.budget = budget
