"""Interactions: the uses of commands, components and modals, and what the bot did about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .message_parts import InteractionMetadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from .channels import Channel, Message
    from .hub import Hub
    from .users import User

Payload = dict[str, Any]

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5


@dataclass(eq=False, repr=False)
class Interaction:
    """One use of a command, component or modal, and everything that the bot did about it."""

    hub: Hub
    id: int
    token: str
    type: int
    user: User
    channel: Channel
    name: str
    created: float
    message: Message | None = None
    kind: str | None = None
    refused: str | None = None
    deferred: bool = False
    ephemeral: bool = False
    answered_after: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Payload | None = None
    choices: list[Payload] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"{self.user.name}'s {self.name!r}"

    @property
    def final(self) -> Message | None:
        """The message that people now see as the answer: not "is thinking…", and not one still to be updated."""
        if self.original and not self.original.loading:
            return self.original
        updated = self.kind in ("update", "deferred update") and self.message
        return self.message if updated and updated.versions[-1].time >= self.created else None

    async def response(self, timeout: timedelta | None = None) -> Interaction:  # noqa: ASYNC109
        """Wait for the first response, which ``kind``, ``modal``, ``choices`` and ``original`` describe."""
        await self.hub.journal.until(lambda: self.kind, f"a response to {self!r}", timeout)
        return self

    async def finished(
        self,
        when: Callable[[Message], bool] = lambda _: True,
        timeout: timedelta | None = None,  # noqa: ASYNC109
    ) -> Message:
        """Wait for the answer itself, after any "is thinking…", and until ``when`` is true of it."""

        def find() -> Message | None:
            return self.final if self.final and when(self.final) else None

        return await self.hub.journal.until(find, f"the finished answer to {self!r} (response: {self.kind})", timeout)

    async def followup(self, number: int = 0, timeout: timedelta | None = None) -> Message:  # noqa: ASYNC109
        """Wait for a follow-up message, counted from 0."""
        await self.hub.journal.until(lambda: len(self.followups) > number, f"a follow-up to {self!r}", timeout)
        return self.followups[number]

    def messages(self) -> list[Message]:
        """List every message of this interaction, including ephemeral ones."""
        return [*([self.original] if self.original else []), *self.followups]

    def metadata(self) -> InteractionMetadata:
        """Build what the messages that answer this say of it."""
        guild_id = self.channel.guild.id if self.channel.guild else None
        clicked = self.message.id if self.message and self.type == COMPONENT else None
        return InteractionMetadata(self.id, self.type, self.name, self.user, guild_id, clicked)

    def payload(self, data: Payload, locale: str) -> Payload:
        """Build INTERACTION_CREATE; ``data`` has what was typed, clicked or chosen."""
        user, channel, guild = self.user, self.channel, self.channel.guild
        owner = {"1": str(user.id)} if guild and not guild.has_bot else {"0": str(guild.id) if guild else "0"}
        event: Payload = {
            "id": str(self.id),
            "application_id": str(self.hub.application_id),
            "type": self.type,
            "token": self.token,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": channel.payload(),
            "data": data,
            "attachment_size_limit": 10 * 1024 * 1024,
            "app_permissions": str(channel.bot_permissions()),
            "locale": locale,
            "entitlements": [],
            "context": 0 if guild else 1,
            "authorizing_integration_owners": owner,
        }
        if self.message:
            event["message"] = self.message.payload()
        if not guild:
            return event | {"user": user.payload()}
        event |= {"guild_id": str(guild.id), "guild_locale": guild.locale}
        event["guild"] = {"id": str(guild.id), "locale": guild.locale, "features": []}
        event["member"] = guild.member_payload(user) | {"permissions": str(guild.permissions_of(user))}
        return event
