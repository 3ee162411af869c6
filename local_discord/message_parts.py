"""What messages hold: uploaded files, versions of the content, and the interaction that each answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import plain_text

if TYPE_CHECKING:
    from .users import User

Payload = dict[str, Any]


@dataclass(frozen=True)
class Attachment:
    """An uploaded file."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    channel_id: int
    description: str | None = None

    @property
    def path(self) -> str:
        return f"/attachments/{self.channel_id}/{self.id}/{self.filename}"

    def payload(self) -> Payload:
        url = f"https://cdn.discordapp.com{self.path}"
        about = {"id": str(self.id), "filename": self.filename, "description": self.description}
        return about | {"size": len(self.data), "url": url, "proxy_url": url}


@dataclass(frozen=True)
class Version:
    """The content of a message at one time, and the mentions that notified people."""

    content: str
    embeds: list[Payload]
    components: list[Payload]
    pings: frozenset[str]
    time: float

    @property
    def text(self) -> str:
        return plain_text.words(self.content, self.embeds, self.components)


@dataclass(frozen=True)
class InteractionMetadata:
    """What a message says of the interaction that it answers; ``message_id`` is the one whose component was used."""

    id: int
    type: int
    name: str
    user: User
    guild_id: int | None
    message_id: int | None

    def payload(self) -> Payload:
        owners = {"1": str(self.user.id)} if self.guild_id is None else {"0": str(self.guild_id)}
        about: Payload = {"id": str(self.id), "type": self.type, "user": self.user.payload()}
        about |= {"authorizing_integration_owners": owners}
        return about if self.message_id is None else about | {"interacted_message_id": str(self.message_id)}
