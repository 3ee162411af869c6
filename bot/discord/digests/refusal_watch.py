"""Retry refused digests as soon as a permission, a channel or a server is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

from bot.discord.ui.permissions import missing_to_post

if TYPE_CHECKING:
    from collections.abc import Callable

    import discord

    from bot.discord.services import Bot
    from bot.store import Subscription


class RefusalWatch(commands.Cog):
    """Retry paused digests when their channel, thread or permissions change."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, _before: discord.abc.GuildChannel, channel: discord.abc.GuildChannel
    ) -> None:
        """Check the digests of the channel and of its threads."""
        await self._look(channel.guild, lambda target: channel.id in {target.id, getattr(target, "parent_id", None)})

    @commands.Cog.listener()
    async def on_thread_update(self, _before: discord.Thread, thread: discord.Thread) -> None:
        """Check the digests of the thread."""
        await self._look(thread.guild, lambda target: target.id == thread.id)

    @commands.Cog.listener()
    async def on_guild_role_update(self, _before: discord.Role, role: discord.Role) -> None:
        """Check the digests of the server if the bot has the role."""
        if role in role.guild.me.roles:
            await self._look(role.guild)

    @commands.Cog.listener()
    async def on_member_update(self, before: discord.Member, member: discord.Member) -> None:
        """Check the digests of the server if the bot's own roles changed."""
        if member == member.guild.me and before.roles != member.roles:
            await self._look(member.guild)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Check the digests of a server that the bot rejoined."""
        await self._look(guild)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Check the digests of a server that was unavailable, or that changed while the bot was offline."""
        await self._look(guild)

    async def _look(
        self,
        guild: discord.Guild,
        concerned: Callable[[discord.abc.GuildChannel | discord.Thread], bool] = lambda _: True,
    ) -> None:
        """Retry the paused digests whose destination is `concerned` and lets the bot post by now."""

        def may_pass(subscription: Subscription) -> bool:
            target = guild.get_channel_or_thread(subscription.place_id)
            return target is not None and concerned(target) and not missing_to_post(target)

        held_back = filter(may_pass, await self._bot.services.store.subscriptions.held_back(guild.id))
        if found := [subscription.subscription_id for subscription in held_back]:
            await self._bot.services.store.subscriptions.look_again(found, self._bot.now())
            self._bot.deliverer.wake()
