"""The entry points for clicks and forms: each passes the gate first, and every error ends here."""

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
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.ui.discord_limits import FORM_LABEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from bot.discord.gate.gate import Admitted
    from bot.discord.services import Bot, Services

    Typed: TypeAlias = Mapping[str, str]

ItemT = TypeVar("ItemT", bound="ui.Item[Any]")


@dataclass(frozen=True, slots=True)
class Gesture:
    """An admitted click or form, with what is needed to act on it."""

    interaction: discord.Interaction[Any]
    admitted: Admitted
    services: Services


@asynccontextmanager
async def _telling(interaction: discord.Interaction[Any]) -> AsyncIterator[Services]:
    """Yield the bot's services, and tell the person about any error in the block."""
    services = cast("Bot", interaction.client).services
    try:
        yield services
    except Exception as error:  # noqa: BLE001  # the one boundary
        await tell(interaction, error)


class Clickable(ui.DynamicItem[ItemT], template=r"(?!)"):
    """A button or a select that is recognised by its custom id, so that it works on cards of any age.

    `kinds` lists all subclasses.

    Attributes:
        pattern: matches its custom ids.
        act_kind: what a click counts as.
        audience: who may click.
        acknowledge: how the click is acknowledged.
    """

    kinds: ClassVar[list[type[Clickable[Any]]]] = []
    pattern: ClassVar[re.Pattern[str]]
    act_kind: ClassVar[ActKind] = ActKind.ACTION
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
        """Rebuild the component that was clicked."""
        return cls(cast("ItemT", item), match, interaction)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Pass the gate, then act."""
        async with _telling(interaction) as services:
            admitted = await services.gate.admit(interaction, *self.terms)
            await self.clicked(Gesture(interaction, admitted, services))

    @property
    def terms(self) -> tuple[ActKind, Audience, Acknowledge]:
        """The gate's terms for this click."""
        return self.act_kind, self.audience, self.acknowledge

    async def clicked(self, click: Gesture) -> None:
        """Do what the click is for."""
        raise NotImplementedError


class Form(ui.Modal, ABC):
    """A form that asks for texts; `template` matches its custom ids, and `sent` receives the groups of the match.

    `kinds` lists all subclasses. discord.py does not keep track of forms: it would lose them at a restart, and never
    learn of a form that was closed unsent.
    """

    kinds: ClassVar[list[type[Form]]] = []
    template: ClassVar[re.Pattern[str]]
    act_kind: ClassVar[ActKind] = ActKind.ACTION
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
        """Add an input; `sent` receives what was typed under its custom id."""
        self.add_item(ui.Label[Any](text=label[:FORM_LABEL], description=description, component=text))

    @staticmethod
    @abstractmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Do what the form is for.

        `typed` has the text of each input by its custom id, and the groups that `template` found in the form's own.
        """


class FormDoor(commands.Cog):
    """Receive submitted forms."""

    def __init__(self, _: Bot) -> None:
        """Take the bot, as every cog does."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Admit a submitted form, and pass it to the kind whose template matches its custom id."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        async with _telling(interaction) as services:
            data: Any = interaction.data
            for kind in Form.kinds:
                if match := kind.template.fullmatch(data["custom_id"]):
                    admitted = await services.gate.admit(interaction, kind.act_kind, kind.audience, kind.acknowledge)
                    typed = match.groupdict() | dict(_typed(data["components"]))
                    await kind.sent(Gesture(interaction, admitted, services), typed)


def _typed(components: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield the custom id of each input and what was typed into it, stripped."""
    for part in components:
        if "value" in part:
            yield part["custom_id"], part["value"].strip()
        elif "component" in part:
            yield from _typed([part["component"]])
