"""Answer clicks on the cards, however old: each button is known by its custom id alone, also after a restart.

The menu under an answer is made of the same ids: what is chosen from it is done as if its button had been clicked.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import discord
from discord import ui

from bot.discord.answers.answer_card import quotes, stars
from bot.discord.answers.answer_forms import NextQuestion, Why, follow_up, gone
from bot.discord.connection.codes import THREAD_EXISTS, TOO_MANY_THREADS
from bot.discord.papers.paper_card import PAGE_PAPERS, similar_page
from bot.discord.papers.search_pages import authors_of, find, show_page
from bot.discord.reply.target import NETWORK_ERRORS, is_private, server_of
from bot.discord.services import acting, language_of
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.discord.ui.words import title_link
from bot.language import say, speak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.answers.responder import Desk
    from retrieval.papers import Paper

log = logging.getLogger(__name__)

THREAD_NAME: Final = 100  # characters
ARCHIVE_MINUTES: Final = 1440


class Clickable(ui.DynamicItem[ui.Button[Any]], template=r"(?!)"):
    """Know a button by its custom id, and act within the boundary for errors.

    Attributes:
        for_askers: whether only those may click it whom the server lets ask, and where it lets them.
        pattern: what its custom ids look like.
    """

    for_askers: ClassVar[bool] = False
    pattern: ClassVar[re.Pattern[str]]

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__(template=template)
        cls.pattern = re.compile(template)

    def __init__(self, item: ui.Button[Any], match: re.Match[str]) -> None:
        super().__init__(item)
        self.match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py passes it
        item: ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Return the button that was clicked."""
        assert isinstance(item, ui.Button)
        return cls(item, match)

    @acting
    async def callback(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Act on the click."""
        await self.act(interaction, desk)

    async def act(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Do what the button is for, for whom it is for."""
        if self.for_askers:
            await desk.demand_leave(server_of(interaction), interaction.channel, interaction.user)
        await self.clicked(interaction, desk)

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Do what the button is for; acknowledges first."""
        raise NotImplementedError


class Up(Clickable, template=ids.UP + ids.ANSWER):
    """Rate an answer as good."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Keep the rating."""
        await _think(interaction)
        kept = await desk.store.feedback.rate(self.match["answer"], interaction.user.id, 1)
        await _tell(interaction, say("Thank you! What helps people here will come up sooner.") if kept else gone())


class Down(Clickable, template=ids.DOWN + ids.ANSWER):
    """Rate an answer as bad, and ask why."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Open the form, and keep the rating even where it is never sent."""
        answer_id = self.match["answer"]
        await interaction.response.send_modal(Why(answer_id))
        await desk.store.feedback.rate(answer_id, interaction.user.id, -1)


class Quotes(Clickable, template=ids.QUOTES + ids.ANSWER):
    """Show every quote whole."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Show them to whoever clicked."""
        await _think(interaction)
        kept = await desk.store.answers.get(self.match["answer"])
        if kept is None:
            await _tell(interaction, gone())
            return
        first, *more = quotes(kept.answer)
        await interaction.edit_original_response(view=first)
        for view in more:
            await interaction.followup.send(view=view, ephemeral=True)


class FollowUp(Clickable, template=ids.FOLLOW_UP + ids.ANSWER):
    """Ask a question that follows an answer up."""

    for_askers = True

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:  # noqa: ARG002 - the form needs it
        """Open the form for it."""
        await interaction.response.send_modal(NextQuestion(self.match["answer"]))


class Choice(Clickable, template=ids.CHOICE + ids.ANSWER + r":(?P<index>\d)"):
    """Take one of the questions that an answer offers."""

    for_askers = True

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Answer that question."""
        await follow_up(interaction, desk, self.match["answer"], int(self.match["index"]))


class Star(Clickable, template=ids.STAR + ids.PAPER):
    """Star a paper, or take the star back."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Keep it, and say which it was."""
        await _think(interaction)
        await _star(interaction, desk, await _paper(self.match["paper"], desk))


class Stars(Clickable, template=ids.STARS + ids.ANSWER):
    """Star the paper of an answer, or choose among its papers."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Star the only one, or show all with their stars to whoever clicked."""
        await _think(interaction)
        kept = await desk.store.answers.get(self.match["answer"])
        if kept is None:
            await _tell(interaction, gone())
            return
        cited = list(dict.fromkeys(each.paper_id for each in kept.answer.citations))
        if len(cited) == 1:
            await _star(interaction, desk, await desk.library.get(cited[0]))
            return
        lit = [paper_id for paper_id in cited if await desk.store.feedback.starred(paper_id, interaction.user.id)]
        await interaction.edit_original_response(view=stars(kept.answer, lit))


class TakeAway(Clickable, template=ids.TAKE_AWAY + ids.ANSWER):
    """Take an answer away."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Delete its messages and forget it, for whoever asked and for moderators."""
        await interaction.response.defer()
        answer_id = self.match["answer"]
        kept = await desk.store.answers.get(answer_id)
        moderates = interaction.permissions.manage_guild or interaction.permissions.manage_messages
        if not (kept and kept.asker_id == interaction.user.id) and not (server_of(interaction) and moderates):
            refusal = say("Only whoever asked, and moderators, can take this answer away.")
            await interaction.followup.send(view=notice(refusal if kept else gone()), ephemeral=True)
            return
        shown = await desk.store.answers.messages(answer_id)
        with suppress(discord.NotFound):
            await interaction.delete_original_response()
        if kept is not None:
            await _delete(interaction, kept.channel_id, shown)
            await desk.store.answers.withdraw(answer_id)
        log.info("taken away interaction=%d", interaction.id)
        await interaction.followup.send(view=notice(say("The answer is gone.")), ephemeral=True)


class Similar(Clickable, template=ids.SIMILAR + ids.PAPER):
    """Show papers like a paper."""

    for_askers = True

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Show them to whoever clicked."""
        await _think(interaction)
        paper = await _paper(self.match["paper"], desk)
        if paper is None:
            await _tell(interaction, _unknown())
            return
        hits = await desk.library.similar(paper.paper_id, limit=PAGE_PAPERS)
        authors = await authors_of([hit.paper for hit in hits], desk.library)
        await interaction.edit_original_response(view=similar_page(paper, hits, authors=authors))


class Page(Clickable, template=ids.PAGE + r"(?P<page>\d{1,3}):(?P<token>.+)"):
    """Turn to a page of a search."""

    for_askers = True

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Turn the page for whoever searched; show it to anybody else alone."""
        if _is_askers(interaction):
            await interaction.response.defer()
            speak(await language_of(interaction, desk, private=is_private(interaction)))
        else:
            await _think(interaction)
        search = await find(self.match["token"], desk.store.searches)
        if search is None:
            sentence = say("I no longer know what this search was for. Please search again.")
            await interaction.followup.send(view=notice(sentence), ephemeral=True)
            return
        view = await show_page(desk.library, desk.store.searches, search, int(self.match["page"]))
        await interaction.edit_original_response(view=view)


class InThread(Clickable, template=ids.THREAD + ids.ANSWER):
    """Go on in a thread."""

    for_askers = True

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Open a thread on the answer and say there how to go on."""
        await _think(interaction)
        kept = await desk.store.answers.get(self.match["answer"])
        message = interaction.message
        if kept is None or message is None:
            await _tell(interaction, gone())
            return
        guild_id = server_of(interaction)
        if guild_id is None or isinstance(interaction.channel, discord.Thread):
            await _tell(interaction, say("There can be no thread here: just go on asking."))
            return
        if permission := _missing_for_thread(interaction.app_permissions):
            await _tell(interaction, say("To open a thread here I lack the permission “{name}”.", name=permission))
            return
        if not interaction.permissions.create_public_threads:
            sentence = say("To open a thread here you need the permission “{name}”.", name=say("Create Public Threads"))
            await _tell(interaction, sentence)
            return
        name = shorten_at_end(plain(kept.answer.question), THREAD_NAME) or say("Papers")
        try:
            thread = await message.create_thread(name=name, auto_archive_duration=ARCHIVE_MINUTES)
        except discord.HTTPException as error:
            if error.code == TOO_MANY_THREADS:
                await _tell(
                    interaction,
                    say("This server has as many open threads as Discord allows: just go on asking here."),
                )
                return
            if error.code != THREAD_EXISTS:
                raise
            await _tell(interaction, say("This answer has a thread already: {thread}", thread=f"<#{message.id}>"))
            return
        await desk.store.threads.own(thread.id, guild_id, interaction.user.id)
        listens = interaction.client.intents.message_content
        await thread.send(
            view=notice(
                say("Ask on here: I remember what was said.")
                if listens
                else say("Ask on here and mention me, or reply to me: I remember what was said.")
            )
        )
        await _tell(interaction, say("It goes on in {thread}.", thread=thread.mention))


BUTTONS: Final[tuple[type[Clickable], ...]] = (
    Up,
    Down,
    Quotes,
    FollowUp,
    Choice,
    Star,
    Stars,
    Similar,
    Page,
    InThread,
    TakeAway,
)


class Menu(ui.DynamicItem["ui.Select[Any]"], template=ids.MENU + ids.ANSWER):
    """Do what is chosen from the menu under an answer."""

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /) -> Self:  # noqa: ARG003 - discord.py passes it
        """Return the menu that was used."""
        assert isinstance(item, ui.Select)
        return cls(item)

    @acting
    async def callback(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Act as the button does whose custom id was chosen."""
        (chosen,) = self.item.values
        for kind in BUTTONS:
            if match := kind.pattern.fullmatch(chosen):
                await kind(ui.Button(custom_id=chosen), match).act(interaction, desk)
                return


ALL: Final[tuple[type[ui.DynamicItem[Any]], ...]] = (*BUTTONS, Menu)


async def _think(interaction: discord.Interaction[Any]) -> None:
    """Acknowledge with "is thinking…", which only whoever clicked sees."""
    await interaction.response.defer(ephemeral=True, thinking=True)


async def _tell(interaction: discord.Interaction[Any], sentence: str) -> None:
    await interaction.edit_original_response(view=notice(sentence))


async def _star(interaction: discord.Interaction[Any], desk: Desk, paper: Paper | None) -> None:
    """Star a paper, or take the star back, and say which it was."""
    if paper is None:
        await _tell(interaction, _unknown())
    elif await desk.store.feedback.star(
        paper.paper_id, interaction.user.id, server_of(interaction), private=is_private(interaction)
    ):
        await _tell(interaction, say("⭐ You starred {title}.", title=title_link(paper)))
    else:
        await _tell(interaction, say("You took your star back from {title}.", title=title_link(paper)))


async def _delete(interaction: discord.Interaction[Any], channel_id: int, message_ids: Sequence[int]) -> None:
    """Delete what is left of an answer's messages, as far as the bot may."""
    bot = interaction.client
    channel: Any = bot.get_channel(channel_id) or bot.get_partial_messageable(channel_id)
    for message_id in message_ids:
        if interaction.message is None or message_id != interaction.message.id:
            with suppress(*NETWORK_ERRORS):
                await channel.get_partial_message(message_id).delete()


def _is_askers(interaction: discord.Interaction[Any]) -> bool:
    """Say whether whoever clicked made the message appear, or nobody is known to have."""
    made = interaction.message.interaction_metadata if interaction.message else None
    return made is None or made.user.id == interaction.user.id


def _missing_for_thread(mine: discord.Permissions) -> str | None:
    """Return the name of the first permission that is missing to open a thread and write in it."""
    if not mine.create_public_threads:
        return say("Create Public Threads")
    return None if mine.send_messages_in_threads else say("Send Messages in Threads")


async def _paper(key: str, desk: Desk) -> Paper | None:
    paper_id = await ids.paper_of(key, desk.library)
    return None if paper_id is None else await desk.library.get(paper_id)


def _unknown() -> str:
    return say("I no longer have that paper.")
