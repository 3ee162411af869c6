"""Write Hugging Face's daily papers as its API does."""

from __future__ import annotations

import datetime as dt
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .papers import LocalPaper

_USER = {"_id": "u1", "avatarUrl": "/a.svg", "fullname": "A. Khan", "name": "akhan", "type": "user", "isPro": False}


def item(paper: LocalPaper, day: dt.date) -> dict[str, Any]:
    """Write one item of a day's list."""
    people = [{"_id": f"a{n}", "name": name, "hidden": False} for n, name in enumerate(paper.authors)]
    people += [{"_id": f"h{n}", "name": name, "hidden": True} for n, name in enumerate(paper.hidden)]
    wrapped = "\n\n".join(
        "\n".join(textwrap.wrap(part, 72, break_long_words=False, break_on_hyphens=False))
        for part in paper.abstract.split("\n\n")
    )
    inner: dict[str, Any] = {
        "id": paper.arxiv_id,
        "authors": people,
        "publishedAt": _time(paper.published),
        "submittedOnDailyAt": _time(dt.datetime.combine(day, dt.time(1, 20), dt.UTC)),
        "submittedOnDailyBy": _USER,
        "title": paper.title,
        "summary": wrapped,
        "upvotes": paper.upvotes,
        "discussionId": f"d{paper.arxiv_id}",
        "ai_summary": "Made by a model, and not quoted.",
        "ai_keywords": list(paper.keywords),
    }
    if paper.repo:
        inner |= {"githubRepo": paper.repo, "githubStars": 12}
    return {
        "paper": inner,
        # Another day: nothing should rely on this field.
        "publishedAt": _time(paper.published - dt.timedelta(days=400)),
        "title": paper.title,
        "summary": wrapped,
        "thumbnail": f"https://example.org/{paper.arxiv_id}.png",
        "numComments": 2,
        "submittedBy": _USER,
    }


def _time(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
