"""/privacy: what is stored about people, with export and deletion of their own data."""

from __future__ import annotations

import asyncio
import gzip
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Clickable
from bot.discord.ui.layout import Card
from bot.language import say, say_many
from bot.store.store import GRACE, RETENTION

if TYPE_CHECKING:
    from bot.discord.gate.gate_components import Gesture
    from bot.discord.services import Bot, Services

FILE_NAME: Final = "footnote-data.json"

_PRIVACY: Final = "footnote:privacy:"


class Privacy(commands.Cog):
    """Explain what is stored, and export or delete it."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._store = bot.services.store

    async def cog_load(self) -> None:
        """Register the buttons, so that those shown before a restart work too."""
        self._bot.add_dynamic_items(PrivacyButton)

    @app_commands.command()
    async def privacy(self, interaction: discord.Interaction[Any]) -> None:
        """See what I keep about you, get it as a file, or delete it."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        await admitted.target.post(explanation(self._store.retention.days))


class PrivacyButton(Clickable[ui.Button[Any]], template=f"{_PRIVACY}(?P<what>export|delete|confirm|keep)"):
    """Export somebody's data, or delete it after a second confirmation."""

    acknowledge = Acknowledge.ON_CARD

    @property
    def terms(self) -> tuple[ActKind, Audience, Acknowledge]:
        """The gate's terms; an export has a limit of its own."""
        return ActKind.EXPORT if self.match["what"] == "export" else self.act_kind, self.audience, self.acknowledge

    async def clicked(self, click: Gesture) -> None:
        """Do what the button says, with the data of whoever clicked only."""
        what = self.match["what"]
        if what == "export":
            await _export(click.interaction, click.services)
        elif what == "delete":
            await click.admitted.target.post(question())
        elif what == "keep":
            await click.admitted.target.post(explanation())
        else:
            count = await click.services.store.forget_person(click.interaction.user.id)
            await click.admitted.target.post(_deleted(count))


def explanation(retained: int = RETENTION.days) -> Card:
    """Lay out what is stored, for how many days, and the buttons."""
    facts = [
        say("the questions that you ask me and my answers to them, so that you can follow them up"),
        say("which answers you rated, with your reason if you gave one, and which papers you starred"),
        say("which threads I opened for you"),
        say("which digests you subscribed to, with their topics, hour and place"),
        say("for one day, how much of a language model your questions used"),
    ]
    days = say_many("Conversations are deleted after one day.", "Conversations are deleted after {n} days.", retained)
    left = say_many(
        "A server's data is deleted one day after I leave it.",
        "A server's data is deleted {n} days after I leave it.",
        GRACE.days,
    )
    others = say("I do not keep what people write to each other, only messages that are for me.")
    nobodys = say(
        "What does not identify you stays: how much a server liked a paper, how much of a language model its "
        "questions used and, for a while, the words of long searches and what a language model wrote."
    )
    text = "\n".join(
        [
            "### " + say("What I keep about you"),
            *(f"- {line}" for line in facts),
            f"{days} {left} {_copies()}",
            others,
            nobodys,
        ]
    )
    return Card(
        ui.TextDisplay(text),
        ui.ActionRow(
            _button(say("Export my data"), "export"),
            _button(say("Delete my data…"), "delete", discord.ButtonStyle.danger),
        ),
    )


def question() -> Card:
    """Lay out the question before anything is deleted."""
    return Card(
        ui.TextDisplay(
            say(
                "Delete your questions, my answers to them, your ratings, your stars and the digests in your direct "
                "messages, for good? Buttons under those answers will no longer work."
            )
            + f" {_copies()}"
        ),
        ui.ActionRow(
            _button(say("Yes, delete everything"), "confirm", discord.ButtonStyle.danger),
            _button(say("No, keep it"), "keep"),
        ),
    )


def _copies() -> str:
    return say_many(
        "A backup from before an update may keep it for up to one more day.",
        "A backup from before an update may keep it for up to {n} more days.",
        GRACE.days,
    )


def _deleted(count: int) -> Card:
    if not count:
        return Card(ui.TextDisplay(say("There was nothing about you to delete.")))
    return Card(ui.TextDisplay(say_many("Deleted: one entry.", "Deleted: {n} entries.", count)))


async def _export(interaction: discord.Interaction[Any], services: Services) -> None:
    export = await services.store.export(interaction.user.id)
    name, data = await asyncio.to_thread(packed, export, interaction.filesize_limit)
    view = Card(ui.TextDisplay(say("This is everything that I keep about you.")), ui.File(f"attachment://{name}"))
    await interaction.followup.send(view=view, file=discord.File(BytesIO(data), name), ephemeral=True)


def packed(export: dict[str, object], most: int) -> tuple[str, bytes]:
    """Make the name and content of a JSON file, compressed if it would exceed `most` bytes."""
    data = json.dumps(export, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "replace")
    return (FILE_NAME, data) if len(data) <= most else (f"{FILE_NAME}.gz", gzip.compress(data))


def _button(label: str, what: str, style: discord.ButtonStyle = discord.ButtonStyle.secondary) -> ui.Button[Any]:
    return ui.Button(label=label, custom_id=f"{_PRIVACY}{what}", style=style)
