"""Forms: whatever is sent is known by the form's custom id alone, as clicks are: hours later, and after a restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import discord
from discord import ui
from discord.ext import commands

from bot.discord.host import acting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bot.discord.desk import Desk
    from bot.discord.host import Host

    Typed: TypeAlias = Mapping[str, str]

LABEL_CHARACTERS: Final = 45  # Discord's, for titles and labels


class Form(ui.Modal):
    """Ask for texts; `template` matches the custom ids of its kind, which say what `sent` needs to know.

    discord.py remembers no form: it would forget it at a restart, and nobody tells when one is closed unsent.
    """

    template: ClassVar[re.Pattern[str]]

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__()
        cls.template = re.compile(template)

    def __init__(self, title: str, custom_id: str) -> None:
        super().__init__(title=title[:LABEL_CHARACTERS], custom_id=custom_id, timeout=None)
        self.stop()

    def add(self, label: str, text: ui.TextInput[Any], description: str | None = None) -> None:
        """Add an input; its custom id is the name under which `sent` gets what was typed."""
        self.add_item(ui.Label[Any](text=label[:LABEL_CHARACTERS], description=description, component=text))

    @staticmethod
    async def sent(interaction: discord.Interaction[Any], desk: Desk, typed: Typed) -> None:
        """Do what the form is for; acknowledges first.

        `typed` has what was typed under the inputs' custom ids, and the groups that the template found.
        """
        raise NotImplementedError


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
