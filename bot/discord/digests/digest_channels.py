"""Where digests go: find the channel, check who may choose it, and whether the bot may post there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import discord
from discord import app_commands

from bot.discord.reply.interaction_target import server_of
from bot.discord.ui.permissions import missing_to_post
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    from bot.store import Subscription
    from bot.store.domain import PlaceKind

    Channel: TypeAlias = "discord.abc.GuildChannel | discord.Thread"

WHERE_TO_POST: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
]


class Anywhere(app_commands.Transformer):
    """An option that takes a channel, thread or forum, whether or not the bot sees it."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """Discord's type for the option."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """The kinds of channels that Discord offers."""
        return WHERE_TO_POST

    async def transform(self, _: discord.Interaction[Any], value: Any, /) -> int:  # noqa: ANN401  # as Discord sends it
        """The id of the channel."""
        return int(value.id)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a digest may go; `channel` is None for direct messages."""

    kind: PlaceKind
    place_id: int
    guild_id: int | None
    channel: Channel | None = None


async def target_of(
    interaction: discord.Interaction[Any], channel_id: int | None, *, direct: bool, pictures: bool
) -> Target:
    """Find where somebody wants a digest; raises BadInputError if they, or the bot, may not post there."""
    guild = interaction.guild if server_of(interaction) is not None else None
    if direct or (guild is None and interaction.guild_id is None):
        return Target("dm", interaction.user.id, None)
    if guild is None or interaction.channel_id is None:
        raise BadInputError(say("I am not a member here: I can send you digests in direct messages only."))
    channel = await find_channel(guild, channel_id or interaction.channel_id)
    if not may_manage(interaction, channel):
        raise BadInputError(
            say("To set up digests in a channel you need the permission Manage Channels or Manage Server.")
        )
    demand_post(channel, pictures=pictures)
    return Target(kind_of(channel), channel.id, guild.id, channel)


async def find_channel(guild: discord.Guild, channel_id: int) -> Channel:
    """Find a channel or thread; raises BadInputError if it is gone or hidden from the bot."""
    known = guild.get_channel_or_thread(channel_id)
    if known is not None:
        return known
    try:
        return await guild.fetch_channel(channel_id)  # archived threads are not cached
    except discord.Forbidden as error:
        raise BadInputError(_lacking(say("View Channel"))) from error
    except (discord.NotFound, discord.InvalidData) as error:
        raise BadInputError(say("That channel is gone.")) from error


def demand_post(channel: Channel, *, pictures: bool) -> None:
    """Raise BadInputError naming the permissions that the bot lacks to post digests in a channel."""
    if missing := missing_to_post(channel, history=True, pictures=pictures):
        raise BadInputError(_lacking(", ".join(missing)))


def demand_announcements(channel: Channel | None) -> None:
    """Raise BadInputError if messages in a channel cannot be published to other servers."""
    if not isinstance(channel, discord.TextChannel) or not channel.is_news():
        raise BadInputError(say("Only what is posted in an announcement channel can be published to other servers."))


def may_manage(interaction: discord.Interaction[Any], channel: Channel | None) -> bool:
    """Whether somebody may decide what is posted in a channel; if it is None, in the whole server."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        return False
    try:
        mine = user.guild_permissions if channel is None else channel.permissions_for(user)
    except discord.ClientException:  # a thread whose channel the bot does not see
        mine = user.guild_permissions
    return mine.manage_channels or mine.manage_guild


def may_change(interaction: discord.Interaction[Any], subscription: Subscription) -> bool:
    """Whether somebody may change a subscription: its owner may, and so may whoever manages its channel."""
    if subscription.kind == "dm":
        return subscription.place_id == interaction.user.id
    if subscription.guild_id != server_of(interaction) or interaction.guild is None:
        return False
    channel = interaction.guild.get_channel_or_thread(subscription.place_id)
    return subscription.owner_id == interaction.user.id or may_manage(interaction, channel)


def kind_of(channel: Channel) -> PlaceKind:
    """The kind of destination that a channel is; raises BadInputError if nothing can be posted in it."""
    if isinstance(channel, discord.Thread):
        return "thread"
    if isinstance(channel, discord.ForumChannel):
        return "forum"
    if isinstance(channel, discord.abc.Messageable):
        return "channel"
    raise BadInputError(say("Nothing can be posted there: choose a channel, a thread or a forum."))


def _lacking(names: str) -> str:
    return say("I may not post there: I need these permissions: {permissions}.", permissions=names)
