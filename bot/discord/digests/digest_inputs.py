"""Parse what people type into /digest (topics, days, sources), and suggest completions while they type."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import get_day_names
from discord import app_commands

from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import LANGUAGES, current_language, say
from retrieval import BadInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

DAYS: Final = tuple(range(7))
WORKING_DAYS: Final = DAYS[:5]
SHORTEST_DAY: Final = 2  # letters; enough to tell the days of the week apart in each language here

# The zones in which most people live.
COMMON_ZONES: Final = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Athens",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Toronto",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
)
# Sources that the bot can fetch, whether or not it has done so yet.
FETCHED: Final = ("arxiv", "huggingface")

_BETWEEN_TOPICS: Final = re.compile(r"[;|\n]")
_BETWEEN_WORDS: Final = re.compile(r"[,;|\s]+")
_RANGE: Final = re.compile(r"\s*[-–—]\s*")
_DIGITS: Final = re.compile(r"[0-6]{1,7}")
# arXiv's categories: an archive and a subject, or a physics archive that has no subjects.
_CATEGORY: Final = re.compile(r"[a-z-]+\.[A-Za-z-]{2,}|gr-qc|hep-(?:ex|lat|ph|th)|math-ph|nucl-(?:ex|th)|quant-ph")


def read_topics(typed: str) -> list[str]:
    """Split an input into topics, which are separated by ;, | or a line break."""
    return [plain(topic) for topic in _BETWEEN_TOPICS.split(typed) if plain(topic)]


def read_days(typed: str) -> tuple[int, ...]:
    """Parse weekdays (0 is Monday) from names in any of the languages ("Mon, Wed–Fri"); raises BadInputError."""
    text = typed.strip()
    if _DIGITS.fullmatch(text):  # the value of a suggestion
        return tuple(sorted({int(digit) for digit in text}))
    days: set[int] = set()
    for part in _BETWEEN_WORDS.split(_RANGE.sub("-", text).strip(" ,;|.")):
        first, _, last = part.partition("-")
        start = _day(first)
        end = _day(last) if last else start
        if start is None or end is None:
            raise BadInputError(
                say(
                    "I cannot read the day “{day}”; write them like Mon, Wed or Mon-Fri.",
                    day=shorten_at_end(plain(part), CHOICE_CHARACTERS),
                )
            )
        days |= {day % len(DAYS) for day in range(start, end + 1 if end >= start else end + 1 + len(DAYS))}
    return tuple(sorted(days))


def offer_days(typed: str) -> list[app_commands.Choice[str]]:
    """Suggest days: those that were typed if they can be parsed, else common choices."""
    if typed.strip():
        try:
            days = read_days(typed)
        except BadInputError:
            pass
        else:
            return [_choice(name_days(days), _digits(days))]
    names = [DAYS, WORKING_DAYS, *((day,) for day in DAYS)]
    return [_choice(name_days(days), _digits(days)) for days in names]


def name_days(days: Sequence[int]) -> str:
    """Weekdays in words."""
    if tuple(days) == DAYS:
        return say("every day")
    if tuple(days) == WORKING_DAYS:
        return say("Monday to Friday")
    if len(days) == 1:
        return say("every {day}", day=get_day_names("wide", locale=current_language())[days[0]])
    names = get_day_names("abbreviated", locale=current_language())
    return ", ".join(names[day] for day in days)


async def offer_zones(typed: str, own: str) -> list[app_commands.Choice[str]]:
    """Suggest time zones for what was typed, with the current time in each; `own` and common ones come first."""
    return await asyncio.to_thread(_offer_zones, typed, own)


def _offer_zones(typed: str, own: str) -> list[app_commands.Choice[str]]:
    common = list(dict.fromkeys((own, *COMMON_ZONES)))
    wanted = "_".join(typed.split()).casefold()
    if wanted:
        rest = sorted(zone for zone in available_timezones() if zone not in common)
        names = [zone for zone in (*common, *rest) if wanted in zone.casefold()]
        # Cities that start with it come first; the sort is stable, so the order stays the same otherwise.
        names.sort(key=lambda zone: not zone.rpartition("/")[2].casefold().startswith(wanted))
    else:
        names = common
    now = datetime.now(UTC)
    return [_choice(f"{zone} ({now.astimezone(ZoneInfo(zone)):%H:%M})", zone) for zone in names[:CHOICES]]


def read_only(typed: str, known: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parse the sources and arXiv categories in an input; raises BadInputError for a word that is neither."""
    names = {name.casefold(): name for name in (*known, *FETCHED)}
    sources: dict[str, None] = {}
    categories: dict[str, None] = {}
    for word in filter(None, _BETWEEN_WORDS.split(typed)):
        if source := names.get(word.casefold()):
            sources[source] = None
        elif _CATEGORY.fullmatch(word):
            categories[word] = None
        else:
            raise BadInputError(
                say(
                    "“{word}” is neither a source of mine nor an arXiv category; there are {known}, or cs.CL and such.",
                    word=shorten_at_end(plain(word), CHOICE_CHARACTERS),
                    known=", ".join(sorted(names.values())),
                )
            )
    return tuple(sources), tuple(categories)


def offer_only(typed: str, known: Collection[str]) -> list[app_commands.Choice[str]]:
    """Suggest completions of the word that is being typed, after the words that are there already."""
    before, _, word = typed.rpartition(",") if "," in typed else ("", "", typed)
    start = f"{before.strip()}, " if before.strip() else ""
    names = sorted({*known, *FETCHED})
    found = [f"{start}{name}" for name in names if word.strip().casefold() in name.casefold()]
    try:
        read_only(typed, known)
    except BadInputError:
        pass
    else:
        found.insert(0, typed.strip())
    return [_choice(zone, zone) for zone in dict.fromkeys(filter(None, found)) if len(zone) <= CHOICE_CHARACTERS]


def _choice(name: str, value: str) -> app_commands.Choice[str]:
    return app_commands.Choice(name=shorten_at_end(plain(name), CHOICE_CHARACTERS), value=value)


def _digits(days: Iterable[int]) -> str:
    return "".join(map(str, days))


def _day(word: str) -> int | None:
    """The day of the week whose name starts with a word, None if there is none or several."""
    start = word.strip(". ").casefold()
    if len(start) < SHORTEST_DAY:
        return None
    for language in dict.fromkeys((current_language(), *LANGUAGES)):
        names: Mapping[int, str] = get_day_names("wide", locale=language)
        found = [day for day, name in names.items() if name.casefold().startswith(start)]
        if len(found) == 1:
            return found[0]
    return None
