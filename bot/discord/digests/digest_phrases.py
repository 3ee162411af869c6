"""Describe a subscription in words (topics, times, destination, state), and how fresh the sources are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord

from bot.digest.digest_text import named
from bot.discord.digests.digest_inputs import name_days
from bot.discord.ui.markdown import escape, plain, shorten
from bot.discord.ui.phrases import date
from bot.language import say, say_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.discord.services import Bot
    from bot.store import Subscription
    from retrieval.catalogue.source_state import SourceState

SOURCES_SHOWN: Final = 10
NAME_CHARACTERS: Final = 100
TROUBLE_CHARACTERS: Final = 200
REASON_CHARACTERS: Final = 300


async def described(subscription: Subscription, bot: Bot) -> str:
    """Describe a subscription in a few lines."""
    days = name_days(subscription.weekdays)
    lines = [
        titled(subscription),
        say(
            "{days} at {hour} ({zone}), {where}",
            days=days[:1].upper() + days[1:],
            hour=f"{subscription.hour:02}:00",
            zone=escape(subscription.zone),
            where=where(subscription, bot),
        ),
        "-# " + " · ".join(_details(subscription)),
        await _state(subscription, bot),
    ]
    return "\n".join(lines)


def titled(subscription: Subscription) -> str:
    """A subscription's topics in bold, as its heading."""
    return f"**{escape(named(subscription.topics))}**"


def where(subscription: Subscription, bot: Bot) -> str:
    """The destination of a digest."""
    return say("direct messages") if subscription.kind == "dm" else _channel(subscription, bot)


def reason(subscription: Subscription, bot: Bot) -> str:
    """Why a subscription is paused, with a mention of its channel if that still exists."""
    mention = f"<#{subscription.place_id}>"
    parts = shorten(plain(subscription.reason or ""), REASON_CHARACTERS).split(mention)
    return _channel(subscription, bot).join(map(escape, parts))


async def _state(subscription: Subscription, bot: Bot) -> str:
    """When a subscription's next digest is due, or why it is paused and how to resume it."""
    if not subscription.paused:
        # One that could not be posted yet is tried again every few minutes.
        late = subscription.next_due_at <= bot.now()
        when = None if late else discord.utils.format_dt(subscription.next_due_at, "R")
        return "-# " + (say("Next: {when}", when=when) if when else say("Next: as soon as it can be posted"))
    if subscription.look_at is None:
        how = say("/digest resume goes on with it.")
    else:
        how = say("I try again every day and when permissions change; /digest resume tries at once.")
    return "⏸️ " + " ".join(filter(None, (say("Paused."), reason(subscription, bot), await bot.linked(how))))


def _channel(subscription: Subscription, bot: Bot) -> str:
    """A mention of a digest's channel, or words for it if the channel no longer exists."""
    guild = bot.get_guild(subscription.guild_id or 0)
    # Inactive threads are not cached, but they still exist.
    if guild is None or guild.unavailable or subscription.kind == "thread" or guild.get_channel(subscription.place_id):
        return f"<#{subscription.place_id}>"
    return say("a deleted channel")


def short(subscription: Subscription, channel: str) -> str:
    """A subscription in one line of plain text, for a menu."""
    pause = "⏸ " if subscription.paused else ""
    return f"{pause}{plain(', '.join(subscription.topics))} – {channel}, {subscription.hour:02}:00"


def freshness(states: Sequence[SourceState]) -> Iterator[str]:
    """Yield a line for each source that is fetched: when it was last read, and what is wrong with it now."""
    for state in states[:SOURCES_SHOWN]:
        name = escape(shorten(plain(state.source), NAME_CHARACTERS))
        if state.last_success is None:
            yield "- " + say("{source}: not read yet", source=name)
        else:
            when = discord.utils.format_dt(state.last_success, "R")
            newest = "" if state.newest is None else say(", newest of {day}", day=date(state.newest))
            yield "- " + say("{source}: read {when}", source=name, when=when) + newest
        if state.sentence and state.failing_since is not None:
            yield "  ⚠️ " + escape(shorten(plain(state.sentence), TROUBLE_CHARACTERS))


def _details(subscription: Subscription) -> Iterator[str]:
    yield say_many("one paper at most", "{n} papers at most", subscription.most)
    if only := [*subscription.sources, *subscription.categories]:
        yield say("only {what}", what=escape(plain(", ".join(only))))
    if subscription.silent:
        yield say("silent when there is nothing new")
    if subscription.crosspost:
        yield say("published to the servers that follow the channel")
    if subscription.roundup:
        yield say("with a map of the week")
