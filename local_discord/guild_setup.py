"""Set up guilds: their channels, and the people who are their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channels import FORUM, NEWS, TEXT, Channel
from .guilds import Guild
from .people import Person

if TYPE_CHECKING:
    from .gateway import Gateway
    from .world import World


class Server(Guild):
    """A guild to which a test can add channels, and people whom it controls."""

    def __init__(self, world: World, name: str, gateway: Gateway) -> None:
        super().__init__(world, world.clock.snowflake(), name)
        self.world = world
        self._gateway = gateway

    def channel(self, name: str) -> Channel:
        """Get the text channel with this name, created if there is none."""
        return self._channel(name, TEXT)

    def announcements(self, name: str) -> Channel:
        """Get the announcement channel with this name, created if there is none."""
        return self._channel(name, NEWS)

    def forum(self, name: str) -> Channel:
        """Get the forum with this name, created if there is none."""
        return self._channel(name, FORUM)

    def _channel(self, name: str, kind: int) -> Channel:
        for known in self.channels():
            if known.name == name and not known.is_thread:
                return known
        world = self.world
        made = world.add_channel(Channel(world, world.channels, world.clock.snowflake(), name, kind, self))
        world.emit("CHANNEL_CREATE", made.payload(), guild=self)
        return made

    def channels(self) -> list[Channel]:
        """List the channels and threads in the order of their creation."""
        return self.world.channels_in(self)

    def member(self, name: str, *permissions: str, bot: bool = False) -> Person:
        """Add a new member, with permissions such as ``"manage_guild"`` beyond everyone's."""
        person = Person(self.world.clock.snowflake(), name, bot, world=self.world, gateway=self._gateway)
        self.world.users[person.id] = person
        self.join(person, *permissions)
        return person

    def comes_back(self) -> None:
        """End an outage of this guild, which ``unavailable`` started before the client connected."""
        self.unavailable = False
        self.world.emit("GUILD_CREATE", self.world.guild_payload(self), guild=self)
