"""Say in words what a subscription is: what about, when, where, and how it stands; and how fresh the sources are."""

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
    from retrieval.source_state import SourceState

SOURCES_SHOWN: Final = 10
NAME_CHARACTERS: Final = 100
TROUBLE_CHARACTERS: Final = 200
REASON_CHARACTERS: Final = 300


async def described(subscription: Subscription, bot: Bot) -> str:
    """Return a subscription in a few lines."""
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
    """Return a subscription's topics as they stand above it."""
    return f"**{escape(named(subscription.topics))}**"


def where(subscription: Subscription, bot: Bot) -> str:
    """Return where a digest goes."""
    return say("direct messages") if subscription.kind == "dm" else _channel(subscription, bot)


def reason(subscription: Subscription, bot: Bot) -> str:
    """Return why a subscription is paused, with its channel to click on where that still stands."""
    mention = f"<#{subscription.place_id}>"
    parts = shorten(plain(subscription.reason or ""), REASON_CHARACTERS).split(mention)
    return _channel(subscription, bot).join(map(escape, parts))


async def _state(subscription: Subscription, bot: Bot) -> str:
    """Return how it goes on with a subscription."""
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
    """Return a mention of a digest's channel, or words for it where that leads nowhere."""
    guild = bot.get_guild(subscription.guild_id or 0)
    # Threads that nobody writes in are forgotten, and are there.
    if guild is None or guild.unavailable or subscription.kind == "thread" or guild.get_channel(subscription.place_id):
        return f"<#{subscription.place_id}>"
    return say("a deleted channel")


def short(subscription: Subscription, channel: str) -> str:
    """Return a subscription in one line of plain text, as a choice shows it."""
    pause = "⏸ " if subscription.paused else ""
    return f"{pause}{plain(', '.join(subscription.topics))} – {channel}, {subscription.hour:02}:00"


def freshness(states: Sequence[SourceState]) -> Iterator[str]:
    """Yield a line for each source that is fetched: when it was last fresh, and what is wrong with it now."""
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
