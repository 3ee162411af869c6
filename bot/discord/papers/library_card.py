"""Show the library to moderators: lists of papers, details of a paper, and what a removal takes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import CUSTOM_ID
from bot.discord.ui.layout import COLOUR, Block, Card, button, notice, pages, rows
from bot.discord.ui.markdown import escape, length, plain, shorten
from bot.discord.ui.phrases import date, origin, title_link
from bot.language import say, say_many
from retrieval.catalogue.removal import UNDO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.discord.ui.layout import Button
    from retrieval import Paper, Removal, Removed
    from retrieval.catalogue.merge import Known

PAGE_PAPERS: Final = 10
PAGE_REMOVALS: Final = 5
REMOVAL_PREFIX: Final = "at:"  # before the time stamp that identifies a removal
SHOWN: Final = 5  # papers listed of each removal
LINK_ROOM: Final = 200
ID_CHARACTERS: Final = 60
FACT_CHARACTERS: Final = 500  # escaped

_LIBRARY: Final = "footnote:library:"
TEMPLATE: Final = rf"{_LIBRARY}(?P<what>list|removed|ask|paper|source|undo|keep):(?P<of>.*)"


def list_page(papers: Sequence[Paper], total: int, source: str | None, page: int, most: int) -> Card:
    """Lay out a page (from 0, of `most`) of the papers of the library, or of a source, with their ids."""
    if not papers:
        return notice(say("There are no papers here yet."))
    heading = say_many("One paper", "{n} papers", total)
    lines = [
        Block(f"**{number}.** {_named(paper)}") for number, paper in enumerate(papers, start=page * PAGE_PAPERS + 1)
    ]
    where = [[Block("-# " + say("Page {page} of {pages}", page=page + 1, pages=most))]] if most > 1 else []
    turns = _turns(page, most, lambda to: f"{_LIBRARY}list:{to}:{source or ''}")
    (laid,) = pages([[Block(f"### {heading}")], lines, *where])
    return Card(ui.Container(*laid, accent_colour=COLOUR), *rows(turns))


def removed_page(removals: Sequence[Removal], page: int) -> Card:
    """Lay out a page of removals (from 0; the last one for any beyond it), with a button to undo each."""
    if not removals:
        return notice(say("There is nothing to restore."))
    most = -(-len(removals) // PAGE_REMOVALS)
    page = min(page, most - 1)
    numbered = list(enumerate(removals, start=1))[page * PAGE_REMOVALS : (page + 1) * PAGE_REMOVALS]
    groups = [[Block(_removal(number, removal))] for number, removal in numbered]
    where = [[Block("-# " + say("Page {page} of {pages}", page=page + 1, pages=most))]] if most > 1 else []
    undo = [
        button(f"{say('Undo')} {number}", f"{_LIBRARY}undo:{moment(removal.papers[0])}") for number, removal in numbered
    ]
    (laid,) = pages([[Block("### " + say("What can be restored"))], *groups, *where])
    turns = _turns(page, most, lambda to: f"{_LIBRARY}removed:{to}")
    return Card(ui.Container(*laid, accent_colour=COLOUR), *rows(undo, turns))


def removal_choice(removal: Removal) -> tuple[str, str]:
    """Make the name and the value of a removal as a choice of a command."""
    count = say_many("One paper", "{n} papers", len(removal.papers))
    when = removal.removed_at
    name = say("{papers}, {day}, {time} UTC", papers=count, day=date(when.date()), time=f"{when:%H:%M}")
    return name, f"{REMOVAL_PREFIX}{moment(removal.papers[0])}"


def _removal(number: int, removal: Removal) -> str:
    count = say_many("One paper", "{n} papers", len(removal.papers))
    until = (
        say("erased by now; only a source can add it again")
        if removal.erased
        else say("can be restored until {day}", day=date((removal.removed_at + UNDO).date()))
    )
    lines = [f"**{number}.** {count} · <t:{int(removal.removed_at.timestamp())}:f> · {until}"]
    lines += [f"- {escape(shorten(plain(paper.title), FACT_CHARACTERS // 4))}" for paper in removal.papers[:SHOWN]]
    if len(removal.papers) > SHOWN:
        lines.append("- " + say_many("and one more", "and {n} more", len(removal.papers) - SHOWN))
    return "\n".join(lines)


def _turns(page: int, most: int, custom_id: Callable[[int], str]) -> list[Button]:
    """Make the buttons to the previous and next page."""
    sides = ((say("◀ Previous"), page - 1), (say("Next ▶"), page + 1))
    return [
        button(label, custom_id(to)) for label, to in sides if 0 <= to < most and length(custom_id(to)) <= CUSTOM_ID
    ]


def details(known: Known) -> Card:
    """Lay out everything known about a paper except its abstract, and the buttons for it."""
    found, paper = known.details, known.details.paper
    facts = {
        say("Authors"): ", ".join(found.authors),
        say("Published"): date(paper.published) if paper.published else "",
        say("Venue"): found.venue or "",
        say("Ids"): ", ".join(found.external_ids),
        say("Sources"): ", ".join(sorted(known.sources)),
        say("Keywords"): ", ".join(found.keywords),
        say("Withdrawn"): say("according to {source}", source=known.withdrawn_by) if known.withdrawn_by else "",
    }
    lines = [
        f"**{name}:** {escape(shorten(plain(value), FACT_CHARACTERS))}" for name, value in facts.items() if plain(value)
    ]
    words = say_many("Its abstract has one word.", "Its abstract has {n} words.", len(paper.abstract.split()))
    below = rows(
        [
            button(say("Cite"), ids.cite(paper.paper_id)),
            button(say("Remove…"), f"{_LIBRARY}ask:{ids.paper_key(paper.paper_id)}", discord.ButtonStyle.danger),
        ]
    )
    (laid,) = pages([[Block(f"### {title_link(paper)}")], [Block("\n".join(lines))], [Block(f"-# {words}")]])
    return Card(ui.Container(*laid, accent_colour=COLOUR), *below)


def question_of_paper(paper: Paper) -> Card:
    """Lay out the question before a paper is removed."""
    return _question([_named(paper)], say("Remove this paper?"), f"{_LIBRARY}paper:{ids.paper_key(paper.paper_id)}")


def question_of_source(source: str, papers: Sequence[Paper], total: int, shared: int) -> Card:
    """Lay out the question before all papers that only one source has are removed; `shared` counts those it shares."""
    custom_id = f"{_LIBRARY}source:{source}"
    name = escape(shorten(plain(source), ID_CHARACTERS))
    if total == 0 or length(custom_id) > CUSTOM_ID:
        return notice(say("There is no paper that only {source} has.", source=name))
    lines = [f"- {_named(paper)}" for paper in papers]
    if total > len(papers):
        lines.append("- " + say_many("and one more", "and {n} more", total - len(papers)))
    if shared:
        words = say_many(
            "One paper stays, because other sources have it too.",
            "{n} papers stay, because other sources have them too.",
            shared,
        )
        lines.append(f"-# {words}")
    heading = say_many(
        "Remove the only paper from {source}?", "Remove the {n} papers from {source}?", total, source=name
    )
    return _question(lines, heading, custom_id)


def taken_out(count: int, last: Removed) -> Card:
    """Lay out the result of a removal, with the button that undoes it; `last` is one of the papers."""
    done = say_many("One paper was removed from my library.", "{n} papers were removed from my library.", count)
    until = date((last.removed_at + UNDO).date())
    how = say(
        "No source will add it again, and earlier answers stay as they are. You can undo this until {day}.",
        day=until,
    )
    return Card(
        ui.TextDisplay(f"{done}\n-# {how}"), ui.ActionRow(button(say("Undo"), f"{_LIBRARY}undo:{moment(last)}"))
    )


def moment(removed: Removed) -> str:
    """Format the time of a removal in microseconds, which identifies it: all of its papers have the same."""
    return str((removed.removed_at - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1))


def _question(lines: Sequence[str], heading: str, custom_id: str) -> Card:
    yes: ui.Button[Any] = button(say("Yes, remove"), custom_id, discord.ButtonStyle.danger)
    no: ui.Button[Any] = button(say("No, keep"), f"{_LIBRARY}keep:")
    text = "\n".join([f"### {heading}", *lines])
    return Card(ui.TextDisplay(text), ui.ActionRow(yes, no))


def _named(paper: Paper) -> str:
    byline = origin(paper)
    about = " · ".join(part for part in (escape(shorten(plain(paper.paper_id), ID_CHARACTERS)), byline) if part)
    return f"{title_link(paper, LINK_ROOM)}\n  -# {about}"
