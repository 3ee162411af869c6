"""Answer questions about the library itself from the catalogue: how many papers, by whom, when, which are new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from babel.dates import format_date
from babel.lists import format_list

from bot.answering.answer import Support
from bot.answering.checks import Checked
from bot.answering.evidence.selection import Chosen, Selection
from bot.answering.reading.kind import Kind
from bot.language import current_language, say, say_many
from retrieval import Evidence, Hit
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.reading.question import Question
    from retrieval import Library, Paper
    from retrieval.text.periods import Period

ABOUT_ONE_PAPER: Final = frozenset({Kind.AUTHORS, Kind.PUBLISHED})
MOST_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact from the catalogue: one sentence of ours that rests on papers' titles, and the papers shown with it.

    Without papers there is no statement, and the sentence is the selection's remark.
    """

    statement: Checked | None
    selection: Selection


class LibraryFacts:
    """Answer from what the library knows about its papers besides their text."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def about_paper(self, question: Question, hit: Hit) -> Fact | None:
        """Say who wrote a paper or when it was published; None if the library does not know."""
        paper = hit.paper
        details = (await self._library.details([paper.paper_id])).get(paper.paper_id)
        title = clean(paper.title)
        sentence = None
        if question.kind is Kind.AUTHORS and details and details.authors:
            names = format_list([clean(name) for name in details.authors], locale=current_language())
            sentence = say("“{title}” is by {names}.", title=title, names=names)
        elif question.kind is Kind.PUBLISHED and paper.published:
            day = format_date(paper.published, "long", locale=current_language())
            sentence = say("“{title}” was published on {day}.", title=title, day=day)
        if sentence is None:
            return None
        return Fact(Checked(sentence, (Support(1, paper.title),)), Selection("answered", 1.0, (hit,)))

    async def count(self, question: Question, selection: Selection) -> Fact | None:
        """Say how many papers are about the subject of the question; all papers if it names none.

        None if the library is empty.
        """
        if question.period and not question.terms_beside_period:
            return await self._count_in(question.period)
        if question.period and selection.outcome == "refused":
            return Fact(None, selection)
        total = (await self._library.counts()).papers
        if selection.outcome != "refused" and selection.chosen and question.terms:
            count = len(selection.chosen)
            more = count == MOST_LISTED
            sentence = (
                say("At least {count} of the {total} papers here seem to be about that.", count=count, total=total)
                if more
                else say_many(
                    "One of the {total} papers here seems to be about that.",
                    "{n} of the {total} papers here seem to be about that.",
                    count,
                    total=total,
                )
            )
            supports = tuple(
                Support(chosen.number, selection.hits[chosen.number - 1].paper.title) for chosen in selection.chosen
            )
            return Fact(Checked(sentence, supports), replace(selection, outcome="answered"))
        newest = await self._library.newest(limit=1) or [paper for paper in [await self._any_paper()] if paper]
        if not newest:
            return None
        sentence = say_many("There is one paper here.", "There are {n} papers here.", total)
        return Fact(Checked(sentence, (Support(1, newest[0].title),)), Selection("answered", 1.0, (hit_of(newest[0]),)))

    async def _count_in(self, period: Period) -> Fact:
        """Say how many papers were published in a period, and how many have no date."""
        found = await self._library.count(since=period.since, until=period.until)
        some = listing(await self._library.newest(limit=MOST_LISTED, since=period.since, until=period.until))
        if found.papers:
            sentence = say_many(
                "One paper here is from that time.", "{n} papers here are from that time.", found.papers
            )
        else:
            sentence = say("No paper here is from that time.")
        if found.undated:
            sentence += " " + say_many("One has no date.", "{n} have no date.", found.undated)
        if not some.chosen:
            return Fact(None, Selection("refused", 0.0, remarks=(sentence,)))
        supports = tuple(Support(choice.number, some.hits[choice.number - 1].paper.title) for choice in some.chosen)
        return Fact(Checked(sentence, supports), some)

    async def _any_paper(self) -> Paper | None:
        titles = await self._library.titles.newest(1)
        return await self._library.get(titles[0][0]) if titles else None

    async def by_author(self, question: Question) -> Selection:
        """List the papers of the author that the question names, newest first."""
        names = await self._library.authors_in(question.asked)
        named = max(names, key=lambda name: (name.in_full, name.papers), default=None)
        if named is None:
            return listing(())
        works = await self._library.by_author(named.text, limit=MOST_LISTED)
        return listing([authored.paper for authored in works.papers])

    async def newest(self, question: Question) -> Selection:
        """List the newest papers, within the days that the question names."""
        period = question.period
        since, until = (period.since, period.until) if period else (None, None)
        return listing(await self._library.newest(limit=MOST_LISTED, since=since, until=until))


def listing(papers: Sequence[Paper]) -> Selection:
    """Select papers to be listed by title."""
    if not papers:
        return Selection("refused", 0.0)
    hits = tuple(hit_of(paper) for paper in papers)
    return Selection("answered", 1.0, hits, tuple(Chosen(number, ()) for number in range(1, len(hits) + 1)))


def hit_of(paper: Paper) -> Hit:
    """Wrap a paper that was looked up, not searched for, as a hit."""
    return Hit(paper, 0.0, (), (), Evidence(0.0, 0.0, 0.0, 0.0, 0.0))
