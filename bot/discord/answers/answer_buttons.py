"""The controls of answers, found by their custom ids, so that they work after restarts and on old messages.

The options of the menu are custom ids of buttons: choosing one acts as if that button had been clicked.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.answers.answer_card import quotes, stars
from bot.discord.answers.answer_forms import NextQuestion, Why, follow_up, gone
from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.connection.codes import THREAD_EXISTS, TOO_MANY_THREADS
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Clickable
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import DAY_UNTIL_ARCHIVED, THREAD_NAME, archive_minutes
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.gate.gate_components import Gesture
    from bot.discord.services import Services

log = logging.getLogger(__name__)


class Up(Clickable[ui.Button[Any]], template=ids.UP + ids.ANSWER):
    """Rate an answer as good."""

    async def clicked(self, click: Gesture) -> None:
        """Store the rating."""
        rated = await click.services.store.feedback.rate(self.match["answer"], click.interaction.user.id, 1)
        thanks = say("Thank you! What helps people here will come up sooner.")
        await click.admitted.target.post(notice(thanks if rated else gone()))


class Down(Clickable[ui.Button[Any]], template=ids.DOWN + ids.ANSWER):
    """Rate an answer as bad, and ask why."""

    acknowledge = Acknowledge.BY_FORM

    async def clicked(self, click: Gesture) -> None:
        """Open the form, and store the rating even if the form is never sent."""
        answer_id = self.match["answer"]
        await click.interaction.response.send_modal(Why(answer_id))
        await click.services.store.feedback.rate(answer_id, click.interaction.user.id, -1)


class Quotes(Clickable[ui.Button[Any]], template=ids.QUOTES + ids.ANSWER):
    """Show every quote in full."""

    async def clicked(self, click: Gesture) -> None:
        """Show the quotes to whoever clicked."""
        stored = await click.services.store.answers.get(self.match["answer"])
        for view in [notice(gone())] if stored is None else quotes(stored.answer):
            await click.admitted.target.post(view)


class FollowUp(Clickable[ui.Button[Any]], template=ids.FOLLOW_UP + ids.ANSWER):
    """Ask a follow-up question to an answer."""

    audience = Audience.ASKERS
    acknowledge = Acknowledge.BY_FORM

    async def clicked(self, click: Gesture) -> None:
        """Open the form for the question."""
        await click.interaction.response.send_modal(NextQuestion(self.match["answer"]))


class Choice(Clickable[ui.Button[Any]], template=ids.CHOICE + ids.ANSWER + r":(?P<index>\d)"):
    """Ask one of the questions that an answer offers."""

    act_kind = ActKind.QUESTION
    audience = Audience.ASKERS
    acknowledge = Acknowledge.AS_CARD

    async def clicked(self, click: Gesture) -> None:
        """Answer that question."""
        await follow_up(click.admitted, click.services, self.match["answer"], int(self.match["index"]))


class InThread(Clickable[ui.Button[Any]], template=ids.THREAD + ids.ANSWER):
    """Continue in a thread."""

    audience = Audience.ASKERS

    async def clicked(self, click: Gesture) -> None:
        """Open a thread on the answer and explain there how to continue."""
        stored = await click.services.store.answers.get(self.match["answer"])
        if stored is None or click.interaction.message is None:
            sentence = gone()
        else:
            name = shorten_at_end(plain(stored.answer.question), THREAD_NAME) or say("Papers")
            sentence = _why_no_thread(click.interaction, click.admitted.guild_id) or await _open(
                click.interaction, click.services, click.interaction.message, name
            )
        await click.admitted.target.post(notice(sentence))


class Stars(Clickable[ui.Button[Any]], template=ids.STARS + ids.ANSWER):
    """Choose which paper of an answer to star."""

    async def clicked(self, click: Gesture) -> None:
        """Show the papers with their stars to whoever clicked."""
        stored = await click.services.store.answers.get(self.match["answer"])
        if stored is None:
            await click.admitted.target.post(notice(gone()))
            return
        cited = dict.fromkeys(citation.paper_id for citation in stored.answer.citations)
        lit = [
            paper_id
            for paper_id in cited
            if await click.services.store.feedback.starred(paper_id, click.interaction.user.id)
        ]
        await click.admitted.target.post(stars(stored.answer, lit))


class TakeAway(Clickable[ui.Button[Any]], template=ids.TAKE_AWAY + ids.ANSWER):
    """Delete an answer, for whoever asked and for moderators."""

    acknowledge = Acknowledge.ON_CARD

    async def clicked(self, click: Gesture) -> None:
        """Delete its messages and the stored answer."""
        answer_id = self.match["answer"]
        stored = await click.services.store.answers.get(answer_id)
        mine = stored is not None and stored.asker_id == click.interaction.user.id
        if not mine and not (click.admitted.guild_id and _moderates(click.interaction.permissions)):
            sentence = say("Only the person who asked and moderators can delete this answer.") if stored else gone()
        else:
            shown = await click.services.store.answers.messages(answer_id)
            with suppress(discord.NotFound):
                await click.interaction.delete_original_response()
            if stored is not None:
                await _delete(click.interaction, stored.channel_id, shown)
                await click.services.store.answers.withdraw(answer_id)
            log.info("taken away interaction=%d", click.interaction.id)
            sentence = say("The answer was deleted.")
        await click.interaction.followup.send(view=notice(sentence), ephemeral=True)


class Menu(Clickable[ui.Select[Any]], template=ids.MENU + ids.ANSWER):
    """Do what is chosen from the menu under an answer."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Act as the button whose custom id was chosen; that button passes the gate itself."""
        (chosen,) = self.item.values
        for kind in Clickable.kinds:
            if match := kind.pattern.fullmatch(chosen):
                await kind(ui.Button(custom_id=chosen), match, interaction).callback(interaction)
                return


