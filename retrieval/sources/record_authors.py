"""Read the authors of a record: names in a text, in a list, or in parts under whatever keys a service gives them."""

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
_PARSED: Final = 3  # what arXiv's snapshot parses a name into: family, given, suffix


def people(value: Any) -> tuple[str, ...]:  # noqa: ANN401  # whatever JSON has
    """Return the names in a text or in a list of texts or of objects with a name, none for anything else."""
    if isinstance(value, dict):  # what is made of XML has a list in an object of its own
        value = value.get("author")
    if isinstance(value, str):
        names = names_in(value)
        return tuple(line for name in names if (line := given_first(name) if len(names) > 1 else one_line(name)))
    found = value if isinstance(value, list) else []
    return tuple(line for one in found if (line := one_line(_name(one))))


def names_in(text: str) -> list[str]:
    """Return the names in a text: after semicolons, "and", and commas that do not stand within a name."""
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
    """Return "Choi, Yejin" as "Yejin Choi", "King, Jr., Martin" and RIS's "King, Martin, Jr." as "Martin King Jr."."""
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
    """Return a name that a service gives in one piece, as INSPIRE does with the family name in front."""
    return given_first(whole) if whole.count(",") == 1 else whole


def _is_editor(one: dict[str, Any]) -> bool:
    return str(one.get("creatorType", "author")) not in {"author", "presenter", "inventor", "programmer"}


def _first_text(one: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((one[key] for key in keys if isinstance(one.get(key), str)), "")
