"""The local Discord of the tests: `local_discord`, with faults on request and a proxy for bots in other processes.

A bot in another process needs ``proxy=server.proxy_url`` and ``SSL_CERT_FILE=server.ca_file``; it then trusts no other
certificate authority. A test fails at once if it does what a person's own client would refuse, and at the end of the
block if the bot has used an unknown route.
"""

from local_discord import Channel, Interaction, Message, Person, Role, Server

from .faulty import LocalDiscord

__all__ = ["Channel", "Interaction", "LocalDiscord", "Message", "Person", "Role", "Server"]
