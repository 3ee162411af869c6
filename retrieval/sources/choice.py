"""Choose papers of a file by their category and their day while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInputError
from retrieval.sources.fetched import Fetched
from retrieval.sources.record import categories_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from retrieval.papers import Paper


@dataclass
class Choice:
    """Hold which papers to take, and count those passed over.

    Attributes:
        categories: take papers of one of these, such as cs.CL, or cs for all of its divisions; any if empty.
        since: take papers published from this day on.
        others: how many were of other categories.
        earlier: how many were published before.
        undated: how many have no date.
    """

    categories: tuple[str, ...] = ()
    since: dt.date | None = None
    others: int = 0
    earlier: int = 0
    undated: int = 0

    def takes(self, paper: Paper | Fetched) -> bool:
        """Say whether a paper is to be taken, and count it if not."""
        known = paper if isinstance(paper, Fetched) else Fetched(paper)
        published = known.paper.published
        if self.categories and not self._has(known.categories):
            self.others += 1
        elif self.since is None or (published and published >= self.since):
            return True
        elif published is None:
            self.undated += 1
        else:
            self.earlier += 1
        return False

    def passes_over(self, fields: Mapping[str, Any]) -> bool:
        """Say whether a record's categories alone tell that it is not to be taken, and count it then.

        Making papers of a record takes ten times as long.
        """
        held = categories_in(fields.get("categories"))
        if not self.categories or not held or self._has(held):
            return False
        self.others += 1
        return True

    def sentences(self) -> list[str]:
        """Give a sentence for each reason that papers were passed over for."""
        counted = (
            (self.others, f"not in {', '.join(self.categories)}"),
            (self.earlier, f"from before {self.since}"),
            (self.undated, "without a date"),
        )
        return [f"Passed over {_papers(count)} {why}." for count, why in counted if count]

    def _has(self, categories: Iterable[str]) -> bool:
        asked = [category.casefold() for category in self.categories]
        return any(
            held == category or held.startswith(f"{category}.")
            for held in map(str.casefold, categories)
            for category in asked
        )


def read_categories(given: Iterable[str]) -> tuple[str, ...]:
    """Return categories as they are compared: "cs.CL+cs.LG" is two, "cs.*" is cs; BadInputError for an empty one."""
    found = tuple(part.strip().removesuffix(".*") for text in given for part in text.replace(",", "+").split("+"))
    if not all(found):
        raise BadInputError("A category is empty; write --category cs.CL, or --category cs.CL+cs.LG for several.")
    return found


def _papers(count: int) -> str:
    return f"{count:,} paper{'' if count == 1 else 's'}"
