"""A Discord on local sockets, Gateway and REST, to which the unmodified discord.py client connects.

    async with LocalDiscord() as server:
        lab = server.guild("Lab")
        papers, alice = lab.channel("papers"), lab.member("alice")
        bot = Bot(connector=server.connector(), guild_ready_timeout=0.1)
        running = asyncio.create_task(bot.start(server.token))
        await server.ready()
        await alice.says(papers, f"{server.bot.mention} what is attention?")
        answer = await papers.wait_for_bot_message()
        used = await alice.uses_command(papers, "ask", question="and multi-head?")
        print((await used.finished()).links)

What a person's own client would refuse to send raises ImpossibleError; what Discord's servers would refuse gets
Discord's error.

A channel knows its messages and a message its channel, so both are in `channels`. They do not know who acts on them:
people (`people`) and the bot's requests (`rest`, `interaction_routes`) change the `world`, which tells the clients.
"""

from .channels import Channel, Message
from .errors import ImpossibleError, InVainError
from .guild_setup import Server
from .guilds import Role
from .interactions import Interaction
from .people import Person
from .server import LocalDiscord

__all__ = [
    "Channel",
    "ImpossibleError",
    "InVainError",
    "Interaction",
    "LocalDiscord",
    "Message",
    "Person",
    "Role",
    "Server",
]
