"""A Discord on local sockets, Gateway and REST, to which the unmodified discord.py client connects."""

from .interactions import Interaction
from .messages import Message
from .people import Person
from .places import Channel, Role
from .scenario import LocalDiscord, Server

__all__ = ["Channel", "Interaction", "LocalDiscord", "Message", "Person", "Role", "Server"]
