"""Where every error ends: the person gets a short sentence; the log gets an id, the error's type and the traceback."""

from __future__ import annotations

import logging
import secrets
import traceback
from typing import Any, Protocol, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.connection.codes import (
    ALREADY_ACKNOWLEDGED,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    UNUSABLE_INTERACTION,
)
from bot.discord.gate.shutdown import ClosingError, GivenUpError
from bot.discord.reply.private_note import tell_privately
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import escape
from bot.discord.ui.permissions import lacking
from bot.language import say
from retrieval import BadInputError, DatabaseAwayError, ServerAwayError


class _Linking(Protocol):
    """A client that turns the commands named in a sentence into links."""

    async def linked(self, sentence: str) -> str:
        """Turn the commands in a sentence into links."""
        ...


log = logging.getLogger(__name__)


class IgnoredError(Exception):
    """An event that does not concern the bot, or was handled already: nobody is told."""


class RefusedError(Exception):
    """Somebody may not do something here; the sentence may contain mentions."""


class NotHereError(RefusedError):
    """Somebody may not ask, or the bot may not reply, in a channel."""


class TooOftenError(RefusedError):
    """Somebody did too much; `already_told` says whether they know, because an act just before was refused too."""

    def __init__(self, sentence: str, *, already_told: bool) -> None:
        super().__init__(sentence)
        self.already_told = already_told


async def tell(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Tell the person, and nobody else, in a sentence why their interaction failed; raises nothing."""
    cause = cause_of(error)
    if isinstance(cause, IgnoredError):
        return
    if isinstance(cause, discord.HTTPException) and cause.code in {ALREADY_ACKNOWLEDGED, *UNUSABLE_INTERACTION}:
        log.warning("not acknowledged interaction=%d code=%d", interaction.id, cause.code)
        return
    sentence = sentence_for(cause, f"interaction:{interaction.id}", interaction.app_permissions)
    try:
        view = notice(await cast("_Linking", interaction.client).linked(sentence))
        await tell_privately(interaction, view)
    except Exception as failure:  # noqa: BLE001  # whatever it is, there is no other way to say it
        code = getattr(failure, "code", None)
        log.warning("not told interaction=%d error=%s code=%s", interaction.id, type(failure).__name__, code)


def sentence_for(error: Exception, source: str, mine: discord.Permissions) -> str:
    """Write what to say about an error: what the person can do about it, or else an apology with an id.

    The log has the error under the same id. `mine` are the bot's permissions where the error arose.
    """
    sentence = _mendable(error, mine)
    if sentence is None:
        incident = log_incident(source, error)
        sentence = say(
            "Something went wrong and there is no answer, sorry. If it happens again, report error {incident}.",
            incident=incident,
        )
    return sentence


def _mendable(error: Exception, mine: discord.Permissions) -> str | None:  # noqa: C901  # one case for each kind
    """Write the sentence for an error that people can do something about; None for any other error."""
    sentence = None
    match error:
        case BadInputError():
            sentence = escape(str(error))
        case RefusedError():
            sentence = str(error)
        case DatabaseAwayError():
            sentence = say("I cannot reach my memory just now. Please try again in a minute.")
        case ServerAwayError():
            sentence = say("A server that I need does not answer just now. Please try again in a minute.")
        case ClosingError():
            sentence = say("I am being restarted. Please ask again in a minute.")
        case GivenUpError():
            sentence = say("I am being restarted and could not finish this. Please try again in a minute.")
        case commands.MissingPermissions() | app_commands.MissingPermissions():
            sentence = say("Only moderators may do that here (it needs the permission Manage Server).")
        case commands.NoPrivateMessage() | app_commands.NoPrivateMessage():
            sentence = say("That works only in a server.")
        case commands.UserInputError():
            sentence = say("I did not understand that command. /help lists all of them.")
        case discord.Forbidden(code=code) if code in {MISSING_ACCESS, MISSING_PERMISSIONS}:
            sentence = _forbidden(mine)
    return sentence


def _forbidden(mine: discord.Permissions) -> str:
    """Name the permissions that the bot lacks, as far as they are known."""
    if names := ", ".join(lacking(mine)):
        return say("I lack a permission for that here: {names}. A moderator can give it to me.", names=names)
    return say("I lack a permission for that here. A moderator can give it to me in the channel's settings.")


def cause_of(error: Exception) -> Exception:
    """Unwrap the error that a command raised from discord.py's wrappers."""
    wrappers = (commands.CommandInvokeError, commands.HybridCommandError, app_commands.CommandInvokeError)
    while isinstance(error, wrappers):
        error = error.original
    return error


def log_incident(source: str, error: Exception) -> str:
    """Log an error under a new id, and return the id; its message is left out, as it may quote somebody."""
    incident = secrets.token_hex(4)
    detail = f" code={error.code}" if isinstance(error, discord.HTTPException) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("failed place=%s incident=%s error=%s%s\n%s", source, incident, type(error).__name__, detail, frames)
    return incident
