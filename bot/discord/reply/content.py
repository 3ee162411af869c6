"""What is put into a reply: drafts, of which the next one takes the place, and at last the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from discord import ui


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold how to draw what there is so far; it is drawn only if its turn comes to be seen."""

    draw: Callable[[], ui.LayoutView]


@dataclass(frozen=True, slots=True)
class Whole:
    """Hold the messages that stay; `is_answer` is False of a sentence that the next reply there takes the place of."""

    views: Sequence[ui.LayoutView]
    is_answer: bool = True


Content: TypeAlias = "Draft | Whole"
