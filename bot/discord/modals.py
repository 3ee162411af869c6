"""The forms that buttons open: why an answer was no good, and the next question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.host import acting, take
from bot.discord.places import server_of
from bot.discord.render import notice
from bot.language import say

if TYPE_CHECKING:
    from bot.discord.desk import Desk

OPEN_SECONDS: Final = 3600.0  # Discord does not tell when a form is closed unsent; after this it is forgotten
REASON_CHARACTERS: Final = 500
QUESTION_CHARACTERS: Final = 1000

LABEL_CHARACTERS: Final = 45  # Discord's, for titles and labels


class Form(ui.Modal):
    """Ask for one text; what is sent is handed to `sent` within the boundary for errors."""

    def __init__(self, title: str, label: str, hint: str, most: int, *, required: bool = True) -> None:
        super().__init__(title=title[:LABEL_CHARACTERS], timeout=OPEN_SECONDS)
        self._text = ui.TextInput[Any](
            style=discord.TextStyle.paragraph, placeholder=hint[:100], max_length=most, required=required
        )
        self.add_item(ui.Label[Any](text=label[:LABEL_CHARACTERS], component=self._text))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Take the text."""
        async with acting(interaction) as desk:
            await self.sent(interaction, desk, self._text.value.strip())

    async def sent(self, interaction: discord.Interaction[Any], desk: Desk, text: str) -> None:
        """Do what the form is for; acknowledges first."""
        raise NotImplementedError


class Why(Form):
    """Ask what was wrong with an answer."""

    def __init__(self, answer_id: str) -> None:
        super().__init__(
            say("What was wrong?"),
            say("What was wrong?"),
            say("A wrong paper, a wrong quote, something missing … (you may leave this empty)"),
            REASON_CHARACTERS,
            required=False,
        )
        self._answer_id = answer_id

    async def sent(self, interaction: discord.Interaction[Any], desk: Desk, text: str) -> None:
        """Keep the reason with the rating that the click has already given."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        kept = await desk.store.feedback.rate(self._answer_id, interaction.user.id, -1, text or None)
        thanks = say("Thank you. What did not help will come up later.") if kept else gone()
        await interaction.edit_original_response(view=notice(thanks))


class NextQuestion(Form):
    """Ask for the question that follows an answer up."""

    def __init__(self, answer_id: str, *, private: bool) -> None:
        super().__init__(
            say("Follow up"),
            say("Your question"),
            say("I remember what was said before."),
            QUESTION_CHARACTERS,
        )
        self._answer_id = answer_id
        self._private = private

    async def sent(self, interaction: discord.Interaction[Any], desk: Desk, text: str) -> None:
        """Answer the question where the answer stands."""
        await follow_up(interaction, desk, self._answer_id, text, private=self._private)


async def follow_up(
    interaction: discord.Interaction[Any], desk: Desk, answer_id: str, question: str | int, *, private: bool
) -> None:
    """Acknowledge, then answer the question, or the choice of this index, in the conversation of an earlier answer."""
    place = await take(interaction, desk, private=private)
    kept = await desk.store.answers.get(answer_id)
    choices = () if kept is None else kept.answer.choices
    if isinstance(question, int):
        question = choices[question] if question < len(choices) else ""
    if kept is None or not question:
        await place.post(notice(gone()))
        return
    if objection := await desk.objection(server_of(interaction), interaction.channel, interaction.user):
        await place.post(notice(objection))
        return
    await desk.reply(place, question, asker=interaction.user, parent=kept, private=private)


def gone() -> str:
    """Return what to say where an answer is asked for that is no longer kept."""
    return say("I no longer have that answer: answers are kept for a while only. Please ask me again.")
