"""Forms: whatever is sent is known by the form's custom id alone, as clicks are: hours later, and after a restart."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from discord import ui

if TYPE_CHECKING:
    from collections.abc import Mapping

    import discord

    from bot.discord.answers.responder import Desk

    Typed: TypeAlias = Mapping[str, str]

LABEL_CHARACTERS: Final = 45  # Discord's, for titles and labels


class Form(ui.Modal, ABC):
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
    @abstractmethod
    async def sent(interaction: discord.Interaction[Any], desk: Desk, typed: Typed) -> None:
        """Do what the form is for; acknowledges first.

        `typed` has what was typed under the inputs' custom ids, and the groups that the template found.
        """
