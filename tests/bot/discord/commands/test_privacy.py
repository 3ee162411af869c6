"""/privacy on the local Discord: what is stored about somebody, sent as a file, and deleted."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from bot.discord.settings.privacy import packed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.local_discord import Channel, Person

QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"


@pytest.mark.usefixtures("bot")
class TestPrivacy:
    async def test_it_says_what_is_kept_to_who_asked_alone(self, papers: Channel, ada: Person) -> None:
        used = await ada.uses_command(papers, "privacy")
        text = (await used.finished()).text
        assert "What I keep about you" in text
        assert "90 days" in text
        assert used.ephemeral

    async def test_the_export_is_a_json_file_with_what_the_person_asked_and_nobody_else(
        self, papers: Channel, ada: Person, moderator: Person
    ) -> None:
        for person, question in ((ada, QUESTION), (moderator, "What is WebArena?")):
            used = await person.uses_command(papers, "ask", question=question)
            await used.finished(lambda message: "Follow up" in message.text)
        shown = await (await ada.uses_command(papers, "privacy")).finished()
        sent = await (await ada.clicks(shown, "Export my data")).followup()
        (file,) = sent.attachments
        assert file.filename == "footnote-data.json"
        kept = json.loads(file.data)
        assert kept["user_id"] == str(ada.id)
        assert QUESTION in file.data.decode()
        assert "What is WebArena?" not in file.data.decode()
        assert sent.ephemeral

    async def test_deleting_asks_first_and_then_leaves_nothing(
        self, papers: Channel, ada: Person, store: Store
    ) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION)
        await used.finished(lambda message: "Follow up" in message.text)
        shown = await (await ada.uses_command(papers, "privacy")).finished()
        await ada.clicks(shown, "Delete my data…")
        await shown.wait_until(lambda now: "for good?" in now.text)
        await ada.clicks(shown, "No, keep it")
        await shown.wait_until(lambda now: "What I keep about you" in now.text)
        assert QUESTION in json.dumps(await store.export(ada.id))
        await ada.clicks(shown, "Delete my data…")
        await shown.wait_until(lambda now: "for good?" in now.text)
        await ada.clicks(shown, "Yes, delete everything")
        await shown.wait_until(lambda now: "Deleted: one entry." in now.text)
        assert QUESTION not in json.dumps(await store.export(ada.id))

    async def test_who_is_not_known_is_told_so(self, ada: Person) -> None:
        shown = await (await ada.uses_command(ada.dm, "privacy")).finished()
        await ada.clicks(shown, "Delete my data…")
        await shown.wait_until(lambda now: "for good?" in now.text)
        await ada.clicks(shown, "Yes, delete everything")
        await shown.wait_until(lambda now: "There was nothing about you to delete." in now.text)


def test_more_than_discord_takes_is_compressed() -> None:
    kept: dict[str, object] = {"answers": ["the same words again"] * 1000}
    assert packed(kept, 10**6)[0] == "footnote-data.json"
    name, data = packed(kept, 10_000)
    assert name == "footnote-data.json.gz"
    assert len(data) < 10_000
    assert json.loads(gzip.decompress(data)) == kept


async def test_the_buttons_work_after_a_restart(
    papers: Channel, ada: Person, online: Callable[[], AbstractAsyncContextManager[FootnoteBot]]
) -> None:
    async with online():
        shown = await (await ada.uses_command(papers, "privacy")).finished()
    async with online():
        sent = await (await ada.clicks(shown, "Export my data")).followup()
        assert sent.attachments
