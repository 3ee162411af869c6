"""/digest with the real client on the local Discord: subscriptions, times, posts, buttons and restarts."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bot.digest.subscription_editor import MOST_PER_CHANNEL, subscribe
from bot.discord.connection.calls import PAUSES
from bot.discord.digests import digest_buttons
from bot.store import ServerSettings
from retrieval.library import Library
from retrieval.papers import Paper
from tests.bot.discord.prepared import done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import PlaceKind, Store, Subscription
    from retrieval.embedding.local import LocalEmbedder
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Message, Person

TOPIC = "walking robots"
POST = "POST /channels/{}/messages"
ABSTRACTS = {
    "Legged Robots Walk Over Rubble": """
        Walking robots stumble on rough ground. We propose a controller that lets legged robots walk over rubble.
        It halves the number of falls of a walking robot.""",
    "Learning to Walk Uphill with Four Legs": """
        We present a learning method by which four-legged walking robots climb hills.
        Robots that walk with it need less energy than those with tuned gaits.""",
    "Bipedal Walking Robots in Sand": """
        Sand is hard for walking robots. We show that bipedal robots walk in sand when they feel their feet sink.
        A walking robot with our sensor does not fall.""",
}
PAPERS = [(title, " ".join(abstract.split())) for title, abstract in ABSTRACTS.items()]


@dataclass
class Time:
    """The clock of the bot's digests; the local Discord's clock moves with it."""

    local: LocalDiscord
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def __call__(self) -> dt.datetime:
        return self.now

    def go_to(self, moment: dt.datetime) -> None:
        self.local.clock.advance(moment - self.now)
        self.now = moment


@pytest.fixture
def time(local: LocalDiscord) -> Time:
    return Time(local)


@pytest.fixture
async def seeded(tmp_path: Path, seeded_dir: Path, embedder: LocalEmbedder, time: Time) -> AsyncIterator[Library]:
    """A library of seeds/ that uses the same clock."""
    await asyncio.to_thread(shutil.copytree, seeded_dir, tmp_path / "data", symlinks=True)
    library = await Library.open(tmp_path / "data", embedder, now=time)
    yield library
    await library.close()


@pytest.fixture
def edda(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Edda", "manage_channels")


@pytest.fixture
def now(time: Time) -> Time:
    return time


async def add(library: Library, *numbers: int) -> None:
    """Add some of PAPERS, dated today."""
    today = dt.datetime.now(dt.UTC).date()
    await library.add(
        [
            Paper(f"arxiv:2603.{number:05}", *PAPERS[number], "arxiv", f"https://arxiv.org/abs/2603.{number:05}", today)
            for number in numbers
        ]
    )


async def only(store: Store, place_id: int) -> Subscription:
    (kept,) = await store.subscriptions.of_place(place_id)
    return kept


def star_of(message: Message) -> str:
    return next(str(part["custom_id"]) for part in message.parts() if "star" in part.get("custom_id", ""))


class TestTheWholeWay:
    async def test_a_digest_is_subscribed_to_posted_used_and_goes_on_after_a_restart_with_new_papers_only(
        self,
        papers: Channel,
        moderator: Person,
        ada: Person,
        online: Online,
        seeded: Library,
        store: Store,
        time: Time,
    ) -> None:
        await add(seeded, 0, 1)
        async with online() as bot:
            (zone, *_) = await moderator.autocompletes(papers, "digest subscribe", topics=TOPIC, zone="berl")
            assert zone["value"] == "Europe/Berlin"
            used = await moderator.uses_command(
                papers, "digest subscribe", topics=TOPIC, hour=9, zone=zone["value"], papers=3
            )
            said = await used.finished()
            assert said.ephemeral
            assert "Subscribed" in said.text
            assert "Every day at 09:00 (Europe/Berlin)" in said.text
            kept = await only(store, papers.id)
            assert (kept.kind, kept.topics, kept.hour, kept.most) == ("channel", (TOPIC,), 9, 3)
            assert await bot.deliverer.tick() == 0

            time.go_to(kept.next_due_at + dt.timedelta(minutes=1))
            assert await bot.deliverer.tick() == 1
            digest = await papers.wait_for_bot_message()
            assert "New papers on “walking robots”" in digest.text
            assert PAPERS[0][0] in digest.text
            assert PAPERS[1][0] in digest.text
            assert "https://arxiv.org/abs/2603.00000" in digest.links
            assert "/digest edit" in digest.text
            assert not digest.pings
            assert await bot.deliverer.tick() == 0

        await add(seeded, 2)
        async with online() as bot:
            assert "You starred" in (await (await ada.clicks(digest, star_of(digest))).finished()).text
            assert "Papers like" in (await (await ada.clicks(digest, "Similar")).finished()).text
            about = await (await ada.clicks(digest, "About this digest")).finished()
            assert about.ephemeral
            assert "Every day at 09:00" in about.text

            asked = await ada.clicks(digest, "Ask about it")
            modal = (await asked.response()).modal
            assert modal is not None
            assert "What is new in “" in str(modal)
            answer = await (await ada.submits(asked, {})).finished(done)
            assert "walking robots climb hills" in answer.text or "walk over rubble" in answer.text

            time.go_to((await only(store, papers.id)).next_due_at)
            assert await bot.deliverer.tick() == 1
            second = await papers.wait_for_bot_message(lambda message: "New papers on" in message.text)
            assert PAPERS[2][0] in second.text
            assert PAPERS[0][0] not in second.text
            assert "/digest edit" not in second.text
        assert len([message for message in papers.bot_messages if "New papers on" in message.text]) == 2

    @pytest.mark.usefixtures("bot")
    async def test_a_question_about_a_paper_that_one_person_alone_sees_is_answered_to_them_alone(
        self, papers: Channel, ada: Person, seeded: Library, time: Time
    ) -> None:
        await add(seeded, 0)
        time.go_to(time.now + dt.timedelta(hours=1))
        used = await ada.uses_command(papers, "digest preview", topics=TOPIC)
        preview = await used.finished(lambda message: PAPERS[0][0] in message.text)
        asked = await ada.clicks(preview, "Ask about it")
        assert (await (await ada.submits(asked, {})).finished(done)).ephemeral
        assert not papers.bot_messages

    @pytest.mark.usefixtures("bot")
    async def test_the_form_about_a_paper_opens_in_time_also_where_the_paper_is_not_found_in_time(
        self, ada: Person, papers: Channel, seeded: Library, time: Time, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await add(seeded, 0)
        time.go_to(time.now + dt.timedelta(hours=1))
        used = await ada.uses_command(papers, "digest preview", topics=TOPIC)
        preview = await used.finished(lambda message: PAPERS[0][0] in message.text)
        never = asyncio.Event()

        async def get(_: str) -> None:
            await never.wait()

        monkeypatch.setattr(seeded, "get", get)
        monkeypatch.setattr(digest_buttons, "LONGEST_LOOK_UP", dt.timedelta(seconds=0.05))
        click = await (await ada.clicks(preview, "Ask about it")).response()
        assert click.modal
        await (await ada.submits(click, {"Your question": "how far do they walk?"})).finished(done)

    async def test_a_deleted_channel_pauses_its_digest_and_tells_who_made_it(
        self, local: LocalDiscord, moderator: Person, bot: FootnoteBot, store: Store, time: Time
    ) -> None:
        doomed = local.guild("Lab").channel("doomed")
        await local.taken_in()
        await (await moderator.uses_command(doomed, "digest subscribe", topics=TOPIC)).finished()
        kept = await only(store, doomed.id)
        doomed.delete()
        await local.taken_in()
        time.go_to(kept.next_due_at)
        assert await bot.deliverer.tick() == 0
        told = await moderator.dm.wait_for_bot_message()
        assert "I paused your digest on" in told.text
        assert "is gone" in told.text
        assert (await only(store, doomed.id)).paused
        await bot.deliverer.tick()
        assert len(moderator.dm.bot_messages) == 1

    async def test_a_lost_reply_and_a_crash_after_it_leave_one_post(
        self, local: LocalDiscord, papers: Channel, moderator: Person, online: Online, store: Store, time: Time
    ) -> None:
        async with online() as bot:
            await (await moderator.uses_command(papers, "digest subscribe", topics=TOPIC)).finished()
            kept = await only(store, papers.id)
            time.go_to(kept.next_due_at)
            local.cut_next("POST /channels/{}/messages", times=len(PAUSES) + 1, stored=True)
            assert await bot.deliverer.tick() == 0
        async with online() as bot:
            # Long after Discord has forgotten the nonce.
            time.go_to(time.now + dt.timedelta(hours=1))
            assert await bot.deliverer.tick() == 1
        assert len(papers.bot_messages) == 1
        assert await store.deliveries.messages(kept.subscription_id, kept.next_due_at) == [papers.bot_messages[0].id]

    async def test_what_is_found_after_the_next_hour_does_not_skip_that_hour_s_digest(
        self, local: LocalDiscord, papers: Channel, moderator: Person, online: Online, store: Store, time: Time
    ) -> None:
        one = made(papers, moderator)
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        async with online() as bot:
            local.cut_next(POST, times=len(PAUSES) + 1, stored=True)
            assert await bot.deliverer.tick() == 0
        async with online() as bot:
            time.go_to(one.next_due_at + dt.timedelta(hours=26))
            assert await bot.deliverer.tick() == 2
        assert len(papers.bot_messages) == 2
        assert (await only(store, papers.id)).next_due_at == one.next_due_at + dt.timedelta(days=2)

    @pytest.mark.parametrize("pause", [dt.timedelta(minutes=1), dt.timedelta(hours=1)])
    @pytest.mark.parametrize("stored", [False, True])
    async def test_a_digest_of_twelve_whose_second_message_is_cut_is_whole_after_a_restart(
        self,
        local: LocalDiscord,
        papers: Channel,
        moderator: Person,
        online: Online,
        seeded: Library,
        store: Store,
        time: Time,
        pause: dt.timedelta,
        stored: bool,
    ) -> None:
        today = dt.datetime.now(dt.UTC).date()
        places = [
            "rubble",
            "sand",
            "snow",
            "stairs",
            "mud",
            "ice",
            "grass",
            "roofs",
            "pipes",
            "boats",
            "trees",
            "dunes",
        ]
        await seeded.add(
            [
                Paper(
                    f"arxiv:2604.{number:05}",
                    f"Walking Robots on {place}",
                    f"We let walking robots walk on {place}.",
                    "arxiv",
                    "https://arxiv.org",
                    today,
                )
                for number, place in enumerate(places)
            ]
        )
        one = made(papers, moderator, most=12)
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        async with online() as bot:
            local.spare_next(POST)
            local.cut_next(POST, times=len(PAUSES) + 1, stored=stored)
            assert await bot.deliverer.tick() == 0
            assert await store.deliveries.messages(one.subscription_id, one.next_due_at) is None
        async with online() as bot:
            time.go_to(time.now + pause)
            assert await bot.deliverer.tick() == 1
        (first,), (second,) = papers.bot_messages, (await papers.wait_for_thread()).bot_messages
        assert all(f"on {place}" in first.text + second.text for place in places)
        recorded = await store.deliveries.messages(one.subscription_id, one.next_due_at)
        assert recorded == [first.id, second.id]


@pytest.mark.usefixtures("bot")
class TestSubscribing:
    async def test_a_digest_in_direct_messages_is_anybodys_and_begins_with_a_hello(
        self, papers: Channel, ada: Person, store: Store
    ) -> None:
        used = await ada.uses_command(papers, "digest subscribe", topics="llamas; knitting | llamas", dm=True)
        assert "direct messages" in (await used.finished()).text
        assert "Here you will get your digest" in (await ada.dm.wait_for_bot_message()).text
        kept = await only(store, ada.id)
        assert (kept.kind, kept.topics, kept.guild_id) == ("dm", ("llamas", "knitting"), None)

    async def test_closed_direct_messages_are_said_before_anything_is_kept(
        self, papers: Channel, ada: Person, store: Store
    ) -> None:
        ada.accepts_dms = False
        used = await ada.uses_command(papers, "digest subscribe", topics=TOPIC, dm=True)
        assert "no direct messages from me" in (await used.finished()).text
        assert not await store.subscriptions.of_place(ada.id)

    async def test_a_channel_takes_manage_channels_or_manage_server(
        self, papers: Channel, ada: Person, moderator: Person, edda: Person, store: Store
    ) -> None:
        used = await ada.uses_command(papers, "digest subscribe", topics=TOPIC)
        assert "Manage Channels or Manage Server" in (await used.finished()).text
        assert not await store.subscriptions.of_place(papers.id)
        for person in (moderator, edda):
            used = await person.uses_command(papers, "digest subscribe", topics=TOPIC)
            assert "Subscribed" in (await used.finished()).text

    async def test_another_channel_is_chosen_and_what_the_bot_lacks_there_is_named(
        self, local: LocalDiscord, papers: Channel, moderator: Person, store: Store
    ) -> None:
        news = local.guild("Lab").channel("news")
        news.deny("send_messages", "read_message_history")
        await local.taken_in()
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC, where=news)
        assert "Send Messages, Read Message History" in (await used.finished()).text
        news.grant("send_messages", "read_message_history")
        news.deny("attach_files")
        await local.taken_in()
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC, where=news, roundup=True)
        assert "Attach Files" in (await used.finished()).text
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC, where=news)
        assert "Subscribed" in (await used.finished()).text
        assert (await only(store, news.id)).kind == "channel"

    async def test_a_thread_is_a_place_too(
        self, local: LocalDiscord, papers: Channel, moderator: Person, store: Store
    ) -> None:
        thread = await moderator.opens_thread(papers, "robots")
        await local.taken_in()
        used = await moderator.uses_command(thread, "digest subscribe", topics=TOPIC)
        assert "Subscribed" in (await used.finished()).text
        assert (await only(store, thread.id)).kind == "thread"

    async def test_a_forum_gets_posts_and_needs_the_permission_to_write_in_them(
        self, local: LocalDiscord, papers: Channel, moderator: Person, store: Store
    ) -> None:
        forum = local.guild("Lab").forum("reading")
        forum.deny("send_messages_in_threads")
        await local.taken_in()
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC, where=forum)
        assert "Send Messages in Threads" in (await used.finished()).text
        forum.grant("send_messages_in_threads")
        await local.taken_in()
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC, where=forum)
        assert "Subscribed" in (await used.finished()).text
        assert (await only(store, forum.id)).kind == "forum"

    async def test_the_servers_hour_and_zone_stand_where_none_are_named(
        self, local: LocalDiscord, papers: Channel, moderator: Person, store: Store
    ) -> None:
        await store.servers.save(
            local.guild("Lab").id, ServerSettings(digest_hour=18, digest_zone="Asia/Tokyo", language="de")
        )
        choices = await moderator.autocompletes(papers, "digest subscribe", topics=TOPIC, zone="")
        assert choices[0]["value"] == "Asia/Tokyo"
        await (await moderator.uses_command(papers, "digest subscribe", topics=TOPIC)).finished()
        kept = await only(store, papers.id)
        assert (kept.hour, kept.zone, kept.language) == (18, "Asia/Tokyo", "de")

    async def test_days_sources_and_switches_are_kept(self, papers: Channel, moderator: Person, store: Store) -> None:
        (choice, *_) = await moderator.autocompletes(papers, "digest subscribe", topics=TOPIC, days="mon-fr")
        assert choice == {"name": "Monday to Friday", "value": "01234"}
        used = await moderator.uses_command(
            papers,
            "digest subscribe",
            topics=TOPIC,
            days=choice["value"],
            only="huggingface, cs.RO",
            silent=True,
            roundup=True,
        )
        text = (await used.finished()).text
        assert "Monday to Friday at 09:00 (UTC)" in text
        assert "only huggingface, cs.RO" in text
        kept = await only(store, papers.id)
        assert kept.weekdays == (0, 1, 2, 3, 4)
        assert (kept.sources, kept.categories) == (("huggingface",), ("cs.RO",))
        assert kept.silent
        assert kept.roundup

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"topics": " ; "}, "Name at least one topic"),
            ({"topics": "a;b;c;d;e;f"}, "at most 5 topics"),
            ({"topics": TOPIC, "zone": "Europe/Belin"}, "did you mean Europe/Berlin?"),
            ({"topics": TOPIC, "days": "someday"}, "cannot read the day"),
            ({"topics": TOPIC, "only": "moon rocks"}, "neither a source of mine nor"),
        ],
    )
    async def test_what_cannot_be_is_said_in_a_sentence(
        self, papers: Channel, moderator: Person, store: Store, options: dict[str, str], sentence: str
    ) -> None:
        used = await moderator.uses_command(papers, "digest subscribe", **options)
        assert sentence in (await used.finished()).text
        assert not await store.subscriptions.of_place(papers.id)

    async def test_a_place_holds_no_more_than_a_menu_shows(
        self, papers: Channel, moderator: Person, store: Store
    ) -> None:
        for _ in range(MOST_PER_CHANNEL):
            await store.subscriptions.add(made(papers, moderator))
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC)
        assert "There are 25 digests there already" in (await used.finished()).text


def made(
    channel: Channel,
    owner: Person,
    *,
    kind: PlaceKind = "channel",
    topics: tuple[str, ...] = (TOPIC,),
    hour: int = 9,
    now: dt.datetime | None = None,
    **chosen: Any,
) -> Subscription:
    where = {"place_id": channel.id, "guild_id": channel.guild.id if channel.guild else None} | chosen
    now = now or dt.datetime.now(dt.UTC)
    return subscribe(kind=kind, owner_id=owner.id, topics=topics, hour=hour, zone="UTC", now=now, **where)


class TestRefused:
    """Digests that Discord refuses for good: paused with the reason, and resumed once the reason is gone."""

    async def test_the_reason_is_told_and_listed_in_discord_s_own_words_and_never_repeated(
        self,
        local: LocalDiscord,
        papers: Channel,
        moderator: Person,
        bot: FootnoteBot,
        store: Store,
        time: Time,
    ) -> None:
        one = made(papers, moderator)
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        for _ in range(3):
            local.fail_next(POST, status=400, code=240000, message="Blocked by the harmful links filter")
            assert await bot.deliverer.tick() == 0
            time.go_to(time.now + dt.timedelta(days=1))
        (told,) = moderator.dm.bot_messages
        listed = await (await moderator.uses_command(papers, "digest list")).finished()
        for text in (told.text, listed.text):
            assert (
                f"refuses my message in {papers.mention}: “Blocked by the harmful links filter” (error 240000)" in text
            )
            assert "I try again every day" in text
        assert "Next:" not in listed.text
        assert await bot.deliverer.tick() == 1
        assert not (await only(store, papers.id)).paused

    async def test_a_forum_with_moderated_tags_goes_on_as_soon_as_there_is_one_for_everybody(
        self, local: LocalDiscord, moderator: Person, bot: FootnoteBot, store: Store, time: Time
    ) -> None:
        forum = local.guild("Lab").forum("reading")
        forum.tags, forum.requires_tag = [("papers", True)], True
        forum.changed()
        await local.taken_in()
        one = made(forum, moderator, kind="forum")
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        assert await bot.deliverer.tick() == 0
        assert "make one for everybody" in (await moderator.dm.wait_for_bot_message()).text
        forum.tags = [("papers", True), ("digests", False)]
        forum.changed()
        await local.taken_in()
        assert await settled(store, forum)
        assert await bot.deliverer.tick() == 1

    @pytest.mark.parametrize("change", ["channel", "role"])
    async def test_it_goes_on_when_the_permission_is_back(
        self,
        local: LocalDiscord,
        papers: Channel,
        moderator: Person,
        bot: FootnoteBot,
        store: Store,
        time: Time,
        change: str,
    ) -> None:
        one = made(papers, moderator)
        await store.subscriptions.add(one)
        lab = local.guild("Lab")
        if change == "channel":
            papers.deny("send_messages")
        else:
            lab.allow_everyone(send_messages=False)
        await local.taken_in()
        time.go_to(one.next_due_at)
        assert await bot.deliverer.tick() == 0
        # A change that does not help does not make the bot try any sooner.
        papers.deny("add_reactions")
        await local.taken_in()
        assert await bot.deliverer.tick() == 0
        if change == "channel":
            papers.grant("send_messages")
        else:
            lab.allow_everyone(send_messages=True)
        await local.taken_in()
        assert await settled(store, papers)
        assert await bot.deliverer.tick() == 1
        assert len(papers.bot_messages) == 1

    async def test_a_deleted_channel_is_named_in_words_and_another_is_a_mention(
        self, local: LocalDiscord, papers: Channel, moderator: Person, bot: FootnoteBot, store: Store, time: Time
    ) -> None:
        doomed = local.guild("Lab").channel("doomed")
        doomed.deny("send_messages")
        await local.taken_in()
        one = made(doomed, moderator)
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        await bot.deliverer.tick()
        listed = (await (await moderator.uses_command(papers, "digest list")).finished()).text
        assert f"In {doomed.mention} I need" in listed
        doomed.delete()
        await local.taken_in()
        listed = (await (await moderator.uses_command(papers, "digest list")).finished()).text
        assert "In a deleted channel I need" in listed
        assert str(doomed.id) not in listed

    async def test_what_is_tried_again_every_few_minutes_has_no_next_in_the_past(
        self, local: LocalDiscord, papers: Channel, moderator: Person, bot: FootnoteBot, store: Store, time: Time
    ) -> None:
        one = made(papers, moderator)
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        local.fail_next(POST, status=503, times=len(PAUSES) + 1)
        assert await bot.deliverer.tick() == 0
        listed = (await (await moderator.uses_command(papers, "digest list")).finished()).text
        assert "Next: as soon as it can be posted" in listed

    async def test_the_server_being_away_at_the_start_puts_a_digest_off(
        self,
        papers: Channel,
        moderator: Person,
        online: Online,
        store: Store,
        time: Time,
        local: LocalDiscord,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        one = made(papers, moderator)
        await store.subscriptions.add(one)
        time.go_to(one.next_due_at)
        local.guild("Lab").unavailable = True
        async with online() as bot:
            assert await bot.deliverer.tick() == 0
            assert not (await only(store, papers.id)).paused
            assert "failed" not in caplog.text
            local.guild("Lab").comes_back()
            await local.taken_in()
            time.go_to(time.now + dt.timedelta(minutes=1))
            assert await bot.deliverer.tick() == 1


async def settled(store: Store, channel: Channel) -> bool:
    """Wait until the bot, after an event, has decided to try a paused digest again at once."""
    async with asyncio.timeout(10):
        while True:
            kept = await only(store, channel.id)
            if kept.look_at is not None and kept.look_at < kept.next_due_at + dt.timedelta(hours=1):
                return True
            await asyncio.sleep(0.01)


class TestCrossposting:
    async def test_a_digest_in_an_announcement_channel_is_published_where_that_is_switched_on(
        self, local: LocalDiscord, papers: Channel, moderator: Person, bot: FootnoteBot, store: Store, time: Time
    ) -> None:
        news = local.guild("Lab").announcements("news")
        await local.taken_in()
        used = await moderator.uses_command(papers, "digest subscribe", topics=TOPIC, crosspost=True)
        assert "Only what is posted in an announcement channel" in (await used.finished()).text
        for where in (False, True):
            used = await moderator.uses_command(
                papers, "digest subscribe", topics=f"{TOPIC} {where}", where=news, crosspost=where
            )
            assert ("published to the servers" in (await used.finished()).text) == where
        time.go_to((await store.subscriptions.of_place(news.id))[0].next_due_at)
        assert await bot.deliverer.tick() == 2
        assert {f"{TOPIC} True" in message.text: bool(message.flags & 1) for message in news.bot_messages} == {
            True: True,
            False: False,
        }


class TestLookingAfter:
    async def test_nothing_yet_says_how_to_begin(self, papers: Channel, ada: Person, bot: FootnoteBot) -> None:
        assert not bot.is_closed()
        assert "/digest subscribe" in (await (await ada.uses_command(papers, "digest list")).finished()).text

    async def test_a_digest_is_listed_edited_paused_resumed_and_unsubscribed(
        self, papers: Channel, moderator: Person, ada: Person, bot: FootnoteBot, store: Store
    ) -> None:
        assert not bot.is_closed()
        await store.subscriptions.add(made(papers, moderator))
        assert TOPIC in (await (await ada.uses_command(papers, "digest list")).finished()).text
        ((choice),) = await moderator.autocompletes(papers, "digest edit", digest="walk")
        assert choice["name"] == "walking robots – #papers, 09:00"
        one = choice["value"]
        used = await moderator.uses_command(
            papers, "digest edit", digest=one, hour=7, topics="flying robots", days="we"
        )
        assert "“flying robots”" in (await used.finished()).text
        kept = await only(store, papers.id)
        assert (kept.hour, kept.topics, kept.weekdays, kept.next_due_at.hour) == (7, ("flying robots",), (2,), 7)
        used = await moderator.uses_command(papers, "digest edit", digest=one)
        assert "Say what to change" in (await used.finished()).text
        for times in ("Paused.", "paused already"):
            assert times in (await (await moderator.uses_command(papers, "digest pause", digest=one)).finished()).text
        assert (await only(store, papers.id)).paused
        used = await moderator.uses_command(papers, "digest now", digest=one)
        assert "It is paused" in (await used.finished()).text
        await (await moderator.uses_command(papers, "digest resume", digest=one)).finished()
        assert not (await only(store, papers.id)).paused
        used = await moderator.uses_command(papers, "digest unsubscribe", digest="Flying robots")
        assert "Unsubscribed" in (await used.finished()).text
        assert not await store.subscriptions.of_place(papers.id)

    async def test_a_long_list_says_how_many_it_leaves_out(
        self, papers: Channel, moderator: Person, bot: FootnoteBot, store: Store
    ) -> None:
        assert not bot.is_closed()
        for number in range(27):
            await store.subscriptions.add(made(papers, moderator, topics=(f"topic {number} " + "*" * 70,)))
        used = await moderator.uses_command(papers, "digest list")
        await used.finished()
        last = await used.followup(1)
        assert "2 more are not shown." in last.text
        assert len(await moderator.autocompletes(papers, "digest pause", digest="")) == 25

    @pytest.mark.usefixtures("papers")
    async def test_a_digest_speaks_its_readers_language(
        self, ada: Person, bot: FootnoteBot, time: Time, store: Store
    ) -> None:
        ada.locale = "de"
        used = await ada.uses_command(ada.dm, "digest subscribe", topics="laufende Roboter", days="mo-fr")
        assert "Montags bis freitags um 09:00 Uhr" in (await used.finished()).text
        await ada.dm.wait_for_bot_message(lambda message: "Hier bekommst du deine Übersicht" in message.text)
        time.go_to((await only(store, ada.id)).next_due_at)
        assert await bot.deliverer.tick() == 1
        digest = await ada.dm.wait_for_bot_message(lambda message: "Zu dieser Übersicht" in message.text)
        assert "„laufende Roboter“" in digest.text

    async def test_nobody_else_changes_it_or_is_offered_it(
        self, papers: Channel, moderator: Person, ada: Person, bob: Person, bot: FootnoteBot, store: Store
    ) -> None:
        assert not bot.is_closed()
        shared, private = made(papers, moderator), made(papers, bob, kind="dm", place_id=bob.id, guild_id=None)
        await store.subscriptions.add(shared)
        await store.subscriptions.add(private)
        assert await ada.autocompletes(papers, "digest pause", digest="") == []
        used = await ada.uses_command(papers, "digest unsubscribe", digest=shared.subscription_id)
        assert "You may not change this digest" in (await used.finished()).text
        used = await ada.uses_command(papers, "digest unsubscribe", digest=private.subscription_id)
        assert "I know no such digest" in (await used.finished()).text
        assert await store.subscriptions.get(shared.subscription_id)
        assert await store.subscriptions.get(private.subscription_id)
        (own,) = await bob.autocompletes(bob.dm, "digest pause", digest="")
        assert own["value"] == private.subscription_id

    async def test_a_preview_is_seen_by_one_alone_and_keeps_nothing(
        self, papers: Channel, ada: Person, bot: FootnoteBot, seeded: Library, store: Store, time: Time
    ) -> None:
        assert not bot.is_closed()
        await add(seeded, 0)
        time.go_to(time.now + dt.timedelta(hours=1))
        used = await ada.uses_command(papers, "digest preview", topics=TOPIC)
        shown = await used.finished()
        assert shown.ephemeral
        assert PAPERS[0][0] in shown.text
        assert "About this digest" not in shown.text
        assert not papers.bot_messages
        assert not await store.subscriptions.of_place(ada.id)

    async def test_now_posts_at_once_and_only_what_is_new(
        self, papers: Channel, moderator: Person, bot: FootnoteBot, seeded: Library, store: Store, time: Time
    ) -> None:
        await add(seeded, 0)
        await store.subscriptions.add(made(papers, moderator))
        time.go_to(time.now + dt.timedelta(minutes=5))
        used = await moderator.uses_command(papers, "digest now", digest=TOPIC)
        assert "in a moment" in (await used.finished()).text
        assert await bot.deliverer.tick() == 1
        assert PAPERS[0][0] in (await papers.wait_for_bot_message()).text
        time.go_to(time.now + dt.timedelta(minutes=5))
        await (await moderator.uses_command(papers, "digest now", digest=TOPIC)).finished()
        assert await bot.deliverer.tick() == 1
        assert PAPERS[0][0] not in (await papers.wait_for_bot_message()).text

    async def test_about_says_when_each_source_was_last_fresh_and_what_ails_it(
        self, papers: Channel, ada: Person, bot: FootnoteBot, seeded: Library
    ) -> None:
        assert not bot.is_closed()
        await seeded.note_failure("arxiv:cs.RO", "arXiv is out of order.", dt.datetime.now(dt.UTC))
        text = (await (await ada.uses_command(papers, "about")).finished()).text
        assert "not read yet" in text
        assert "arXiv is out of order." in text
