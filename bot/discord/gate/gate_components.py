"""The doors that clicks and forms come through: each passes the gate first, and every error ends here."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar, cast

import discord
from discord import ui
from discord.ext import commands

from bot.discord.gate.boundary import tell
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import Audience, Cost
from bot.discord.ui.discord_limits import FORM_LABEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from bot.discord.gate.gate import Admitted
    from bot.discord.services import Bot, Services

    Typed: TypeAlias = Mapping[str, str]

ItemT = TypeVar("ItemT", bound="ui.Item[Any]")


@dataclass(frozen=True, slots=True)
class Gesture:
    """Hold a click or a form that the gate let in, with what is needed to act on it."""

    interaction: discord.Interaction[Any]
    admitted: Admitted
    services: Services


@asynccontextmanager
async def _telling(interaction: discord.Interaction[Any]) -> AsyncIterator[Services]:
    """Give the bot's services to the block, and tell whoever acted of every error in it."""
    services = cast("Bot", interaction.client).services
    try:
        yield services
    except Exception as error:  # noqa: BLE001  # the one boundary
        await tell(interaction, error)


class Clickable(ui.DynamicItem[ItemT], template=r"(?!)"):
    """Know a button or a select by its custom id alone, however old its card is.

    `kinds` are all there are.

    Attributes:
        pattern: what its custom ids look like.
        cost: what a click counts as.
        audience: who may click.
        acknowledge: how Discord is told that the click was heard.
    """

    kinds: ClassVar[list[type[Clickable[Any]]]] = []
    pattern: ClassVar[re.Pattern[str]]
    cost: ClassVar[Cost] = Cost.ACTION
    audience: ClassVar[Audience] = Audience.ANYBODY
    acknowledge: ClassVar[Acknowledge] = Acknowledge.PRIVATELY

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__(template=template)
        cls.pattern = re.compile(template)
        Clickable.kinds.append(cls)

    def __init__(self, item: ItemT, match: re.Match[str], interaction: discord.Interaction[Any]) -> None:
        super().__init__(item)
        self.match = match
        self._interaction = interaction

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Return what was clicked."""
        return cls(cast("ItemT", item), match, interaction)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Pass the gate, then act."""
        async with _telling(interaction) as services:
            admitted = await services.gate.admit(interaction, *self.terms)
            await self.clicked(Gesture(interaction, admitted, services))

    @property
    def terms(self) -> tuple[Cost, Audience, Acknowledge]:
        """Return what the gate has to know of this click."""
        return self.cost, self.audience, self.acknowledge

    async def clicked(self, click: Gesture) -> None:
        """Do what the click is for."""
        raise NotImplementedError


class Form(ui.Modal, ABC):
    """Ask for texts; `template` matches the custom ids of its kind, which say what `sent` needs to know.

    `kinds` are all there are.

    discord.py remembers no form: it would forget it at a restart, and nobody tells when one is closed unsent.
    """

    kinds: ClassVar[list[type[Form]]] = []
    template: ClassVar[re.Pattern[str]]
    cost: ClassVar[Cost] = Cost.ACTION
    audience: ClassVar[Audience] = Audience.ANYBODY
    acknowledge: ClassVar[Acknowledge] = Acknowledge.PRIVATELY

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__()
        cls.template = re.compile(template)
        Form.kinds.append(cls)

    def __init__(self, title: str, custom_id: str) -> None:
        super().__init__(title=title[:FORM_LABEL], custom_id=custom_id, timeout=None)
        self.stop()

    def add(self, label: str, text: ui.TextInput[Any], description: str | None = None) -> None:
        """Add an input; its custom id is the name under which `sent` gets what was typed."""
        self.add_item(ui.Label[Any](text=label[:FORM_LABEL], description=description, component=text))

    @staticmethod
    @abstractmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Do what the form is for.

        `typed` has what was typed under the inputs' custom ids, and the groups that the template found.
        """


class FormDoor(commands.Cog):
    """Take in what is sent by forms."""

    def __init__(self, _: Bot) -> None:
        """Take the bot, as every cog does."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hand a form that was sent over to its kind."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        async with _telling(interaction) as services:
            data: Any = interaction.data
            for kind in Form.kinds:
                if match := kind.template.fullmatch(data["custom_id"]):
                    admitted = await services.gate.admit(interaction, kind.cost, kind.audience, kind.acknowledge)
                    typed = match.groupdict() | dict(_typed(data["components"]))
                    await kind.sent(Gesture(interaction, admitted, services), typed)


def _typed(components: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield the custom id of each input and what was typed into it, without blanks around it."""
    for part in components:
        if "value" in part:
            yield part["custom_id"], part["value"].strip()
        elif "component" in part:
            yield from _typed([part["component"]])
