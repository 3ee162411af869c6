"""The accounts of people and bots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]


@dataclass(eq=False)
class User:
    """An account of a person or a bot."""

    id: int
    name: str
    bot: bool = False
    accepts_dms: bool = True

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> Payload:
        user = {"id": str(self.id), "username": self.name, "discriminator": "0", "global_name": self.name}
        return user | {"avatar": None, "bot": self.bot, "public_flags": 0}
