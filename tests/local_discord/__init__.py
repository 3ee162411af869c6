"""A Discord on local sockets, Gateway and REST, to which the unmodified discord.py client connects.

    async with LocalDiscord() as server:
        lab = server.guild("Lab")
        papers, alice = lab.channel("papers"), lab.member("alice")
        bot = Bot(connector=server.connector(), guild_ready_timeout=0.1)
        running = asyncio.create_task(bot.start(server.token))
        await server.ready()
        await alice.says(papers, f"{server.bot.mention} what is attention?")
        answer = await papers.wait_for_bot_message()
        assert "attention" in answer.text and not answer.pings
        used = await alice.uses_command(papers, "ask", question="and multi-head?")
        assert (await used.finished()).links

A bot in another process takes ``proxy=server.proxy_url`` and ``SSL_CERT_FILE=server.ca_file`` instead;
it then trusts no other certificate authority. Whatever a person's own client would refuse to send fails
the test at once; whatever Discord's servers would refuse gets Discord's error. Leaving the block fails
the test if the client used a route that is not here.
"""

from .interactions import Interaction
from .messages import Message
from .people import Person
from .places import Channel, Role
from .scenario import LocalDiscord, Server

__all__ = ["Channel", "Interaction", "LocalDiscord", "Message", "Person", "Role", "Server"]
