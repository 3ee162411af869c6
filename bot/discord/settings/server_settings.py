"""A server's settings in words: their names, values and purposes, and the validation of input."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from babel.numbers import format_currency, format_decimal
from rapidfuzz import process

from bot.discord.ui.markdown import escape, plain
from bot.language import LANGUAGES, current_language, say, say_many
from retrieval import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.store import ServerSettings, Spending

PREFIX_CHARACTERS: Final = 5
ZONE_CHARACTERS: Final = 64
HOURS: Final = range(24)
MOST_LISTED: Final = 10  # the selects show all of them

_HOUR: Final = re.compile(r"(\d{1,2})(?:[:.h]?00)?\s*(?:uhr|h)?", re.IGNORECASE)
_TAKEN_BY_DISCORD: Final = tuple("/@#:<")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as a moderator reads it: its name, its value and what it does."""

    key: str
    name: str
    value: str
    purpose: str

    @property
    def text(self) -> str:
        """The setting as two lines of Markdown."""
        return f"**{self.name}:** {self.value}\n-# {self.purpose}"


def described(settings: ServerSettings, *, listens: bool) -> list[Setting]:
    """Describe every setting with its current value, in the order they are shown.

    `listens` says whether the bot receives messages that do not mention it.
    """
    prefixed = (
        say("What chat commands begin with; a mention of me works as well.")
        if listens
        else say("What chat commands begin with. I was started without Message Content, so mention me instead for now.")
    )
    return [
        Setting(
            "channels",
            say("Channels"),
            _listed((f"<#{channel_id}>" for channel_id in sorted(settings.channels)), say("all")),
            say("Where I answer; threads count with their channel."),
        ),
        Setting(
            "roles",
            say("Roles"),
            _listed((f"<@&{role_id}>" for role_id in sorted(settings.roles)), say("everyone")),
            say("Who may ask me."),
        ),
        Setting(
            "exempt",
            say("Exempt roles"),
            _listed((f"<@&{role_id}>" for role_id in sorted(settings.exempt)), say("none")),
            say("Questions from these roles count only towards the server's limit, not towards a person's."),
        ),
        Setting(
            "language",
            say("Language"),
            LANGUAGES[settings.language] if settings.language else say("as set in the server"),
            say("The language I write in for everybody; what only you see is in your own."),
        ),
        Setting(
            "private",
            say("Private answers"),
            _switch(on=settings.private),
            say("Whether answers to slash commands are shown only to whoever asked."),
        ),
        Setting(
            "threads",
            say("Threads"),
            _switch(on=settings.threads),
            say("Whether an answer to a mention opens a thread."),
        ),
        Setting(
            "prefix",
            say("Prefix"),
            escape(settings.prefix),
            prefixed,
        ),
        Setting(
            "digest",
            say("Digest"),
            say(
                "daily at {hour}, {zone}",
                hour=f"{settings.digest_hour:02}:00",
                zone=escape(settings.digest_zone),
            ),
            say("When the daily digest is posted, unless a subscription says otherwise."),
        ),
    ]


def taken(spendings: Sequence[Spending]) -> str:
    """Describe what the language model used in a server this month, as two lines of Markdown."""
    language = current_language()
    tokens = format_decimal(sum(spending.tokens for spending in spendings), locale=language)
    costs = [spending.dollars for spending in spendings if spending.dollars is not None]
    amount = say("{tokens} tokens this month", tokens=tokens)
    if costs:
        money = format_currency(sum(costs), "USD", locale=language)
        amount = say("{tokens} tokens this month, {money}", tokens=tokens, money=money)
    purpose = say("What questions and digests used, at the makers' list prices.")
    return Setting("tokens", say("Language model"), amount, purpose).text


def checked_prefix(typed: str) -> str:
    """Validate a prefix that people can type and see; raises BadInputError."""
    prefix = typed.strip()
    if not 1 <= len(prefix) <= PREFIX_CHARACTERS or plain(prefix) != prefix or " " in prefix:
        raise BadInputError(
            say("The prefix must be 1 to {most} visible characters without blanks.", most=PREFIX_CHARACTERS)
        )
    if prefix.startswith(_TAKEN_BY_DISCORD):
        raise BadInputError(
            say("Discord itself uses {sign} at the start of a message: please choose another prefix.", sign=prefix[0])
        )
    return prefix


def checked_hour(typed: str) -> int:
    """Parse an hour written as 9, 09 or 9:00; raises BadInputError."""
    match = _HOUR.fullmatch(typed.strip())
    if match is None or int(match[1]) not in HOURS:
        raise BadInputError(say("The hour must be a whole hour from 0 to 23, such as 9 or 18:00."))
    return int(match[1])


async def checked_zone(typed: str) -> str:
    """Find a time zone's IANA name; raises BadInputError that suggests the nearest name."""
    return await asyncio.to_thread(_zone, "_".join(typed.split()))


def _zone(wanted: str) -> str:
    zones = {zone.casefold(): zone for zone in available_timezones()}
    if found := zones.get(wanted.casefold()):
        return found
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(zones.values()) if "/" in zone}
    if found := cities.get(wanted.casefold()):
        return found
    name = process.extractOne(wanted.casefold(), [*zones, *cities])[0]
    raise BadInputError(
        say(
            "I know no time zone {typed}; did you mean {near}?",
            typed=plain(wanted)[:ZONE_CHARACTERS] or "…",
            near=zones.get(name) or cities[name],
        )
    )


def _listed(mentions: Iterable[str], nothing: str) -> str:
    every = list(mentions)
    shown = ", ".join(every[:MOST_LISTED]) or nothing
    more = len(every) - MOST_LISTED
    return shown if more <= 0 else say_many("{shown} and one more", "{shown} and {n} more", more, shown=shown)


def _switch(*, on: bool) -> str:
    return say("on") if on else say("off")
