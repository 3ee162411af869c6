"""Select a file's papers by category and day while it is read."""

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
    """Which papers to take, with counts of those passed over.

    Attributes:
        categories: take papers in any of these, such as cs.CL, or cs for all of cs; empty for any category.
        since: take papers published on this day or later.
        others: papers passed over because of their categories.
        earlier: papers passed over as published before `since`.
        undated: papers passed over because they have no date.
    """

    categories: tuple[str, ...] = ()
    since: dt.date | None = None
    others: int = 0
    earlier: int = 0
    undated: int = 0

    def takes(self, paper: Paper | Fetched) -> bool:
        """Whether to take a paper; one that is not taken is counted."""
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
        """Whether a record's categories alone rule it out; if so, it is counted.

        This saves making a paper of the record, which takes ten times as long.
        """
        held = categories_in(fields.get("categories"))
        if not self.categories or not held or self._has(held):
            return False
        self.others += 1
        return True

    def sentences(self) -> list[str]:
        """A sentence for each reason why papers were passed over."""
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
    """Split categories as the command line takes them: "cs.CL+cs.LG" is two, "cs.*" is cs.

    Raises BadInputError if one is empty.
    """
    found = tuple(part.strip().removesuffix(".*") for text in given for part in text.replace(",", "+").split("+"))
    if not all(found):
        raise BadInputError("A category is empty; write --category cs.CL, or --category cs.CL+cs.LG for several.")
    return found


def _papers(count: int) -> str:
    return f"{count:,} paper{'' if count == 1 else 's'}"
