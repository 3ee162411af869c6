"""Look up opposites in a file that bench/make_opposites.py writes from WordNet."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple

DATA: Final = "opposites.json"
DIRECT: Final = 1.0  # better and worse
NEARLY: Final = 0.5  # shortens and increases, as to shorten is to decrease


class _Meanings(NamedTuple):
    own: frozenset[str]
    near: frozenset[str]


class _Opposites(NamedTuple):
    words: dict[str, _Meanings]
    partners: dict[str, frozenset[str]]


@lru_cache(maxsize=65536)
def opposition(one: str, other: str) -> float:
    """Rate how far (0..1) two folded words are opposites."""
    if one == other:
        return 0.0
    first, second = meanings(one), meanings(other)
    if first is None or second is None or first.own & second.own:
        return 0.0
    if _facing(first.own, second.own):
        return DIRECT
    return NEARLY if _facing(first.own | first.near, second.own) or _facing(first.own, second.near) else 0.0


@lru_cache(maxsize=65536)
def related(one: str, other: str) -> bool:
    """Check whether two folded words are forms of one word, or mean nearly the same."""
    first, second = meanings(one), meanings(other)
    if first is None or second is None:
        return False
    return bool(first.own & (second.own | second.near) or first.near & second.own)


def meanings(word: str) -> _Meanings | None:
    """Look up the words with antonyms that a word is a form of, and those of nearly the same meaning."""
    return _data().words.get(word)


def _facing(some: frozenset[str], others: frozenset[str]) -> bool:
    partners = _data().partners
    return any(not partners.get(word, frozenset()).isdisjoint(others) for word in some)


@cache
def _data() -> _Opposites:
    data: dict[str, Any] = json.loads(resources.files(__package__).joinpath(DATA).read_text(encoding="utf-8"))
    partners: dict[str, set[str]] = {}
    for one, other in map(str.split, data["pairs"]):
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    words = {
        word: _Meanings(*(frozenset(kind.split()) for kind in held.split("|"))) for word, held in data["words"].items()
    }
    return _Opposites(words, {word: frozenset(held) for word, held in partners.items()})
