"""Digest, Entry and Roundup: what is posted, and its JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date  # noqa: TC003  # pydantic reads the types at run time
from typing import Final

from pydantic import TypeAdapter

from retrieval import Paper  # noqa: TC001


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold a paper of a digest and why it is there.

    Attributes:
        paper: the paper.
        topic: the topic of the subscription that it matches best, as the subscriber wrote it.
        reason: one sentence on why it matters, ready to be shown; empty where the abstract has none.
        quote: the verbatim part of the abstract that the reason rests on.
        match: how likely it is about the topic, 0..1.
        upvotes: votes on Hugging Face, None where it is not known there.
        code_url: an http or https address of the paper's code.
    """

    paper: Paper
    topic: str
    reason: str
    quote: str
    match: float
    upvotes: int | None = None
    code_url: str | None = None


@dataclass(frozen=True, slots=True)
class Roundup:
    """Hold the week's map: a PNG, what it shows for those who do not see it, and the names of its clusters."""

    picture: bytes
    alt: str
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """Hold a digest as it is posted, in the words of its reader's language.

    Attributes:
        title: a line that says what it is about.
        day: the date of it where its reader is.
        topics: the subscription's.
        entries: the papers, best first; none in an honest empty digest.
        considered: how many new papers were looked through.
        note: a sentence on why it is empty or short, None where it is neither.
        hint: how to change the subscription, in its first digest only.
        weekly: whether it is the week's last, which has a round-up.
        roundup: the round-up, drawn just before it is posted; the JSON leaves it out.
    """

    title: str
    day: date
    topics: tuple[str, ...]
    entries: tuple[Entry, ...]
    considered: int
    note: str | None = None
    hint: str | None = None
    weekly: bool = False
    roundup: Roundup | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, object]:
        """Return the object that `digest preview --json` prints; its keys are a contract."""
        return {
            "title": self.title,
            "date": self.day.isoformat(),
            "topics": list(self.topics),
            "considered": self.considered,
            "note": self.note,
            "hint": self.hint,
            "weekly": self.weekly,
            "entries": [_entry_to_json(entry) for entry in self.entries],
        }


_DIGEST: Final = TypeAdapter(Digest)


def dumps(digest: Digest) -> str:
    """Return a digest as JSON in ASCII, which every database keeps as it is; its picture is drawn anew from it."""
    papers = [
        {"abstract": entry.paper.abstract, "source": entry.paper.source} | _entry_to_json(entry)
        for entry in digest.entries
    ]
    return json.dumps(digest.to_json() | {"entries": papers})


def loads(text: str | None) -> Digest | None:
    """Return the digest in a JSON text, None where it is none, or one that another version wrote too differently."""
    try:
        data = json.loads(text or "null")
        entries = [entry | {"paper": entry} for entry in data["entries"]]  # the JSON has both on one level
        return _DIGEST.validate_python(data | {"day": data["date"], "entries": entries})
    except (ValueError, TypeError, KeyError):
        return None


def _entry_to_json(entry: Entry) -> dict[str, object]:
    paper = entry.paper
    return {
        "paper_id": paper.paper_id,
        "title": paper.title,
        "url": paper.url,
        "published": paper.published.isoformat() if paper.published else None,
        "topic": entry.topic,
        "reason": entry.reason,
        "quote": entry.quote,
        "match": round(entry.match, 4),
        "upvotes": entry.upvotes,
        "code_url": entry.code_url,
    }
