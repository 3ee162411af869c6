"""What all of the local Discord shares: the time, the journal, the accounts, and the way to its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .clock import Clock
from .users import User

if TYPE_CHECKING:
    from .journal import Journal

Payload = dict[str, Any]


class Audience(Protocol):
    """What decides who hears of an event in a guild: the guild's id, and whether the bot is there."""

    id: int
    has_bot: bool


class Emit(Protocol):
    """Send an event to every connected client that should see it."""

    def __call__(
        self, name: str, data: Payload, *, guild: Audience | None = None, redacted: Payload | None = None
    ) -> None: ...


class Hub:
    """What guilds, channels, messages and interactions need of the Discord that they are in.

    ``message_content`` says whether the bot receives the text of messages that are not for it.
    """

    def __init__(self, journal: Journal, emit: Emit, *, message_content: bool) -> None:
        self.clock = Clock()
        self.journal = journal
        self.emit = emit
        self.message_content = message_content
        self.bot = User(self.clock.snowflake(), "Footnote", bot=True)
        self.application_id = self.bot.id
        self.users: dict[int, User] = {self.bot.id: self.bot}
