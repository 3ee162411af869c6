"""The context of a message on the page: the viewer, the names of ids, and the choices of selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from local_discord.channels import PRIVATE_THREAD, PUBLIC_THREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_discord.channels import Channel
    from local_discord.guilds import Role
    from local_discord.people import Person
    from local_discord.users import User
    from local_discord.world import World

STRING, USER, ROLE, MENTIONABLE, CHANNEL = 3, 5, 6, 7, 8
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Choice:
    """A choice: its value, label and description, and whether it is chosen."""

    value: str
    label: str
    description: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class Scene:
    """A channel as somebody sees it; provides `Names` for its texts."""

    world: World
    viewer: Person
    channel: Channel

    def user(self, user_id: int) -> str:
        """Look up a user's name."""
        known = self.world.users.get(user_id)
        return known.name if known else _UNKNOWN

    def role(self, role_id: int) -> str:
        """Look up a role's name."""
        guild = self.channel.guild
        return guild.roles[role_id].name.removeprefix("@") if guild and role_id in guild.roles else _UNKNOWN

    def channel_name(self, channel_id: int) -> str:
        """Look up a channel's name."""
        known = self.world.channels.get(channel_id)
        return known.name if known else _UNKNOWN

    def choices(self, select: dict[str, Any]) -> list[Choice]:
        """List the choices of a select: its own options, or the server's users, roles and channels."""
        if select["type"] == STRING:
            return [
                Choice(
                    option["value"],
                    " ".join(filter(None, [(option.get("emoji") or {}).get("name"), option["label"]])),
                    option.get("description") or "",
                    bool(option.get("default")),
                )
                for option in select.get("options") or []
            ]
        chosen = {str(default["id"]) for default in select.get("default_values") or []}
        kinds = set(select.get("channel_types") or [])
        return [
            Choice(str(thing.id), name, chosen=str(thing.id) in chosen)
            for thing, name in self._things(select["type"], kinds)
        ]

    def thing(self, thing_id: str) -> User | Role | Channel | None:
        """Look up the user, role or channel with an id."""
        number = int(thing_id) if thing_id.isdigit() else 0
        roles = self.channel.guild.roles if self.channel.guild else {}
        return self.world.users.get(number) or roles.get(number) or self.world.channels.get(number)

    def things(self, kind: int) -> list[Choice]:
        """List the users, roles or channels that a command option may refer to."""
        return [Choice(str(thing.id), name) for thing, name in self._things(kind, set())]

    def _things(self, kind: int, channel_types: set[int]) -> Iterator[tuple[User | Role | Channel, str]]:
        guild = self.channel.guild
        if guild is None:
            return
        if kind in {USER, MENTIONABLE}:
            yield from ((user, f"@{user.name}") for user in guild.members.values())
        if kind in {ROLE, MENTIONABLE}:
            yield from ((role, f"@{role.name.removeprefix('@')}") for role in guild.roles.values())
        if kind == CHANNEL:
            for channel in self.world.channels_in(guild):
                if (
                    channel.type in channel_types
                    if channel_types
                    else channel.type not in {PUBLIC_THREAD, PRIVATE_THREAD}
                ):
                    yield channel, f"#{channel.name}"
