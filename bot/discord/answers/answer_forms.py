"""The forms that buttons open: what was wrong with an answer, and the next question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Form
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import FORM_HINT, LONGEST_QUESTION
from bot.discord.ui.layout import notice
from bot.language import say

if TYPE_CHECKING:
    from bot.discord.gate.gate import Admitted
    from bot.discord.gate.gate_components import Gesture, Typed
    from bot.discord.services import Services

REASON_CHARACTERS: Final = 500

TEXT: Final = "text"


def paragraph(hint: str, most: int, *, required: bool = True, default: str | None = None) -> ui.TextInput[Any]:
    """Make the input of a form that asks for one text, which `sent` gets as TEXT."""
    return ui.TextInput(
        custom_id=TEXT,
        style=discord.TextStyle.paragraph,
        placeholder=hint[:FORM_HINT],
        default=default,
        max_length=most,
        required=required,
    )


class Why(Form, template=ids.WHY_FORM + ids.ANSWER):
    """Ask what was wrong with an answer."""

    def __init__(self, answer_id: str) -> None:
        super().__init__(say("What was wrong?"), ids.WHY_FORM + answer_id)
        hint = say("A wrong paper, a wrong quote, something missing … (you may leave this empty)")
        self.add(say("What was wrong?"), paragraph(hint, REASON_CHARACTERS, required=False))

    @staticmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Add the reason to the rating that the click stored."""
        rated = await form.services.store.feedback.rate(
            typed["answer"], form.interaction.user.id, -1, typed[TEXT] or None
        )
        thanks = say("Thank you. What did not help will come up later.") if rated else gone()
        await form.admitted.target.post(notice(thanks))


class NextQuestion(Form, template=ids.FOLLOW_UP_FORM + ids.ANSWER):
    """Ask for a follow-up question to an answer."""

    act_kind = ActKind.QUESTION
    audience = Audience.ASKERS
    acknowledge = Acknowledge.AS_CARD

    def __init__(self, answer_id: str) -> None:
        super().__init__(say("Follow up"), ids.FOLLOW_UP_FORM + answer_id)
        self.add(say("Your question"), paragraph(say("I remember what was said before."), LONGEST_QUESTION))

    @staticmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Answer the question below the earlier answer."""
        await follow_up(form.admitted, form.services, typed["answer"], typed[TEXT])


async def follow_up(admitted: Admitted, services: Services, answer_id: str, question: str | int) -> None:
    """Answer the question, or the choice with this index, in the conversation of an earlier answer."""
    stored = await services.store.answers.get(answer_id)
    choices = () if stored is None else stored.answer.choices
    if isinstance(question, int):
        question = choices[question] if question < len(choices) else ""
    if stored is None or not question:
        await admitted.target.post(notice(gone()))
        return
    await services.responder.answer(admitted, question, parent=stored)


def gone() -> str:
    """Say that the answer asked for is no longer stored."""
    return say("I no longer have that answer: I keep answers only for a while. Please ask me again.")
