"""The Poster over discord.py: where digests go, that each is posted once, and what Discord's refusals mean."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from bot.digest.digest import Roundup
from bot.digest.poster import GoneError, UnavailableError
from bot.digest.subscription_editor import subscribe
from bot.discord.connection.calls import PAUSES
from bot.store import Posted
from tests.bot.discord.test_digest_render import NONCE, digest

if TYPE_CHECKING:
    from bot.digest.digest import Digest
    from bot.discord.digests.discord_poster import DiscordPoster
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import PlaceKind, Subscription
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Message, Person

POST = "POST /channels/{}/messages"
SILENT = 1 << 12
OTHER = "o" * 22


@pytest.fixture
def poster(bot: FootnoteBot) -> DiscordPoster:
    return bot.poster


def to(channel: Channel, kind: PlaceKind = "channel") -> Subscription:
    """Make a subscription that posts to this channel."""
    return subscribe(
        kind=kind,
        place_id=channel.recipient.id if channel.recipient else channel.id,
        guild_id=channel.guild.id if channel.guild else None,
        owner_id=1,
        topics=["robots"],
        hour=9,
        zone="UTC",
        now=dt.datetime.now(dt.UTC),
    )


@dataclass
class Book:
    """Remember how much of a digest has been posted, as the store does."""

    stands: Posted = field(default_factory=Posted)

    async def post(self, poster: DiscordPoster, to: Subscription, digest: Digest, nonce: str = NONCE) -> list[int]:
        async for posted in poster.post(to, digest, nonce=nonce, posted=self.stands):
            self.stands = posted
        return list(self.stands.message_ids)

    async def find(self, poster: DiscordPoster, to: Subscription, nonce: str = NONCE) -> list[int]:
        an_hour_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        self.stands = await poster.find(to, nonce=nonce, since=an_hour_ago, posted=self.stands)
        return list(self.stands.message_ids)


async def post(poster: DiscordPoster, to: Subscription, digest: Digest, nonce: str) -> list[int]:
    return await Book().post(poster, to, digest, nonce)


async def find(poster: DiscordPoster, to: Subscription, nonce: str) -> list[int]:
    return await Book().find(poster, to, nonce)


def papers_shown(*messages: Message) -> list[int]:
    """List the numbers in front of the papers in these messages."""
    return [int(number) for message in messages for number in re.findall(r"\*\*(\d+)\.\*\*", message.text)]


class TestPosting:
    async def test_a_digest_in_a_channel_is_one_message_and_the_same_nonce_posts_nothing_twice(
        self, poster: DiscordPoster, papers: Channel
    ) -> None:
        first = await post(poster, to(papers), digest(3), NONCE)
        again = await post(poster, to(papers), digest(3), NONCE)
        (message,) = papers.bot_messages
        assert first == again == [message.id]
        assert message.is_v2
        assert not message.pings

    async def test_what_does_not_fit_goes_into_a_thread_without_a_sound(
        self, poster: DiscordPoster, papers: Channel
    ) -> None:
        posted = await post(poster, to(papers), digest(15), NONCE)
        assert await post(poster, to(papers), digest(15), NONCE) == posted
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
        posted = await post(poster, to(papers), digest(8), NONCE)
        assert posted == [message.id for message in papers.bot_messages]
        assert [bool(message.flags & SILENT) for message in papers.bot_messages] == [False, True]

    async def test_direct_messages_reach_the_person(self, poster: DiscordPoster, ada: Person) -> None:
        posted = await post(poster, to(ada.dm, "dm"), digest(8), NONCE)
        assert posted == [message.id for message in ada.dm.bot_messages]
        assert len(posted) == 2

    async def test_the_picture_has_its_alt_text_and_is_left_out_where_none_may_be_posted(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        weekly = digest(1, roundup=Roundup(b"PNG", "A map of robots.", ()))
        await post(poster, to(papers), weekly, NONCE)
        (message,) = papers.bot_messages
        assert [each.data for each in message.attachments] == [b"PNG"]
        assert "A map of robots." in message.text
        papers.deny("attach_files")
        await local.taken_in()
        await post(poster, to(papers), weekly, OTHER)
        assert not papers.bot_messages[1].attachments

    async def test_an_archived_thread_is_opened_again(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, ada: Person
    ) -> None:
        thread = await ada.opens_thread(papers, "robots")
        await local.taken_in()
        thread.archive()
        await local.taken_in()
        await post(poster, to(thread, "thread"), digest(1), NONCE)
        assert not thread.archived
        assert len(thread.bot_messages) == 1

    async def test_a_forum_gets_a_post_once_though_the_reply_was_lost(
        self, local: LocalDiscord, poster: DiscordPoster
    ) -> None:
        forum = local.guild("Lab").forum("reading")
        await local.taken_in()
        local.fail_next("POST /channels/{}/threads", status=502, stored=True)
        with pytest.raises(UnavailableError):
            await post(poster, to(forum, "forum"), digest(8), NONCE)
        posted = await post(poster, to(forum, "forum"), digest(8), NONCE)
        (thread,) = [channel for channel in local.guild("Lab").channels() if channel.parent is forum]
        assert thread.name == "New papers"
        assert [message.id for message in thread.bot_messages] == posted
        assert posted[0] == thread.id
        assert len(posted) == 2
        assert await find(poster, to(forum, "forum"), NONCE) == [thread.id]
        assert await find(poster, to(forum, "forum"), OTHER) == []


ATTEMPTS = len(PAUSES) + 1
REFUSALS = [(503, 0), (403, 50013), (403, 0), (400, 50035), (400, 160006)]


class TestParts:
    """A digest of twelve papers takes two messages."""

    @pytest.mark.parametrize(("status", "code"), REFUSALS)
    async def test_a_refused_second_message_is_posted_later_and_the_first_is_not_repeated(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, status: int, code: int
    ) -> None:
        book = Book()
        local.spare_next(POST)
        # A message that is refused for good in the thread is tried in the channel at once.
        local.fail_next(POST, status=status, code=code, times=ATTEMPTS if status == 503 else 2)
        with pytest.raises((GoneError, UnavailableError)):
            await book.post(poster, to(papers), digest(12))
        assert len(book.stands.message_ids) == 1
        await book.post(poster, to(papers), digest(12))
        thread = await papers.wait_for_thread()
        assert papers_shown(*papers.bot_messages, *thread.bot_messages) == list(range(1, 13))

    async def test_where_no_thread_can_be_opened_the_rest_comes_after_the_first(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        local.fail_next("POST /channels/{}/messages/{}/threads", status=400, code=160006)
        await post(poster, to(papers), digest(12), NONCE)
        assert papers_shown(*papers.bot_messages) == list(range(1, 13))

    @pytest.mark.parametrize("stored", [False, True])
    async def test_a_thread_that_is_not_opened_at_once_is_later(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, stored: bool
    ) -> None:
        book = Book()
        local.cut_next("POST /channels/{}/messages/{}/threads", times=ATTEMPTS, stored=stored)
        with pytest.raises(UnavailableError):
            await book.post(poster, to(papers), digest(12))
        await book.post(poster, to(papers), digest(12))
        (first,), (second,) = papers.bot_messages, (await papers.wait_for_thread()).bot_messages
        assert papers_shown(first, second) == list(range(1, 13))

    async def test_the_rest_goes_after_the_first_where_its_thread_was_taken_away(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        book = Book()
        local.spare_next(POST)
        local.fail_next(POST, status=503, times=ATTEMPTS)
        with pytest.raises(UnavailableError):
            await book.post(poster, to(papers), digest(12))
        (await papers.wait_for_thread()).delete()
        await local.taken_in()
        assert await book.find(poster, to(papers)) == [papers.bot_messages[0].id]
        await book.post(poster, to(papers), digest(12))
        assert papers_shown(*papers.bot_messages) == list(range(1, 13))

    async def test_a_part_whose_reply_was_lost_is_found_where_it_stands(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        book = Book()
        local.spare_next(POST)
        local.cut_next(POST, times=ATTEMPTS, stored=True)
        with pytest.raises(UnavailableError):
            await book.post(poster, to(papers), digest(15))
        assert len(await book.find(poster, to(papers))) == 2
        await book.post(poster, to(papers), digest(15))
        (first,), rest = papers.bot_messages, (await papers.wait_for_thread()).bot_messages
        assert papers_shown(first, *rest) == list(range(1, 16))

    async def test_the_rest_of_a_post_in_a_forum_comes_later_and_not_where_people_deleted_it(
        self, local: LocalDiscord, poster: DiscordPoster
    ) -> None:
        forum = local.guild("Lab").forum("reading")
        await local.taken_in()
        for deleted in (False, True):
            book, nonce = Book(), OTHER if deleted else NONCE
            local.fail_next(POST, status=503, times=ATTEMPTS)
            with pytest.raises(UnavailableError):
                await book.post(poster, to(forum, "forum"), digest(12), nonce)
            thread = local.world.channels[book.stands.message_ids[0]]
            if deleted:
                thread.delete()
                await local.taken_in()
            await book.post(poster, to(forum, "forum"), digest(12), nonce)
            shown = papers_shown(*thread.bot_messages)
            assert len(shown) == (6 if deleted else 12)
            assert sum(book.stands.papers) == len(shown)


class TestFinding:
    async def test_a_digest_is_found_by_its_nonce_among_what_others_wrote(
        self, poster: DiscordPoster, papers: Channel, ada: Person
    ) -> None:
        posted = await post(poster, to(papers), digest(1), OTHER)
        await ada.says(papers, f"footnote:digest:x:{NONCE}:0")
        assert await find(poster, to(papers), NONCE) == []
        assert await find(poster, to(papers), OTHER) == posted

    async def test_an_empty_digest_is_found_too(self, poster: DiscordPoster, ada: Person) -> None:
        posted = await post(poster, to(ada.dm, "dm"), digest(0, note="Nothing new."), NONCE)
        assert await find(poster, to(ada.dm, "dm"), NONCE) == posted

    async def test_without_the_history_it_cannot_be_known(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        papers.deny("read_message_history")
        await local.taken_in()
        with pytest.raises(GoneError, match="Read Message History"):
            await find(poster, to(papers), NONCE)


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
            await post(poster, to(papers), digest(1), NONCE)

    async def test_a_channel_that_is_gone_is_gone(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        papers.delete()
        await local.taken_in()
        with pytest.raises(GoneError, match="is gone"):
            await post(poster, to(papers), digest(1), NONCE)

    async def test_a_server_that_sent_the_bot_away_is_gone(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        local.guild("Lab").removes_bot()
        await local.taken_in()
        with pytest.raises(GoneError, match="View Channel"):
            await post(poster, to(papers), digest(1), NONCE)

    async def test_a_locked_thread_is_gone(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, ada: Person
    ) -> None:
        thread = await ada.opens_thread(papers, "robots")
        await local.taken_in()
        thread.archive(locked=True)
        await local.taken_in()
        with pytest.raises(GoneError):
            await post(poster, to(thread, "thread"), digest(1), NONCE)

    async def test_closed_direct_messages_are_gone(self, poster: DiscordPoster, ada: Person) -> None:
        ada.accepts_dms = False
        with pytest.raises(GoneError, match="direct messages"):
            await post(poster, to(ada.dm, "dm"), digest(1), NONCE)
        with pytest.raises(GoneError, match="direct messages"):
            await poster.tell(ada.id, "Hello.", nonce=NONCE)

    async def test_somebody_who_is_gone_is_gone(self, poster: DiscordPoster, ada: Person) -> None:
        with pytest.raises(GoneError):
            await post(poster, replace(to(ada.dm, "dm"), place_id=5), digest(1), NONCE)

    async def test_automod_pauses_it(self, local: LocalDiscord, poster: DiscordPoster, papers: Channel) -> None:
        local.fail_next(POST, status=400, code=200000)
        with pytest.raises(GoneError, match="AutoMod"):
            await post(poster, to(papers), digest(1), NONCE)

    @pytest.mark.parametrize("code", [50006, 50024, 50035, 50159, 240000, 160006])
    @pytest.mark.parametrize("status", [400, 403])
    async def test_what_is_refused_for_good_is_said_in_discord_s_own_words(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, status: int, code: int
    ) -> None:
        local.fail_next(POST, status=status, code=code, message="Because\nof that.")
        with pytest.raises(GoneError, match=rf"“Because of that.” \(error {code}\)") as refused:
            await post(poster, to(papers), digest(1), NONCE)
        assert f"<#{papers.id}>" in str(refused.value)

    async def test_direct_messages_refused_for_another_reason_are_not_said_to_be_closed(
        self, local: LocalDiscord, poster: DiscordPoster, ada: Person
    ) -> None:
        local.fail_next(POST, status=400, code=50035, message="Invalid Form Body")
        with pytest.raises(GoneError, match=r"Invalid Form Body.*50035"):
            await post(poster, to(ada.dm, "dm"), digest(1), NONCE)

    async def test_a_forum_whose_tags_are_for_moderators_says_so(
        self, local: LocalDiscord, poster: DiscordPoster
    ) -> None:
        forum = local.guild("Lab").forum("reading")
        forum.tags, forum.requires_tag = [("papers", True)], True
        forum.changed()
        await local.taken_in()
        with pytest.raises(GoneError, match="make one for everybody"):
            await post(poster, to(forum, "forum"), digest(1), NONCE)

    async def test_a_server_that_discord_has_switched_off_is_waited_for(
        self, local: LocalDiscord, papers: Channel, online: Online
    ) -> None:
        guild = local.guild("Lab")
        guild.unavailable = True
        async with online() as bot:
            with pytest.raises(UnavailableError, match="server switched off"):
                await post(bot.poster, to(papers), digest(1), NONCE)
            guild.comes_back()
            await local.taken_in()
            await post(bot.poster, to(papers), digest(1), NONCE)
        assert len(papers.bot_messages) == 1

    @pytest.mark.parametrize(("status", "code"), [(503, 0), (400, 20016), (401, 0)])
    async def test_what_passes_is_tried_again_later(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel, status: int, code: int
    ) -> None:
        local.fail_next(POST, status=status, code=code, times=ATTEMPTS if status == 503 else 1)
        with pytest.raises(UnavailableError):
            await post(poster, to(papers), digest(1), NONCE)
        await post(poster, to(papers), digest(1), NONCE)

    async def test_a_cut_connection_is_tried_again_later_and_posts_once(
        self, local: LocalDiscord, poster: DiscordPoster, papers: Channel
    ) -> None:
        local.cut_next(POST, times=ATTEMPTS, stored=True)
        with pytest.raises(UnavailableError):
            await post(poster, to(papers), digest(1), NONCE)
        await post(poster, to(papers), digest(1), NONCE)
        assert len(papers.bot_messages) == 1
