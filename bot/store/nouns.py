"""ServerSettings, KeptAnswer and Trend: the nouns of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from bot.answering.answer import Answer


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
    """

    prefix: str = "!"
    channels: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    private: bool = False
    threads: bool = False
    language: str | None = None
    digest_hour: int = 9
    digest_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
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
        asked_at: when, in UTC.
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
