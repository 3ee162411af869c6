"""Digest, Entry and Roundup: the content of a post, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date  # noqa: TC003  # pydantic reads the types at run time
from typing import Final

from pydantic import TypeAdapter

from retrieval import Paper  # noqa: TC001


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper in a digest, and why it is there.

    Attributes:
        paper: the paper.
        topic: the topic that it matches best, in the subscriber's words.
        reason: one sentence on why it matters, ready to be shown; empty if the paper has no abstract.
        quote: the verbatim part of the abstract that supports the reason.
        match: the probability (0..1) that it is about the topic.
        upvotes: votes on Hugging Face, None if it is not listed there.
        code_url: the http or https address of the paper's code.
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
    """The week's map: a PNG, its alt text, and the names of its clusters."""

    picture: bytes
    alt: str
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest as posted, in its reader's language.

    Attributes:
        title: a line that says what it is about.
        day: its date in the reader's time zone.
        topics: the topics of the subscription.
        entries: the papers, best first; none if nothing fits.
        considered: how many new papers were looked through.
        note: a sentence on why it is empty or short, None if it is neither.
        hint: how to change the subscription, in its first digest only.
        weekly: whether it is the week's last digest, which has a round-up.
        roundup: the round-up, drawn just before it is posted; left out of the JSON.
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
        """Convert to the object that `digest preview --json` prints; its keys are a contract."""
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
    """Serialise a digest to ASCII JSON, which every database stores unchanged; the picture is drawn again from it."""
    papers = [
        {"abstract": entry.paper.abstract, "source": entry.paper.source} | _entry_to_json(entry)
        for entry in digest.entries
    ]
    return json.dumps(digest.to_json() | {"entries": papers})


def loads(text: str | None) -> Digest | None:
    """Parse a digest from JSON; None if there is none, or if another version wrote it in a form that does not fit."""
    try:
        data = json.loads(text or "null")
        entries = [entry | {"paper": entry} for entry in data["entries"]]  # the JSON has entry and paper on one level
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
