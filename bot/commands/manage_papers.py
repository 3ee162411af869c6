"""`footnote list`, `show`, `remove` and `restore`: manage the papers of the library."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.console import print_json, printable, progress_bar, show_paper, show_papers, stderr, stdout
from bot.factory import open_library
from bot.invocation import command
from retrieval import BadInputError
from retrieval.catalogue.removal import UNDO, removals
from retrieval.text.text import clean

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from bot.settings import Settings
    from retrieval import Fetched, Library, Removal, Removed
    from retrieval.catalogue.merge import Known

SHOWN = 20  # papers listed before a removal
_DAY = len("2026-11-27")
_TIMES = 5  # removal times listed in an error


async def list_papers(
    settings: Settings, *, limit: int, since: dt.date | None, source: str | None, removed: bool, as_json: bool
) -> None:
    """Print the papers of the library, newest first, or the removed ones, latest removal first."""
    async with open_library(settings) as library:
        if removed:
            _show_removed(await library.removed(), limit, as_json=as_json)
            return
        if source is not None:
            await check_source(library, source)
        ids = await library.ids(since=since, source=source)
        details = await library.details(ids[:limit])
        await say_undated(library, since, source)
    papers = [details[paper_id] for paper_id in ids[:limit]]
    if as_json:
        print_json([paper_row(paper) for paper in papers])
        return
    show_papers([paper.paper for paper in papers], stdout())
    if len(ids) > limit:
        stderr().print(f"{len(ids) - limit:,} more; --limit shows them.")


async def show(settings: Settings, name: str, *, as_json: bool) -> None:
    """Print everything known about a paper."""
    async with open_library(settings) as library:
        known = await known_paper(library, name)
    if as_json:
        print_json(
            paper_row(known.details)
            | {
                "sources": sorted(known.sources),
                "abstract": known.details.paper.abstract,
                "raw_title": known.details.raw_title,
                "raw_abstract": known.details.raw_abstract,
            }
        )
    else:
        show_paper(known, stdout())


async def remove(settings: Settings, names: Sequence[str], source: str | None, *, really: bool) -> None:
    """Show which papers a removal would take, and with `really` remove them."""
    if bool(names) == (source is not None):
        raise BadInputError("Say which papers to remove: their ids, or all of a source with --source.")
    async with open_library(settings) as library:
        if source is not None:
            await check_source(library, source)
            ids = await library.only_from(source)
            shared = len(await library.ids(source=source)) - len(ids)
        else:
            ids, shared = await _ids(library, names), 0
        if not really:
            await _tell(library, ids)
        else:
            with progress_bar("Removing"):
                ids = await library.remove(ids)
    if shared:
        stderr().print(f"{papers_in_words(shared)} of {source} stay, because other sources had them too.")
    if really:
        stdout().print(
            f"Removed {papers_in_words(len(ids))}. No source adds them again; for {UNDO.days} days "
            f"`{command('restore')}` puts them back: with --last now, or later with --at and a time from "
            "`list --removed`."
        )
    else:
        stdout().print(f"This would remove {papers_in_words(len(ids))}; nothing is removed yet. Add --yes to do it.")


async def restore(settings: Settings, names: Sequence[str], *, last: bool, when: str | None) -> None:
    """Restore removed papers: the named ones, those of the last removal, or those of the removals at a time."""
    if [bool(names), last, when is not None].count(True) != 1:
        raise BadInputError(
            "Say which papers to put back: their ids, --last for those that were removed last, or --at with the time "
            f"of a removal; `{command('list --removed')}` shows them."
        )
    async with open_library(settings) as library:
        removed = await library.removed()
        if not removed:
            raise BadInputError("Nothing was removed, so there is nothing to put back.")
        if names:
            ids = [await _removed_id(library, removed, name) for name in names]
        else:
            asked = removals(removed)[:1] if last else _removals_at(removals(removed), when or "")
            ids = [paper.paper_id for removal in asked for paper in removal.papers]
        with progress_bar("Indexing"):
            restored = await library.restore(ids)
    if restored.back:
        stdout().print(f"Put back {papers_in_words(len(restored.back))}.")
    if restored.free:
        stdout().print(
            f"{papers_in_words(len(restored.free))} were removed more than {UNDO.days} days ago and are erased; "
            "from now on their sources may add them again."
        )


async def check_source(library: Library, source: str) -> None:
    """Raise BadInputError that lists the sources if no paper is from this one."""
    known = (await library.counts()).by_source
    if source not in known:
        there = ", ".join(f"{name} ({count:,})" for name, count in known.items()) or "none yet"
        raise BadInputError(f'No paper is from "{printable(source)}"; the sources here are: {there}.')


async def say_undated(library: Library, since: dt.date | None, source: str | None) -> None:
    """Report how many papers `since` leaves out because they have no date."""
    undated = (await library.count(since=since, source=source)).undated if since else 0
    if undated:
        which = "One paper has no date and is" if undated == 1 else f"{undated:,} papers have no date and are"
        stderr().print(f"{which} left out by --since.", soft_wrap=True)


def paper_row(details: Fetched) -> dict[str, object]:
    """Convert a paper to its JSON row, without the abstract."""
    paper = details.paper
    return {
        "paper_id": paper.paper_id,
        "title": paper.title,
        "authors": list(details.authors),
        "published": paper.published.isoformat() if paper.published else None,
        "venue": details.venue,
        "url": paper.url,
        "source": paper.source,
        "ids": list(details.external_ids),
        "keywords": list(details.keywords),
        "withdrawn": details.withdrawn,
    }


def papers_in_words(count: int) -> str:
    """Format a number of papers for a sentence."""
    return "1 paper" if count == 1 else f"{count:,} papers"


async def known_paper(library: Library, name: str) -> Known:
    """Look up a paper by any name; raises BadInputError if there is none."""
    paper_id = await library.id_of(name)
    known = await library.known(paper_id) if paper_id else None
    if known is None and paper_id:
        raise BadInputError(f"{printable(name)} was removed; `{command(f'restore {paper_id}')}` puts it back.")
    if known is None:
        raise BadInputError(f'No paper goes by "{printable(name)}"; `{command("list")}` and `search --json` show ids.')
    return known


async def _ids(library: Library, names: Iterable[str]) -> list[str]:
    known = [await known_paper(library, name) for name in names]
    return list(dict.fromkeys(record.details.paper.paper_id for record in known))


async def _removed_id(library: Library, removed: Sequence[Removed], name: str) -> str:
    paper_id = await library.id_of(name)
    if not any(paper.paper_id == paper_id for paper in removed):
        raise BadInputError(f"{printable(name)} is not a removed paper; `{command('list --removed')}` shows those.")
    assert paper_id is not None
    return paper_id


def _removals_at(known: Sequence[Removal], when: str) -> list[Removal]:
    """Find the removals at a time, which may be given to the minute or the day."""
    asked = " ".join(when.replace("T", " ").split())
    found = [removal for removal in known if _time(removal.removed_at).startswith(asked)] if len(asked) >= _DAY else []
    if not found:
        times = ", ".join(_time(removal.removed_at) for removal in known[:_TIMES])
        more = f" and {len(known) - _TIMES} more" if len(known) > _TIMES else ""
        raise BadInputError(f'No removal was at "{printable(when)}" (UTC); there were {times}{more}.')
    return found


def _time(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


async def _tell(library: Library, ids: Sequence[str]) -> None:
    """Print the first papers that a removal would take."""
    details = await library.details(ids[:SHOWN])
    show_papers([details[paper_id].paper for paper_id in ids[:SHOWN]], stdout())
    if len(ids) > SHOWN:
        stdout().print(f"… and {len(ids) - SHOWN:,} more.")


def _show_removed(removed: Sequence[Removed], limit: int, *, as_json: bool) -> None:
    if as_json:
        rows = removed[:limit]
        print_json([asdict(row) | {"removed_at": row.removed_at.isoformat(timespec="seconds")} for row in rows])
        return
    console = stdout()
    if not removed:
        console.print("No paper was removed.")
    for removal in removals(removed[:limit]):
        until = "erased since" if removal.erased else f"can be put back until {(removal.removed_at + UNDO).date()}"
        console.print(f"Removed at {_time(removal.removed_at)} UTC, {until}:", soft_wrap=True)
        for paper in removal.papers:
            console.print(f"  {paper.paper_id}  {printable(clean(paper.title))}", soft_wrap=True)
    if len(removed) > limit:
        stderr().print(f"{len(removed) - limit:,} more; --limit shows them.")
