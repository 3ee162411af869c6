"""Answer questions: the /ask command, mentions of the bot, and direct messages to it."""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.inflight import GivenUpError
from bot.discord.places import NETWORK_ERRORS, InteractionPlace, MessagePlace
from bot.discord.question import is_for, question_in
from bot.discord.render import cards, notice
from bot.discord.seen import Seen

if TYPE_CHECKING:
    from bot.answering.answer import Answer
    from bot.discord.inflight import InFlight
    from bot.discord.places import Place

log = logging.getLogger(__name__)

QUESTION_CHARACTERS = 1000

HELP = "Ask me about research papers: write your question after my name, or use /ask."
TOO_LONG = f"That is too long for me: please ask in at most {QUESTION_CHARACTERS} characters."
CLOSING = "I am being restarted. Please ask again in a minute."
GIVEN_UP = "I am being restarted and could not finish this answer. Please ask again in a minute."
FAILED = "Something went wrong and there is no answer, sorry. If it happens again, report error {incident}."


class Answers(Protocol):
    """Make an Answer of a question."""

    async def answer(self, question: str) -> Answer:
        """Return the answer to one question, of which nothing is remembered."""
        ...


class Ask(commands.Cog):
    """Take questions wherever they are asked and answer each once."""

    def __init__(self, bot: commands.Bot, answers: Answers, in_flight: InFlight) -> None:
        self._bot = bot
        self._answers = answers
        self._in_flight = in_flight
        self._seen = Seen()

    @app_commands.command()
    @app_commands.describe(question="What would you like to know?")
    async def ask(
        self,
        interaction: discord.Interaction,
        question: app_commands.Range[str, 1, QUESTION_CHARACTERS],
    ) -> None:
        """Ask a question about research papers and get an answer with citations."""
        if not self._seen.is_new(interaction.id):
            return
        if self._in_flight.closing:
            with suppress(*NETWORK_ERRORS):
                await interaction.response.send_message(view=notice(CLOSING), ephemeral=True)
            return
        with self._in_flight.handling():
            place = InteractionPlace(interaction)
            await place.defer()
            await self._reply(place, question.strip())

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that a person wrote to the bot."""
        me = self._bot.user
        assert me is not None
        if not is_for(message, me) or not self._seen.is_new(message.id) or self._in_flight.closing:
            return
        with self._in_flight.handling():
            await self._reply(MessagePlace(message), question_in(message, me))

    async def _reply(self, place: Place, question: str) -> None:
        """Answer the question in its place, or say there in a sentence why not."""
        if not question:
            await self._say(place, HELP)
            return
        if len(question) > QUESTION_CHARACTERS:
            await self._say(place, TOO_LONG)
            return
        started = time.monotonic()
        try:
            async with place.working():
                answer = await self._in_flight.wait_for(self._answers.answer(question))
            for card in cards(answer):
                await place.send(card)
        except GivenUpError:
            log.warning("given up place=%s", place.name)
            await self._say(place, GIVEN_UP)
        except Exception as error:  # noqa: BLE001  # the one boundary: whoever asked gets a sentence, the log the rest
            await self._say(place, FAILED.format(incident=_log_incident(place, error)))
        else:
            seconds = time.monotonic() - started
            log.info("answered place=%s refused=%s seconds=%.2f", place.name, answer.refused, seconds)

    async def _say(self, place: Place, sentence: str) -> None:
        try:
            await place.send(notice(sentence))
        except NETWORK_ERRORS as error:
            code = getattr(error, "code", None)
            log.warning("not delivered place=%s error=%s code=%s", place.name, type(error).__name__, code)


def _log_incident(place: Place, error: Exception) -> str:
    """Log where the error arose, but not what it says, which may be somebody's words; return its id."""
    incident = secrets.token_hex(4)
    detail = f" code={error.code}" if isinstance(error, discord.HTTPException) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error(
        "failed place=%s incident=%s error=%s%s\n%s",
        place.name,
        incident,
        type(error).__name__,
        detail,
        frames,
    )
    return incident
