"""`footnote digest preview`: what a subscription would post, in the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.text import Text

from bot.console import print_json, printable, stdout
from bot.digest.editor import day_of
from bot.digest.subscription_editor import subscribe
from bot.factory import make_editor, open_library, open_model, prepare_library
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from rich.console import Console

    from bot.digest import Digest, Entry
    from bot.settings import Settings
    from retrieval.catalogue.records import Fresh

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def preview(
    settings: Settings, topics: Sequence[str], day: date | None, *, most: int, as_json: bool, use_llm: bool
) -> None:
    """Print one day's digest on some topics; by default that of the newest day in the library."""
    wanted = subscribe(
        kind="dm",
        place_id=0,
        guild_id=None,
        owner_id=0,
        topics=topics,
        hour=0,
        zone="UTC",
        now=datetime.now(UTC),
        most=most,
        greeted=True,
    )
    async with open_library(settings) as library:
        await prepare_library(library)
        now = datetime.now(UTC)
        papers = await library.fresh(BEGINNING, now)
        chosen = day or max(map(day_of, papers), default=now.date())
        async with open_model(settings, use_llm=use_llm) as model:
            editor = make_editor(settings, library, _no_taste, model)
            pool = await editor.gather([paper for paper in papers if _is_of(paper, chosen)], BEGINNING, now)
            digest, _ = await editor.compose(wanted, pool, BEGINNING, day=chosen)
    if as_json:
        print_json(digest.to_json())
    else:
        show_digest(digest, stdout())


def show_digest(digest: Digest, console: Console) -> None:
    """Print a digest: each paper with its reason, topic, votes and links, then the note."""
    console.print(Text(printable(digest.title), style="bold"))
    for number, entry in enumerate(digest.entries, start=1):
        console.print()
        console.print(Text.assemble((f"{number:>3}. ", "dim"), (printable(clean(entry.paper.title)), "bold")))
        console.print(Padding(Text(printable(entry.reason)), (0, 0, 0, 5), expand=False))
        console.print(Padding(Text(_about(entry), style="dim"), (0, 0, 0, 5), expand=False))
    if digest.note:
        if digest.entries:
            console.print()
        console.print(Text(printable(digest.note), style="yellow"))


def _about(entry: Entry) -> str:
    votes = [] if entry.upvotes is None else [f"▲ {entry.upvotes}"]
    links = [link for link in (entry.paper.url, entry.code_url) if link]
    return printable(" · ".join([entry.topic, *votes, *links]))


def _is_of(paper: Fresh, day: date) -> bool:
    """Check whether a paper was listed, published or added on a day."""
    details = paper.details
    return day in {details.listed, details.paper.published, paper.added_at.astimezone(UTC).date()}


async def _no_taste(_guild_id: int) -> Mapping[str, float]:
    return {}
