"""The bot's own errors: each carries one sentence that a user may read."""

from __future__ import annotations

from retrieval.errors import FootnoteError


class SettingsError(FootnoteError):
    """Say which setting is wrong, and the nearest known name where the name is."""


class OutputError(FootnoteError):
    """Say that there is nowhere to print to."""


class WriterError(FootnoteError):
    """Say in a few words why the language model gave no usable answer: "refused the key (401)"."""


class BudgetError(WriterError):
    """Say that a budget for the language model is used up: that of the "day", a "server" or a "person"."""

    def __init__(self, budget: str) -> None:
        super().__init__(f"has used up its budget for today ({budget})")
        self.budget = budget


class DiscordStartError(FootnoteError):
    """Say why the bot could not log in to Discord, and what to do."""
