"""Create and change subscriptions; choices that cannot be are refused with a sentence."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from bot.digest.schedule import find_zone, next_due
from bot.language import say
from bot.store.domain import Subscription
from retrieval import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.store.domain import PlaceKind

MOST_TOPICS: Final = 5
TOPIC_CHARACTERS: Final = 100
MOST_PAPERS: Final = 15
LAST_HOUR: Final = 23
SUNDAY: Final = 6
MOST_PER_CHANNEL: Final = 25  # as many as a menu in Discord can show
# The first digest looks back one day; otherwise it would be empty for people who subscribe just before the hour.
HEAD_START: Final = timedelta(days=1)


def subscribe(
    *,
    kind: PlaceKind,
    place_id: int,
    guild_id: int | None,
    owner_id: int,
    topics: Iterable[str],
    hour: int,
    zone: str,
    now: datetime,
    **chosen: Any,  # noqa: ANN401 - what else a Subscription holds
) -> Subscription:
    """Create a subscription whose first digest is due at the next chosen hour; raises BadInputError.

    `chosen` are the other fields of Subscription that differ from their defaults.
    """
    return _checked(
        Subscription(
            subscription_id=secrets.token_urlsafe(6),
            kind=kind,
            place_id=place_id,
            guild_id=guild_id,
            owner_id=owner_id,
            topics=tidy_topics(topics),
            hour=hour,
            zone=zone,
            next_due_at=now,
            delivered_until=now - HEAD_START,
            created_at=now,
            **chosen,
        ),
        now,
    )


def changed(subscription: Subscription, now: datetime, **chosen: Any) -> Subscription:  # noqa: ANN401
    """Apply other choices to a subscription; a digest that is due already comes first. Raises BadInputError."""
    if "topics" in chosen:
        chosen["topics"] = tidy_topics(chosen["topics"])
    after = replace(subscription, **chosen)
    before = (subscription.hour, subscription.zone, subscription.weekdays)
    if subscription.next_due_at <= now or (after.hour, after.zone, after.weekdays) == before:
        return replace(_checked(after, now), next_due_at=subscription.next_due_at)
    return _checked(after, now)


def due_after(subscription: Subscription, moment: datetime) -> datetime:
    """The time (UTC) at which a subscription is next due after another."""
    return next_due(moment, subscription.hour, subscription.zone, subscription.weekdays)


def tidy_topics(topics: Iterable[str]) -> tuple[str, ...]:
    """Clean up topics and drop repeated ones; raises BadInputError for none, too many, or one too long."""
    tidied = tuple(
        {" ".join(topic.split()).casefold(): " ".join(topic.split()) for topic in topics if topic.strip()}.values()
    )
    if not tidied:
        raise BadInputError(say("Name at least one topic in plain words, such as “robots that learn from language”."))
    if len(tidied) > MOST_TOPICS:
        raise BadInputError(
            say("A digest has at most {most} topics; make a second one for the others.", most=MOST_TOPICS)
        )
    if longest := next((topic for topic in tidied if len(topic) > TOPIC_CHARACTERS), None):
        raise BadInputError(
            say(
                "The topic “{topic} …” is too long; use at most {most} characters.",
                topic=longest[:40],
                most=TOPIC_CHARACTERS,
            )
        )
    return tidied


def _checked(subscription: Subscription, now: datetime) -> Subscription:
    if not 0 <= subscription.hour <= LAST_HOUR:
        raise BadInputError(say("The hour of a digest is 0 to 23."))
    if not subscription.weekdays or not all(0 <= day <= SUNDAY for day in subscription.weekdays):
        raise BadInputError(say("Choose at least one day of the week."))
    if not 1 <= subscription.most <= MOST_PAPERS:
        raise BadInputError(say("A digest has 1 to {most} papers.", most=MOST_PAPERS))
    find_zone(subscription.zone)
    tidied = replace(subscription, weekdays=tuple(sorted(set(subscription.weekdays))))
    return replace(tidied, next_due_at=due_after(tidied, now))
