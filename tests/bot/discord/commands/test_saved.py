"""/saved on the local Discord: a person's stars and a server's, as pages and as files."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from bot.discord.papers.references_file import references_card

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from retrieval.library import Library
    from tests.local_discord import Channel, Message, Person

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"


async def saved(person: Person, channel: Channel, **options: str) -> Message:
    used = await person.uses_command(channel, "saved", **options)
    shown = await used.finished()
    assert used.ephemeral
    return shown


@pytest.mark.usefixtures("bot")
class TestSaved:
    async def test_stars_are_listed_the_last_first_and_can_be_taken_back_there(
        self, papers: Channel, ada: Person, bob: Person, bot: FootnoteBot
    ) -> None:
        assert "You have not starred a paper yet" in (await saved(ada, papers)).text
        titles = []
        for query in ("objective mismatch", "EEG dataset"):
            page = await (await ada.uses_command(papers, "search", query=query)).finished()
            star = next(part["custom_id"] for part in page.parts() if "star:" in part.get("custom_id", ""))
            said = await (await ada.clicks(page, star)).finished()
            titles.append(said.text)
        shown = await saved(ada, papers)
        assert "Your ⭐ papers" in shown.text
        assert MISMATCH in shown.text.partition("2.")[2]
        assert "You have not starred" in (await saved(bob, papers)).text
        own = await (await bob.uses_command(papers, "saved", whose="server")).finished()
        assert MISMATCH in own.text
        star = next(part["custom_id"] for part in shown.parts() if "star:" in part.get("custom_id", ""))
        assert "removed your star" in (await (await ada.clicks(shown, star)).finished()).text
        assert len(await bot.services.store.feedback.saved(ada.id)) == 1

    async def test_they_come_as_a_file_in_every_format(self, papers: Channel, ada: Person, bot: FootnoteBot) -> None:
        ids = await bot.services.library.ids()
        for paper_id in ids[:3]:
            await bot.services.store.feedback.star(paper_id, ada.id, None)
        shown = await saved(ada, papers)
        for name, ending, mark in (
            ("BibTeX", ".bib", "@misc{"),
            ("RIS", ".ris", "TY  - "),
            ("CSL-JSON", ".json", '"type": "article"'),
            ("CSV", ".csv", "title:"),
            ("JSON Lines", ".jsonl", '"_id"'),
        ):
            chosen = await ada.chooses(shown, "Get them as a file…", name)
            sent = await chosen.finished()
            (file,) = sent.attachments
            assert chosen.ephemeral
            assert file.filename == f"papers{ending}"
            assert file.data.decode().count(mark) == 3
            assert "3 papers" in sent.text

    async def test_many_come_in_pages_and_what_is_gone_is_counted(
        self, papers: Channel, ada: Person, bot: FootnoteBot
    ) -> None:
        ids = await bot.services.library.ids()
        for paper_id in (*ids[:20], "arxiv:gone"):
            await bot.services.store.feedback.star(paper_id, ada.id, None)
        await bot.services.library.remove(ids[:1])
        shown = await saved(ada, papers)
        assert "Page 1 of 3" in shown.text
        assert "I no longer have 2 of them." in shown.text
        await ada.clicks(shown, "Next ▶")
        await shown.wait_until(lambda now: "Page 2 of 3" in now.text)
        assert "**9.**" in shown.text
        await ada.clicks(shown, "◀ Previous")
        await shown.wait_until(lambda now: "Page 1 of 3" in now.text)
        sent = await (await ada.chooses(shown, "Get them as a file…", "JSON Lines")).finished()
        rows = [json.loads(line) for line in sent.attachments[0].data.decode().splitlines()]
        assert {row["_id"] for row in rows} == set(ids[1:20])

    async def test_a_servers_list_has_what_all_could_see_the_most_starred_first(
        self, papers: Channel, ada: Person, bob: Person, moderator: Person, bot: FootnoteBot
    ) -> None:
        assert papers.guild is not None
        one, two, three = (await bot.services.library.ids())[:3]
        star, guild = bot.services.store.feedback.star, papers.guild.id
        await star(one, ada.id, guild)
        await star(two, ada.id, guild)
        await star(two, bob.id, guild)
        await star(three, bob.id, guild, private=True)
        await star(three, moderator.id, guild + 1)
        assert await bot.services.store.feedback.saved_in(guild) == [two, one]
        text = (await saved(moderator, papers, whose="server")).text
        assert ("**2.**" in text, "**3.**" in text) == (True, False)
        assert "Nobody here" not in text
        used = await ada.uses_command(ada.dm, "saved", whose="server")
        assert "only in a server" in (await used.finished()).text
        assert "**2.**" in (await saved(ada, ada.dm)).text


async def test_a_file_larger_than_discord_takes_is_compressed(seeded: Library) -> None:
    ids = await seeded.ids()
    (whole,) = (await references_card(seeded, ids, "bibtex", 10**9, "x")).files()
    (small,) = (await references_card(seeded, ids, "bibtex", 1000, "x")).files()
    assert (whole.filename, small.filename) == ("papers.bib", "papers.bib.gz")
    assert gzip.decompress(small.fp.read()) == whole.fp.read()
