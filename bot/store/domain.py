"""The records of the store, from ServerSettings and StoredAnswer to Delivery and Shards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime  # noqa: TC003  # pydantic reads the types at run time
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from bot.llm.prices import price_of

if TYPE_CHECKING:
    from bot.answering import Answer

SHARD_SHIFT: Final = 22  # bits; Discord shards servers by the time stamp in their id

PlaceKind: TypeAlias = Literal["channel", "thread", "forum", "dm"]
Sort: TypeAlias = Literal["best", "newest"]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server's moderators chose, or the defaults.

    Attributes:
        prefix: start of chat commands, 1 to 5 visible characters.
        channels: ids of the channels in which the bot answers; empty means all.
        roles: ids of the roles that may ask; empty means all.
        private: whether answers to slash commands are shown only to the asker by default.
        threads: whether an answer to a mention opens a thread.
        language: "en", "de" or "fr"; None follows the server's locale.
        digest_hour: default hour of digests, 0 to 23.
        digest_zone: IANA time zone of that hour.
        exempt: ids of the roles that have no budget per person.
    """

    prefix: str = "!"
    channels: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    private: bool = False
    threads: bool = False
    language: str | None = None
    digest_hour: int = 9
    digest_zone: str = "UTC"
    exempt: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was given, with its asker and location; ids are Discord's.

    Attributes:
        answer_id: 16 URL-safe characters, used in button ids.
        answer: the whole answer, whatever has happened to its papers since.
        asker_id: the person who asked.
        channel_id: the channel, thread or DM in which it was asked.
        guild_id: the server, None in a DM.
        question_message_id: the message with the question, None for a command.
        parent_id: the answer that this one follows up, None if there is none or it was forgotten.
        private: whether only the asker sees it.
        asked_at: time of the question, in UTC.
    """

    answer_id: str
    answer: Answer
    asker_id: int
    channel_id: int
    guild_id: int | None
    question_message_id: int | None
    parent_id: str | None
    private: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Trend:
    """How popular a paper is in a server.

    Attributes:
        asked: number of answers that cite it.
        liked: number of its ⭐, and of the 👍 on answers that cite it.
    """

    paper_id: str
    asked: int
    liked: int


@dataclass(frozen=True, slots=True)
class Search:
    """A search and its filters; `newest` sorts the best hits by date."""

    query: str
    since: date | None = None
    source: str | None = None
    sort: Sort = "best"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A digest that somebody ordered: its topics, destination and schedule, and its progress.

    Attributes:
        subscription_id: 8 URL-safe characters, used in buttons and commands.
        kind: the kind of destination.
        place_id: id of the channel, thread or forum; for a DM, of the person.
        guild_id: the server, None in a DM.
        owner_id: who made it, None once the person is forgotten.
        topics: 1 to 5 topics in plain words.
        sources: names of the sources to include; empty means all.
        categories: arXiv categories of which a paper must have one; empty means any.
        hour: hour of the day, 0 to 23.
        zone: IANA time zone of that hour.
        weekdays: 0 (Monday) to 6, at least one.
        most: the maximum number of papers in a digest, 1 to 15.
        silent: whether nothing is posted when there are no new papers.
        roundup: whether the week's last digest includes a map of the week's papers.
        crosspost: whether posts are published to the servers that follow its announcement channel.
        language: "en", "de" or "fr"; None is English.
        next_due_at: when the next digest is due, in UTC.
        delivered_until: papers that were added to the library after this time (UTC) are new to its next digest.
        greeted: whether it has posted a digest; its first one explains how to change the subscription.
        paused: whether nothing is posted for now.
        reason: why it is paused, None if a person paused it.
        look_at: when to check whether the reason has passed; None unless there is a reason.
        created_at: in UTC.
    """

    subscription_id: str
    kind: PlaceKind
    place_id: int
    guild_id: int | None
    owner_id: int | None
    topics: tuple[str, ...]
    hour: int
    zone: str
    next_due_at: datetime
    delivered_until: datetime
    created_at: datetime
    sources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    most: int = 5
    silent: bool = False
    roundup: bool = False
    crosspost: bool = False
    language: str | None = None
    greeted: bool = False
    paused: bool = False
    reason: str | None = None
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """The parts of a digest posted so far; each is recorded once it is posted.

    Attributes:
        message_ids: its messages so far, in order.
        papers: number of papers in each message.
        rest_id: the thread or channel for its other messages, None until the first of them is posted.
    """

    message_ids: tuple[int, ...] = ()
    papers: tuple[int, ...] = ()
    rest_id: int | None = None

    def plus(self, message_id: int, papers: int) -> Posted:
        """Add one message to a copy."""
        return replace(self, message_ids=(*self.message_ids, message_id), papers=(*self.papers, papers))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A due digest that one worker has claimed; subscription and due time are its key.

    Attributes:
        subscription: as it was when the delivery was claimed.
        due_at: the time it is due, in UTC.
        worker: who claimed it.
        attempts: how often it has been put off.
        tried_at: when somebody first tried to post `body`, None before that; from then on it may have been posted.
        until: `body` was chosen from the papers that had been added by this time.
        body: the digest's content, None until it is chosen.
        posted: the parts of it that are known to be posted.
    """

    subscription: Subscription
    due_at: datetime
    worker: str
    attempts: int = 0
    tried_at: datetime | None = None
    until: datetime | None = None
    body: str | None = None
    posted: Posted = Posted()


@dataclass(frozen=True, slots=True)
class Spending:
    """What all calls for one purpose to one model took on a day.

    Attributes:
        day: in UTC.
        purpose: "answer", "rewrite" and so on.
        model: the name it was called by.
        calls: number of calls.
        estimated: number of calls whose tokens are estimated because no count came from the server.
        prompt_tokens: tokens read.
        completion_tokens: tokens written.
    """

    day: date
    purpose: str
    model: str
    calls: int
    estimated: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def dollars(self) -> float | None:
        """The cost in US dollars, None if the model's price is unknown."""
        price = price_of(self.model)
        return price.of(self.prompt_tokens, self.completion_tokens) if price else None


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards that a process serves, and their total count."""

    ids: tuple[int, ...]
    count: int

    def serve(self, guild_id: int) -> bool:
        """Check whether a server belongs to one of these shards, by Discord's formula."""
        return (guild_id >> SHARD_SHIFT) % self.count in self.ids
