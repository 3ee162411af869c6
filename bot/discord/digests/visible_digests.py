"""Which digests somebody may see, and which one of them they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands

from bot.discord.digests.digest_channels import may_change
from bot.discord.digests.digest_phrases import short
from bot.discord.reply.interaction_target import server_of
from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import shorten_at_end
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    import discord

    from bot.store import Store, Subscription


class VisibleDigests:
    """The subscriptions that the person behind an interaction may see."""

    def __init__(self, store: Store) -> None:
        self._subscriptions = store.subscriptions

    async def of(self, interaction: discord.Interaction[Any]) -> list[Subscription]:
        """List the digests of somebody: this channel's, those they may change, and their own."""
        found = [
            subscription
            for subscription in await self._subscriptions.of_place(interaction.user.id)
            if subscription.kind == "dm"
        ]
        guild_id = server_of(interaction)
        if guild_id is not None:
            here = {interaction.channel_id, getattr(interaction.channel, "parent_id", None)}
            found += [
                subscription
                for subscription in await self._subscriptions.of_server(guild_id)
                if subscription.place_id in here or may_change(interaction, subscription)
            ]
        return found

    async def find(self, interaction: discord.Interaction[Any], chosen: str, *, to_read: bool = False) -> Subscription:
        """Find the digest that was picked, or whose topics were typed; raises BadInputError.

        It must be one that they may change, unless they want `to_read` it.
        """
        typed = chosen.strip().casefold()
        for subscription in await self.of(interaction):
            if typed not in (subscription.subscription_id.casefold(), ", ".join(subscription.topics).casefold()):
                continue
            if to_read or may_change(interaction, subscription):
                return subscription
            raise BadInputError(say("You may not change this digest: it takes Manage Channels or Manage Server."))
        raise unknown_digest()

    async def offer(
        self, interaction: discord.Interaction[Any], typed: str, *, to_read: bool = False
    ) -> list[app_commands.Choice[str]]:
        """Suggest digests for what was typed, by their names; unless `to_read`, those that they may change."""
        wanted = typed.strip().casefold()
        choices = []
        for subscription in await self.of(interaction):
            if not to_read and not may_change(interaction, subscription):
                continue
            name = shorten_at_end(short(subscription, _channel_name(interaction, subscription)), CHOICE_CHARACTERS)
            if wanted in name.casefold():
                choices.append(app_commands.Choice(name=name, value=subscription.subscription_id))
        return choices[:CHOICES]


def unknown_digest() -> BadInputError:
    """The error for a digest that is not, or no longer, there."""
    return BadInputError(say("I know no such digest here; pick one of those that I offer while you type."))


def _channel_name(interaction: discord.Interaction[Any], subscription: Subscription) -> str:
    """The name of a subscription's channel, for places where mentions are not rendered."""
    channel = interaction.guild and interaction.guild.get_channel_or_thread(subscription.place_id)
    return say("direct messages") if channel is None and subscription.kind == "dm" else f"#{channel or '?'}"
