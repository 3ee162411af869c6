"""What is sent by forms finds the kind of form that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.discord.services import acting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.discord.answers.responder import Desk
    from bot.discord.services import Host
    from bot.discord.ui.forms import Form


class Forms(commands.Cog):
    """Take in what is sent by forms."""

    def __init__(self, bot: Host) -> None:
        self._kinds: Sequence[type[Form]] = bot.forms

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Take in a form that was sent."""
        if interaction.type is discord.InteractionType.modal_submit:
            await self._hand_over(interaction)

    @acting
    async def _hand_over(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        data: Any = interaction.data
        for kind in self._kinds:
            if match := kind.template.fullmatch(data["custom_id"]):
                await kind.sent(interaction, desk, match.groupdict() | dict(_typed(data["components"])))


def _typed(components: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield the custom id of each input and what was typed into it, without blanks around it."""
    for part in components:
        if "value" in part:
            yield part["custom_id"], part["value"].strip()
        elif "component" in part:
            yield from _typed([part["component"]])
