"""Host: the bot as its parts see it, and how they act in it when somebody clicks, chooses or fills in a form."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from discord.ext import commands

from bot.discord.gate.boundary import tell
from bot.discord.reply.target import InteractionPlace, server_of
from bot.language import nearest, speak

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime

    import discord

    from bot.digest.delivery import Deliverer
    from bot.discord.answers.responder import Desk
    from bot.discord.digests.discord_poster import DiscordPoster
    from bot.discord.reply.target import Place
    from bot.discord.ui.forms import Form

S = TypeVar("S")


class Host(commands.Bot):
    """Hold what the commands, buttons and forms of the bot share.

    Attributes:
        forms: the kinds of forms that people may send; cogs add their own.
        desk: answers questions.
        poster: posts digests and tells people things directly.
        deliverer: knows which digests are due.
        now: the clock of the digests.
    """

    forms: list[type[Form]]
    desk: Desk
    poster: DiscordPoster
    deliverer: Deliverer
    now: Callable[[], datetime]


def desk_of(interaction: discord.Interaction[Any]) -> Desk:
    """Return the desk of the bot that received the interaction."""
    return cast("Host", interaction.client).desk


def acting(
    act: Callable[[S, discord.Interaction[Any], Desk], Awaitable[None]],
) -> Callable[[S, discord.Interaction[Any]], Coroutine[Any, Any, None]]:
    """Make what a click, a choice or a form does the callback of it, within what holds for all of them.

    It runs once however often Discord sends the event, in the language of whoever acts and not too often for one
    person, and every error is told to them.
    """

    @wraps(act)
    async def callback(self: S, interaction: discord.Interaction[Any]) -> None:
        desk = desk_of(interaction)
        try:
            speak(await language_of(interaction, desk))
            if desk.begin(interaction.id, partial(tell, interaction)):
                desk.slow_down(desk.clicks, interaction.user.id)
                await act(self, interaction, desk)
        except Exception as error:  # noqa: BLE001  # the one boundary
            await tell(interaction, error)

    return callback


async def take(interaction: discord.Interaction[Any], desk: Desk, *, private: bool) -> Place:
    """Acknowledge at once with "is thinking…" and return where the answer goes; from here on speak its language."""
    place = InteractionPlace(interaction, private=private)
    await place.defer()
    desk.arrivals.acknowledged(interaction.id)
    speak(await language_of(interaction, desk, private=private))
    return place


async def language_of(interaction: discord.Interaction[Any], desk: Desk, *, private: bool = True) -> str:
    """Return the language to speak: the person's own, else what the server has set, else the server's own.

    In what is not `private` what the server has set comes first.
    """
    wanted = None
    if (guild_id := server_of(interaction)) is not None:
        wanted = (await desk.store.servers.of(guild_id)).language
    first = (interaction.locale, wanted) if private else (wanted, interaction.locale)
    return nearest(*map(str, filter(None, (*first, interaction.guild_locale))))
