"""The nouns of the store, from ServerSettings and StoredAnswer to Delivery and Shards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime  # noqa: TC003  # pydantic reads the types at run time
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from bot.llm.prices import price_of

if TYPE_CHECKING:
    from bot.answering.answer import Answer

SHARD_SHIFT: Final = 22  # bits; Discord tells shards by an id's time

PlaceKind: TypeAlias = Literal["channel", "thread", "forum", "dm"]
Sort: TypeAlias = Literal["best", "newest"]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Hold what a server's moderators chose; the defaults stand where nothing was set.

    Attributes:
        prefix: what chat commands begin with, 1 to 5 visible characters.
        channels: ids of the channels in which the bot answers; all, where none is named.
        roles: ids of the roles that may ask; all, where none is named.
        private: whether answers to slash commands are shown to the asker alone by default.
        threads: whether an answer to a mention opens a thread.
        language: "en", "de" or "fr"; None follows the server's own locale.
        digest_hour: hour of the day at which digests are posted by default, 0 to 23.
        digest_zone: IANA time zone of that hour.
        exempt: ids of the roles whose questions no person's budget limits.
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
    """Hold an answer as it was given, with who asked it where; ids are Discord's.

    Attributes:
        answer_id: 16 url-safe characters, which buttons carry.
        answer: the whole answer, whatever became of its papers since.
        asker_id: the person who asked.
        channel_id: the channel, thread or DM that it was asked in.
        guild_id: the server, None in a DM.
        question_message_id: the message that asked, None where a command did.
        parent_id: the answer that this one follows up, None where there is none or it was forgotten.
        private: whether only the asker sees it.
        asked_at: when it was asked, in UTC.
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
    """Hold how many of a server's answers cited a paper, and how many ⭐ it and 👍 such answers were given."""

    paper_id: str
    asked: int
    liked: int


@dataclass(frozen=True, slots=True)
class Search:
    """Hold what was looked for, and among which papers; `newest` sorts the best hits by their day."""

    query: str
    since: date | None = None
    source: str | None = None
    sort: Sort = "best"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Hold what somebody wants to be told of, where and when, and how far that has come.

    Attributes:
        subscription_id: 8 url-safe characters, which buttons and commands carry.
        kind: what kind of place it is posted in.
        place_id: the channel, thread or forum; of a DM, the person.
        guild_id: the server, None in a DM.
        owner_id: who made it, None once the person was forgotten.
        topics: what it is about in plain words, 1 to 5.
        sources: names of the sources whose papers count; all, where none is named.
        categories: arXiv categories of which a paper must have one; any, where none is named.
        hour: hour of the day, 0 to 23.
        zone: IANA time zone of that hour.
        weekdays: 0 (Monday) to 6, at least one.
        most: how many papers a digest has at most, 1 to 15.
        silent: whether nothing is posted where there is nothing new.
        roundup: whether the week's last digest has a map of the week's papers.
        crosspost: whether it is published to the servers that follow its announcement channel.
        language: "en", "de" or "fr"; None is English.
        next_due_at: when the next digest is due, in UTC.
        delivered_until: up to when papers were looked through, in UTC; fresh are those added later.
        greeted: whether it has posted a digest yet; the first one says how to change it.
        paused: whether nothing is posted for now.
        reason: why it is paused, None where a person did it.
        look_at: when it is looked at again whether it can be posted, None unless it is paused for a reason.
        created_at: when it was made, in UTC.
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
    """Hold how much of a digest stands in its place: parts of one post, each written down once it is there.

    Attributes:
        message_ids: its messages so far, in order.
        papers: how many papers each of them shows.
        rest_id: the thread or channel in which its other messages go, None until the first of them is to be posted.
    """

    message_ids: tuple[int, ...] = ()
    papers: tuple[int, ...] = ()
    rest_id: int | None = None

    def plus(self, message_id: int, papers: int) -> Posted:
        """Return the same with one more message."""
        return replace(self, message_ids=(*self.message_ids, message_id), papers=(*self.papers, papers))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold a digest that is due and that one worker has claimed; subscription and due moment are its key.

    Attributes:
        subscription: as it was when the delivery was claimed.
        due_at: the moment that it is due for, in UTC.
        worker: who claimed it.
        attempts: how often it was put off so far.
        tried_at: when it was first tried to post `body`, None where it was not yet; it may be there since.
        until: up to when papers were looked through for `body`.
        body: the digest as it was chosen, None where it is to be chosen.
        posted: what is known to stand of it.
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
    """Hold what all calls of one purpose to one model took on a day.

    Attributes:
        day: in UTC.
        purpose: "answer", "rewrite" and so on.
        model: its name as it was asked for.
        calls: how many there were.
        estimated: how many of them the server did not count, or nobody heard its count.
        prompt_tokens: what it read.
        completion_tokens: what it wrote.
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
        """Return what was read and written together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def dollars(self) -> float | None:
        """Return what that costs, None where the model's price is not known."""
        price = price_of(self.model)
        return price.of(self.prompt_tokens, self.completion_tokens) if price else None


@dataclass(frozen=True, slots=True)
class Shards:
    """Hold which of how many shards of the bot a process serves."""

    ids: tuple[int, ...]
    count: int

    def serve(self, guild_id: int) -> bool:
        """Say whether a server is of one of these shards, as Discord has it."""
        return (guild_id >> SHARD_SHIFT) % self.count in self.ids
