"""Tell somebody something in private about their interaction, whatever is shown there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

if TYPE_CHECKING:
    from discord import ui


async def tell_privately(interaction: discord.Interaction[Any], view: ui.LayoutView) -> None:
    """Show a message to one person, in place of "is thinking…" if that is still there, as that may be repeated.

    Raises discord.py's errors.
    """
    response = interaction.response
    if not response.is_done():
        await response.send_message(view=view, ephemeral=True)
    elif await _is_thinking(interaction):
        await interaction.edit_original_response(view=view)
    else:
        await interaction.followup.send(view=view, ephemeral=True)


async def _is_thinking(interaction: discord.Interaction[Any]) -> bool:
    if interaction.response.type is not discord.InteractionResponseType.deferred_channel_message:
        return False
    return (await interaction.original_response()).flags.loading
