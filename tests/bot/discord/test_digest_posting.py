"""The Poster over discord.py: where digests go, each once, and what Discord's refusals mean."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.digest.digest import Roundup
from bot.digest.posting import GoneError, UnavailableError
from bot.digest.subscribing import subscribe
from tests.bot.discord.test_digest_render import NONCE, digest

if TYPE_CHECKING:
    from local_discord import Channel, LocalDiscord, Person

    from bot.discord.client import FootnoteBot
    from bot.discord.posting import DiscordPoster
    from bot.store import Subscription

POST = "POST /channels/{}/messages"
SILENT = 1 << 12
OTHER = "o" * 22


@pytest.fixture
def poster(bot: FootnoteBot) -> DiscordPoster:
    return bot.poster


def to(channel: Channel, kind: str = "channel") -> Subscription:
    """Return a subscription of this place."""
    return subscribe(
        kind=kind,  # type: ignore[arg-type]
        place_id=channel.recipient.id if channel.recipient else channel.id,
        guild_id=channel.guild.id if channel.guild else None,
        owner_id=1,
        topics=["robots"],
        hour=9,
        zone="UTC",
        now=dt.datetime.now(dt.UTC),
    )


def an_hour_ago() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)


class TestPosting:
    async def test_a_digest_in_a_channel_is_one_message_and_the_same_nonce_posts_nothing_twice(
        self, poster: DiscordPoster, papers: Channel
    ) -> None:
        first = await poster.post(to(papers), digest(3), nonce=NONCE)
        again = await poster.post(to(papers), digest(3), nonce=NONCE)
        (message,) = papers.bot_messages
        assert first == again == [message.id]
        assert message.is_v2
        assert not message.pings

    async def test_what_does_not_fit_goes_into_a_thread_without_a_sound(
        self, poster: DiscordPoster, papers: Channel
    ) -> None:
        posted = await poster.post(to(papers), digest(15), nonce=NONCE)
        assert await poster.post(to(papers), digest(15), nonce=NONCE) == posted
        (first,) = papers.bot_messages
        thread = await papers.wait_for_thread()
        assert thread.id == first.id
        assert [first.id, *(message.id for message in thread.bot_messages)] == posted
        assert len(posted) == 3
        assert not first.flags & SILENT
        assert all(message.flags & SILENT for message in thread.bot_messages)

    async def test_where_there_can_be_no_thread_it_goes_on_in_place(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        papers.deny("create_public_threads")
        await local.taken_in()
        posted = await poster.post(to(papers), digest(8), nonce=NONCE)
        assert posted == [message.id for message in papers.bot_messages]
        assert [bool(message.flags & SILENT) for message in papers.bot_messages] == [False, True]

    async def test_direct_messages_reach_the_person(self, poster: DiscordPoster, ada: Person) -> None:
        posted = await poster.post(to(ada.dm, "dm"), digest(8), nonce=NONCE)
        assert posted == [message.id for message in ada.dm.bot_messages]
        assert len(posted) == 2

    async def test_the_picture_has_its_alt_text_and_is_left_out_where_none_may_be_posted(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        weekly = digest(1, roundup=Roundup(b"PNG", "A map of robots.", ()))
        await poster.post(to(papers), weekly, nonce=NONCE)
        (message,) = papers.bot_messages
        assert [each.data for each in message.attachments] == [b"PNG"]
        assert "A map of robots." in message.text
        papers.deny("attach_files")
        await local.taken_in()
        await poster.post(to(papers), weekly, nonce=OTHER)
        assert not papers.bot_messages[1].attachments

    async def test_an_archived_thread_is_opened_again(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, ada: Person
    ) -> None:
        thread = await ada.opens_thread(papers, "robots")
        await local.taken_in()
        thread.archive()
        await local.taken_in()
        await poster.post(to(thread, "thread"), digest(1), nonce=NONCE)
        assert not thread.archived
        assert len(thread.bot_messages) == 1

    async def test_a_forum_gets_a_post_once_though_the_reply_was_lost(
        self, local: LocalDiscord, poster: DiscordPoster
    ) -> None:
        forum = local.guild("Lab").forum("reading")
        await local.taken_in()
        local.fail_next("POST /channels/{}/threads", status=502, stored=True)
        with pytest.raises(UnavailableError):
            await poster.post(to(forum, "forum"), digest(8), nonce=NONCE)
        posted = await poster.post(to(forum, "forum"), digest(8), nonce=NONCE)
        (post,) = [channel for channel in local.guild("Lab").channels() if channel.parent is forum]
        assert post.name == "New papers"
        assert [message.id for message in post.bot_messages] == posted
        assert posted[0] == post.id
        assert len(posted) == 2
        assert await poster.find(to(forum, "forum"), nonce=NONCE, since=an_hour_ago()) == [post.id]
        assert await poster.find(to(forum, "forum"), nonce=OTHER, since=an_hour_ago()) is None


class TestFinding:
    async def test_a_digest_is_found_by_its_nonce_among_what_others_wrote(
        self, poster: DiscordPoster, papers: Channel, ada: Person
    ) -> None:
        posted = await poster.post(to(papers), digest(1), nonce=OTHER)
        await ada.says(papers, f"footnote:digest:x:{NONCE}:0")
        assert await poster.find(to(papers), nonce=NONCE, since=an_hour_ago()) is None
        assert await poster.find(to(papers), nonce=OTHER, since=an_hour_ago()) == posted

    async def test_an_empty_digest_is_found_too(self, poster: DiscordPoster, ada: Person) -> None:
        posted = await poster.post(to(ada.dm, "dm"), digest(0, note="Nothing new."), nonce=NONCE)
        assert await poster.find(to(ada.dm, "dm"), nonce=NONCE, since=an_hour_ago()) == posted

    async def test_without_the_history_it_cannot_be_known(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        papers.deny("read_message_history")
        await local.taken_in()
        with pytest.raises(GoneError, match="Read Message History"):
            await poster.find(to(papers), nonce=NONCE, since=an_hour_ago())


class TestRefusals:
    @pytest.mark.parametrize(
        ("permission", "name"), [("view_channel", "View Channel"), ("send_messages", "Send Messages")]
    )
    async def test_a_missing_permission_is_named(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, permission: str, name: str
    ) -> None:
        papers.deny(permission)
        await local.taken_in()
        with pytest.raises(GoneError, match=name):
            await poster.post(to(papers), digest(1), nonce=NONCE)

    async def test_a_channel_that_is_gone_is_gone(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        papers.delete()
        await local.taken_in()
        with pytest.raises(GoneError, match="is gone"):
            await poster.post(to(papers), digest(1), nonce=NONCE)

    async def test_a_server_that_sent_the_bot_away_is_gone(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        local.guild("Lab").removes_bot()
        await local.taken_in()
        with pytest.raises(GoneError, match="View Channel"):
            await poster.post(to(papers), digest(1), nonce=NONCE)

    async def test_a_locked_thread_is_gone(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, ada: Person
    ) -> None:
        thread = await ada.opens_thread(papers, "robots")
        await local.taken_in()
        thread.archive(locked=True)
        await local.taken_in()
        with pytest.raises(GoneError):
            await poster.post(to(thread, "thread"), digest(1), nonce=NONCE)

    async def test_closed_direct_messages_are_gone(self, poster: DiscordPoster, ada: Person) -> None:
        ada.accepts_dms = False
        with pytest.raises(GoneError, match="direct messages"):
            await poster.post(to(ada.dm, "dm"), digest(1), nonce=NONCE)
        with pytest.raises(GoneError, match="direct messages"):
            await poster.tell(ada.id, "Hello.", nonce=NONCE)

    async def test_somebody_who_is_gone_is_gone(self, poster: DiscordPoster, ada: Person) -> None:
        with pytest.raises(GoneError):
            await poster.post(replace(to(ada.dm, "dm"), place_id=5), digest(1), nonce=NONCE)

    async def test_automod_pauses_it(self, local: LocalDiscord, poster: DiscordPoster, papers: Channel) -> None:
        local.fail_next(POST, status=400, code=200000)
        with pytest.raises(GoneError, match="AutoMod"):
            await poster.post(to(papers), digest(1), nonce=NONCE)

    @pytest.mark.parametrize(("status", "code"), [(503, 0), (400, 20016)])
    async def test_what_passes_is_tried_again_later(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, status: int, code: int
    ) -> None:
        local.fail_next(POST, status=status, code=code)
        with pytest.raises(UnavailableError):
            await poster.post(to(papers), digest(1), nonce=NONCE)
        await poster.post(to(papers), digest(1), nonce=NONCE)

    async def test_a_cut_connection_is_tried_again_later_and_posts_once(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        local.cut_next(POST, stored=True)
        with pytest.raises(UnavailableError):
            await poster.post(to(papers), digest(1), nonce=NONCE)
        await poster.post(to(papers), digest(1), nonce=NONCE)
        assert len(papers.bot_messages) == 1
