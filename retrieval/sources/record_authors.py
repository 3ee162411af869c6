"""Authors of a record: names in a text, in a list, or in parts under a service's own keys."""

from __future__ import annotations

import re
from typing import Any, Final

from retrieval.sources.fields import one_line

_AND: Final = re.compile(r"(?:,\s*|\s+)(?:and|&)\s+")
_WHOLE: Final = (
    "name",
    "fullname",
    "full_name",
    "fullName",
    "display_name",
    "literal",
    "author",
    "text",
    "collectiveName",
)
_LAST: Final = ("family", "lastName", "last", "last_name", "surname", "familyName")
_FIRST: Final = ("given", "firstName", "first", "first_name", "forename", "givenName")
_INITIALS: Final = re.compile(r"(?:[^\W\d_]\.?[\s-]?){1,4}")
SUFFIX: Final = re.compile(r"(?:[JS]r\.?|I{2,3}|IV)")
_PAIR: Final = 2
_PARSED: Final = 3  # parts of a name in arXiv's snapshot: family, given, suffix


def people(value: Any) -> tuple[str, ...]:  # noqa: ANN401  # whatever JSON has
    """Names from a text, or from a list of texts or of objects with a name; empty for anything else."""
    if isinstance(value, dict):  # converted XML wraps the list in an object
        value = value.get("author")
    if isinstance(value, str):
        names = names_in(value)
        return tuple(line for name in names if (line := given_first(name) if len(names) > 1 else one_line(name)))
    found = value if isinstance(value, list) else []
    return tuple(line for one in found if (line := one_line(_name(one))))


def names_in(text: str) -> list[str]:
    """Split a text into names: at semicolons or bars if there are any, else at "and" and commas between names."""
    for sign in (";", "|"):
        if sign in text:
            return text.split(sign)
    parts = [part.strip() for part in text.split(",")]
    # "Lull, A., Doze, B. C."
    if len(parts) > _PAIR and len(parts) % _PAIR == 0 and all(map(_INITIALS.fullmatch, parts[1::2])):
        return [f"{family}, {initials}" for family, initials in zip(parts[::2], parts[1::2], strict=True)]
    names: list[str] = []
    for part in _AND.split(text):
        between = part.split(",")
        # "Choi, Yejin" is one name, "Yejin Choi, Ada B" are two
        in_full = all(len(name.split()) > 1 for name in between)
        names += between if in_full else [part]
    return names


def given_first(name: str) -> str:
    """Turn "Choi, Yejin" into "Yejin Choi"; "King, Jr., Martin" or "King, Martin, Jr." into "Martin King Jr."."""
    parts = [part.strip() for part in name.split(",")]
    if len(parts) == _PARSED and not SUFFIX.fullmatch(parts[2]):
        parts = [parts[0], parts[2], parts[1]]
    return one_line(" ".join([*parts[1:2], parts[0], *parts[2:]]))


def _name(one: Any) -> str:  # noqa: ANN401
    if isinstance(one, str):
        return one
    if isinstance(one, list) and one and all(isinstance(part, str) for part in one):
        return " ".join(part for part in (*one[1:2], one[0], *one[2:_PARSED]) if part)
    if not isinstance(one, dict) or one.get("hidden") is True or _is_editor(one):
        return ""
    last, first = _first_text(one, _LAST), _first_text(one, _FIRST)
    if last or first:
        particle = _first_text(one, ("non-dropping-particle", "dropping-particle"))
        return f"{first} {particle} {last} {_first_text(one, ('suffix',))}"
    whole = next((one[key] for key in _WHOLE if one.get(key)), "")
    return _in_order(whole) if isinstance(whole, str) else _name(whole) if isinstance(whole, dict) else ""


def _in_order(whole: str) -> str:
    """A name that comes in one piece; INSPIRE has the family name first."""
    return given_first(whole) if whole.count(",") == 1 else whole


def _is_editor(one: dict[str, Any]) -> bool:
    return str(one.get("creatorType", "author")) not in {"author", "presenter", "inventor", "programmer"}


def _first_text(one: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((one[key] for key in keys if isinstance(one.get(key), str)), "")
