"""The local Discord of the tests: `local_discord`, with faults on request and a proxy for bots in other processes.

A bot in another process takes ``proxy=server.proxy_url`` and ``SSL_CERT_FILE=server.ca_file``; it then trusts no other
certificate authority. Whatever a person's own client would refuse to send fails the test at once. Leaving the block
fails the test if the client used a route that is not there.
"""

from local_discord import Channel, Interaction, Message, Person, Role, Server

from .faulty import LocalDiscord

__all__ = ["Channel", "Interaction", "LocalDiscord", "Message", "Person", "Role", "Server"]