ALL: Final[tuple[type[Clickable[Any]], ...]] = (
    Up,
    Down,
    Quotes,
    FollowUp,
    Choice,
    InThread,
    Stars,
    TakeAway,
    Menu,
)


def _moderates(theirs: discord.Permissions) -> bool:
    return theirs.manage_guild or theirs.manage_messages


async def _delete(interaction: discord.Interaction[Any], channel_id: int, message_ids: Sequence[int]) -> None:
    """Delete the remaining messages of an answer, as far as the bot may."""
    bot = interaction.client
    channel: Any = bot.get_channel(channel_id) or bot.get_partial_messageable(channel_id)
    for message_id in message_ids:
        if interaction.message is None or message_id != interaction.message.id:
            with suppress(*NETWORK_ERRORS):
                await channel.get_partial_message(message_id).delete()


def _why_no_thread(interaction: discord.Interaction[Any], guild_id: int | None) -> str | None:
    if guild_id is None or isinstance(interaction.channel, discord.Thread):
        return say("I cannot open a thread here: just keep asking.")
    if permission := _missing_for_thread(interaction.app_permissions):
        return say("I need the permission “{name}” to open a thread here.", name=permission)
    if not interaction.permissions.create_public_threads:
        return say("You need the permission “{name}” to open a thread here.", name=say("Create Public Threads"))
    return None


async def _open(interaction: discord.Interaction[Any], services: Services, message: discord.Message, name: str) -> str:
    """Open a thread on a message and return the sentence that says so."""
    try:
        thread = await message.create_thread(name=name, auto_archive_duration=archive_minutes(DAY_UNTIL_ARCHIVED))
    except discord.HTTPException as error:
        if error.code == TOO_MANY_THREADS:
            return say("This server has as many open threads as Discord allows: just keep asking here.")
        if error.code == THREAD_EXISTS:
            return say("This answer has a thread already: {thread}", thread=f"<#{message.id}>")
        raise
    await services.store.threads.own(thread.id, thread.guild.id, interaction.user.id)
    listens = interaction.client.intents.message_content
    await thread.send(
        view=notice(
            say("Keep asking here: I remember what was said.")
            if listens
            else say("Keep asking here: mention me or reply to me. I remember what was said.")
        )
    )
    return say("Let us continue in {thread}.", thread=thread.mention)


def _missing_for_thread(mine: discord.Permissions) -> str | None:
    """Name the first permission that is missing to open a thread and write in it."""
    if not mine.create_public_threads:
        return say("Create Public Threads")
    return None if mine.send_messages_in_threads else say("Send Messages in Threads")
