from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Draft
from bot.digest.delivery import LEASE, Deliverer, nonce_of
from bot.digest.digest_text import ReasonWriter
from bot.digest.editor import FROM_FILES, Editor
from bot.digest.poster import GoneError
from bot.digest.subscription_editor import changed
from bot.llm.meter import Payer, payer
from bot.store import Delivery
from retrieval.sources.formats import format_of
from tests.bot.digest.parts import (
    CHANNEL,
    DAY,
    NOW,
    OWNER,
    SERVER,
    Board,
    Clock,
    Shelf,
    away,
    fresh,
    gone,
    subscription,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection
    from datetime import datetime
    from typing import Any

    from bot.answering.evidence.selection import Selection
    from bot.answering.outcome import WriterName
    from bot.llm.usage import Usage
    from bot.store import Posted, Store
    from retrieval.catalogue.records import Fresh

MINUTE = timedelta(minutes=1)
ROBOTS = "walking robots"


class Killed(BaseException):
    """End a worker on the spot, as a kill would: nothing after this runs."""


def robots(*numbers: int, hours_ago: float = 3) -> list[Fresh]:
    return [fresh(number, f"{ROBOTS} {number}", NOW - timedelta(hours=hours_ago)) for number in numbers]


async def test_a_due_digest_is_posted_once_and_the_next_one_a_day_later(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1, 2))
    one = subscription()
    await store.subscriptions.add(one)
    assert await deliverer.tick() == 1
    assert await deliverer.tick() == 0
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert (kept.next_due_at, kept.greeted) == (NOW + DAY, True)
    assert await store.deliveries.messages(one.subscription_id, NOW) == [1]
    assert sorted(board.titles()[0]) == ["On walking robots 1 (1)", "On walking robots 2 (2)"]
    clock.now += DAY
    shelf.add(fresh(3, f"{ROBOTS} 3", NOW + timedelta(hours=5)))
    await deliverer.tick()
    assert board.titles()[1] == ["On walking robots 3 (3)"]


async def test_a_digest_is_paid_by_its_server_and_one_in_direct_messages_by_its_reader(
    store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    payers = []

    class Notes:
        name: WriterName = "llm"

        async def write(self, _question: str, _selection: Selection) -> AsyncGenerator[Draft | Usage]:
            payers.append(payer())
            yield Draft("Nothing that stands there.", ())

    shelf.add(*robots(1))
    editor = Editor(shelf, ReasonWriter(shelf.embedder, Notes()), store.feedback.liked)
    deliverer = Deliverer(store, editor, board, now=clock)
    await store.subscriptions.add(subscription())
    await deliverer.tick()
    assert payers == [Payer(SERVER)]
    payers.clear()
    await store.subscriptions.add(subscription(kind="dm", place_id=OWNER, guild_id=None, topics=["robots that walk"]))
    await deliverer.tick()
    assert payers == [Payer(None, OWNER)]


async def test_only_the_first_digest_says_how_to_change_it(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1))
    await store.subscriptions.add(subscription())
    await deliverer.tick()
    clock.now += DAY
    await deliverer.tick()
    hints = [each.digest.hint for each in board.posted]
    assert hints[0] is not None
    assert "/digest edit" in hints[0]
    assert hints[1] is None


async def test_after_downtime_one_digest_makes_up_for_what_was_missed_but_not_for_more_than_a_week_and_a_day(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    one = subscription()
    await store.subscriptions.add(one)
    shelf.add(*(fresh(day, f"{ROBOTS} {day}", NOW + day * DAY) for day in range(12)))
    clock.now = NOW + 12 * DAY + timedelta(hours=2)
    assert await deliverer.tick() == 1
    assert len(board.posted) == 1
    newest = [int(title.split()[3]) for title in board.titles()[0]]
    assert min(newest) >= 4
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert kept.next_due_at == NOW + 13 * DAY


async def test_no_paper_is_shown_twice_in_a_place_under_any_of_its_ids(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    await store.subscriptions.add(subscription())
    shelf.add(fresh(1, ROBOTS, NOW - MINUTE * 90, ids=("title:abc",)))
    await deliverer.tick()
    # The same paper comes again from elsewhere, under another id.
    shelf.add(fresh(2, ROBOTS, NOW + MINUTE * 90, ids=("title:abc",)), fresh(3, ROBOTS, NOW + MINUTE * 90))
    clock.now += DAY
    await deliverer.tick()
    assert board.titles() == [["On walking robots (1)"], ["On walking robots (3)"]]


async def test_two_subscriptions_of_one_channel_due_at_once_share_its_papers_between_them(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board
) -> None:
    shelf.add(*robots(*range(1, 9)))
    for _ in range(4):
        await store.subscriptions.add(subscription(most=3))
    await asyncio.gather(worker().tick(), worker().tick())
    shown = [title for digest in board.titles() for title in digest]
    assert len(board.posted) == 4
    assert len(shown) == len(set(shown)) == 8


async def test_many_workers_post_each_of_many_due_digests_once(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board
) -> None:
    shelf.add(*robots(1, 2, 3))
    for number in range(40):
        await store.subscriptions.add(subscription(place_id=CHANNEL + number))
    delivered = await asyncio.gather(*(worker().tick() for _ in range(3)))
    assert sum(delivered) == 40
    assert sorted(each.place_id for each in board.posted) == [CHANNEL + number for number in range(40)]


@pytest.mark.parametrize("pause", [LEASE + MINUTE / 6, timedelta(hours=1), 3 * DAY])
@pytest.mark.parametrize("killed_at", ["claim", "shown", "prepare", "post", "note", "record"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_killed_anywhere_leaves_exactly_one_post_and_one_record(
    worker: Callable[[], Deliverer],
    store: Store,
    shelf: Shelf,
    board: Board,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: str,
    after: bool,
    pause: timedelta,
) -> None:
    shelf.add(*robots(1, 2))
    one = subscription()
    await store.subscriptions.add(one)
    owner = board if killed_at == "post" else store.deliveries
    real = getattr(owner, killed_at)

    async def kill(*given: object, **named: object) -> None:
        if after:
            await real(*given, **named)
        raise Killed

    async def kill_posting(*given: Any, **named: Any) -> AsyncGenerator[Posted]:
        if after:
            async for stands in real(*given, **named):
                yield stands
        raise Killed

    monkeypatch.setattr(owner, killed_at, kill_posting if killed_at == "post" else kill)
    with pytest.raises(Killed):
        await worker().tick()
    monkeypatch.undo()
    clock.now += pause
    await worker().tick()
    shown = [sorted(titles) for titles in board.titles() if titles]
    assert shown == [["On walking robots 1 (1)", "On walking robots 2 (2)"]]
    # A later digest may be due by now, with nothing new in it.
    assert len({each.nonce for each in board.posted}) == len(board.posted)
    assert await store.deliveries.messages(one.subscription_id, NOW) == [1]
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert kept.next_due_at > clock.now


async def test_while_the_nonce_is_remembered_the_same_is_posted_again_and_later_it_is_looked_for(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1))
    await store.subscriptions.add(subscription())
    board.faults = ["lost", None]
    await worker().tick()
    clock.now += MINUTE
    await worker().tick()
    assert board.calls == ["post", "post"]
    assert len(board.posted) == 1

    clock.now = NOW + DAY
    board.faults = ["lost", None]
    await worker().tick()
    clock.now += 30 * MINUTE
    await worker().tick()
    assert board.calls[2:] == ["post", "find"]
    assert len(board.posted) == 2


async def test_what_was_put_off_for_hours_is_chosen_anew_with_the_papers_since(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1))
    await store.subscriptions.add(subscription())
    board.faults = [away()]
    await worker().tick()
    shelf.add(fresh(2, ROBOTS, NOW + timedelta(hours=1)))
    clock.now += timedelta(hours=2)
    await worker().tick()
    assert [len(titles) for titles in board.titles()] == [2]


async def test_failures_are_tried_again_ever_more_rarely_and_as_late_as_the_platform_wants(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1))
    await store.subscriptions.add(subscription())
    board.faults = [away() for _ in range(100)]
    waits = []
    for _ in range(8):
        await worker().tick()
        due = await store.deliveries.next_due()
        assert due is not None
        waits.append((due - clock.now).total_seconds())
        clock.now = due
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900]
    board.faults = [away(retry_after=timedelta(seconds=5000))]
    await worker().tick()
    assert await store.deliveries.next_due() == clock.now + timedelta(seconds=5000)


async def test_a_place_that_is_gone_pauses_the_subscription_and_its_owner_is_told_once(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1))
    one = subscription()
    await store.subscriptions.add(one)
    # The first attempt to tell the owner fails.
    board.faults = [gone(), away()]
    await worker().tick()
    assert board.told == []
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert (kept.paused, kept.reason) == (True, "I may not write in that channel any more.")
    assert await store.deliveries.next_due() == NOW + DAY
    await worker().tick()
    # The place is tried again every day, and the owner hears nothing more about it.
    for _ in range(3):
        clock.now += DAY
        board.faults = [gone()]
        await worker().tick()
    assert [owner for owner, _ in board.told] == [OWNER]
    assert "walking robots" in board.told[0][1]
    assert "may not write" in board.told[0][1]
    # Once the place is back, the papers that could not be posted still count as new.
    clock.now += DAY
    await worker().tick()
    assert board.titles() == [["On walking robots 1 (1)"]]
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert (kept.paused, kept.reason, kept.look_at) == (False, None, None)
    assert kept.next_due_at == clock.now + DAY


async def test_another_reason_is_news_to_its_owner(
    worker: Callable[[], Deliverer], store: Store, board: Board, clock: Clock
) -> None:
    await store.subscriptions.add(subscription())
    board.faults = [gone(), None]
    await worker().tick()
    clock.now += DAY
    board.faults = [GoneError("The channel is gone."), None]
    await worker().tick()
    assert [sentence.split(". ")[1] for _, sentence in board.told] == [
        "I may not write in that channel any more",
        "The channel is gone",
    ]


async def test_a_person_s_pause_ends_the_looking_again(
    worker: Callable[[], Deliverer], store: Store, board: Board, clock: Clock
) -> None:
    one = subscription()
    await store.subscriptions.add(one)
    board.faults = [gone()]
    await worker().tick()
    assert await store.subscriptions.pause(one.subscription_id)
    clock.now += 3 * DAY
    await worker().tick()
    assert board.posted == []
    assert not await store.subscriptions.pause(one.subscription_id)


class TestParts:
    """A digest of several messages."""

    @pytest.fixture(autouse=True)
    async def _several_messages(self, store: Store, shelf: Shelf, board: Board) -> None:
        board.room = 2
        shelf.add(*robots(*range(1, 6)))
        await store.subscriptions.add(subscription())

    @pytest.mark.parametrize("fault", [away(), "lost", gone()])
    @pytest.mark.parametrize("refused", [0, 1, 2])
    @pytest.mark.parametrize("pause", [MINUTE, timedelta(hours=1), DAY, 3 * DAY])
    async def test_what_is_missing_is_posted_later_and_nothing_twice(
        self,
        worker: Callable[[], Deliverer],
        store: Store,
        board: Board,
        clock: Clock,
        fault: BaseException | str,
        refused: int,
        pause: timedelta,
    ) -> None:
        board.faults = [*[None] * refused, fault]
        assert await worker().tick() == 0
        (one,) = await store.subscriptions.of_place(CHANNEL)
        assert await store.deliveries.messages(one.subscription_id, NOW) is None
        clock.now += pause
        await store.subscriptions.look_again([one.subscription_id], clock.now)
        await worker().tick()
        assert sorted(title for titles in board.titles() for title in titles) == [
            f"On walking robots {number} ({number})" for number in range(1, 6)
        ]
        assert await store.deliveries.messages(one.subscription_id, NOW) == [1, 2, 3]

    @pytest.mark.parametrize("part", [0, 1, 2])
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("pause", [LEASE + MINUTE / 6, timedelta(hours=1), 3 * DAY])
    async def test_a_worker_killed_at_any_part_leaves_the_others_to_the_next(
        self,
        worker: Callable[[], Deliverer],
        store: Store,
        board: Board,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
        part: int,
        after: bool,
        pause: timedelta,
    ) -> None:
        real, count = store.deliveries.note, iter(range(9))

        async def kill(delivery: Delivery, posted: Posted, claimed_until: datetime) -> bool:
            if next(count) != part:
                return await real(delivery, posted, claimed_until)
            if after:
                await real(delivery, posted, claimed_until)
            raise Killed

        monkeypatch.setattr(store.deliveries, "note", kill)
        with pytest.raises(Killed):
            await worker().tick()
        monkeypatch.undo()
        clock.now += pause
        await worker().tick()
        (one,) = await store.subscriptions.of_place(CHANNEL)
        titles = [title for titles in board.titles() for title in titles]
        assert len(titles) == len(set(titles)) == 5
        assert await store.deliveries.messages(one.subscription_id, NOW) == [1, 2, 3]

    async def test_a_pause_between_two_parts_keeps_the_rest_for_later(
        self, worker: Callable[[], Deliverer], store: Store, board: Board, clock: Clock
    ) -> None:
        (one,) = await store.subscriptions.of_place(CHANNEL)
        board.faults = [None, away()]
        await worker().tick()
        await store.subscriptions.pause(one.subscription_id)
        clock.now += DAY
        await worker().tick()
        assert len(board.posted) == 1
        await store.subscriptions.resume(one.subscription_id, clock.now + DAY)
        await worker().tick()
        assert [len(titles) for titles in board.titles()] == [2, 2, 1]

    async def test_the_rest_of_what_is_no_news_any_more_is_let_go(
        self, worker: Callable[[], Deliverer], store: Store, board: Board, clock: Clock
    ) -> None:
        (one,) = await store.subscriptions.of_place(CHANNEL)
        board.faults = [None, gone(), None]
        await worker().tick()
        clock.now += 9 * DAY
        board.faults = [None, gone()]
        await worker().tick()
        assert await store.deliveries.messages(one.subscription_id, NOW) == [1]


async def test_what_is_found_after_the_next_hour_does_not_skip_that_one(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1))
    one = subscription()
    await store.subscriptions.add(one)
    board.faults = ["lost"]
    await worker().tick()
    shelf.add(fresh(2, ROBOTS, NOW + timedelta(hours=20)))
    clock.now = NOW + DAY + timedelta(hours=2)
    await worker().tick()
    assert board.titles() == [["On walking robots 1 (1)"], ["On walking robots (2)"]]
    assert await store.deliveries.messages(one.subscription_id, NOW + DAY) == [2]
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert kept.next_due_at == NOW + 2 * DAY


async def test_an_owner_who_takes_no_messages_is_tried_once(
    worker: Callable[[], Deliverer], store: Store, board: Board
) -> None:
    await store.subscriptions.add(subscription())
    board.faults = [gone(), gone()]
    await worker().tick()
    assert await store.subscriptions.untold() == []
    assert board.told == []


async def test_nothing_new_is_said_honestly_or_not_at_all(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board
) -> None:
    shelf.add(*(fresh(number, "baking bread", NOW - MINUTE * 90) for number in range(3)))
    loud, silent = subscription(), subscription(place_id=CHANNEL + 1, silent=True)
    await store.subscriptions.add(loud)
    await store.subscriptions.add(silent)
    assert await worker().tick() == 2
    assert [(each.place_id, each.digest.entries) for each in board.posted] == [(CHANNEL, ())]
    assert board.posted[0].digest.note == "Nothing new on “walking robots”: I looked through 3 new papers."
    assert await store.deliveries.messages(silent.subscription_id, NOW) == []


async def test_an_edit_during_a_delivery_keeps_both_the_post_and_the_new_hour(
    worker: Callable[[], Deliverer],
    store: Store,
    shelf: Shelf,
    board: Board,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf.add(*robots(1))
    one = subscription()
    await store.subscriptions.add(one)
    real = board.post

    async def edit_meanwhile(*given: Any, **named: Any) -> AsyncGenerator[Posted]:
        edited = changed(one, clock.now, hour=20)
        assert await store.subscriptions.change(edited, one.next_due_at)
        async for stands in real(*given, **named):
            yield stands

    monkeypatch.setattr(board, "post", edit_meanwhile)
    await worker().tick()
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert (kept.hour, kept.next_due_at) == (20, NOW + timedelta(hours=12))
    assert len(board.posted) == 1


async def test_a_pause_while_the_papers_are_chosen_stops_the_post(
    worker: Callable[[], Deliverer], store: Store, shelf: Shelf, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add(*robots(1))
    one = subscription()
    await store.subscriptions.add(one)
    real = store.deliveries.shown

    async def pause_first(place_id: int, paper_ids: Collection[str]) -> set[str]:
        await store.subscriptions.pause(one.subscription_id)
        return await real(place_id, paper_ids)

    monkeypatch.setattr(store.deliveries, "shown", pause_first)
    await worker().tick()
    assert board.posted == []


async def test_a_digest_now_does_not_wait_for_the_hour(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*robots(1, hours_ago=8))
    one = subscription()
    await store.subscriptions.add(one)
    clock.now = NOW - timedelta(hours=5)
    assert await deliverer.tick() == 0
    await deliverer.post_now(one.subscription_id)
    assert await deliverer.tick() == 1
    kept = await store.subscriptions.get(one.subscription_id)
    assert kept is not None
    assert kept.next_due_at == NOW


async def test_a_preview_shows_what_would_come_and_keeps_nothing(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board
) -> None:
    shelf.add(*robots(1, 2))
    one = subscription()
    await store.subscriptions.add(one)
    seen = await deliverer.preview(one)
    await deliverer.tick()
    assert [entry.paper for entry in seen.entries] == [entry.paper for entry in board.posted[0].digest.entries]


async def test_the_weeks_last_digest_has_a_map_even_when_it_comes_late(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, clock: Clock
) -> None:
    shelf.add(*(fresh(number, f"{ROBOTS} {number % 4}", NOW - MINUTE * 90) for number in range(20)))
    await store.subscriptions.add(subscription(roundup=True, weekdays=(0, 4)))
    await deliverer.tick()
    clock.now = NOW + 4 * DAY + timedelta(hours=20)
    await deliverer.tick()
    monday, friday = (each.digest.roundup for each in board.posted)
    assert monday is None
    assert friday is not None
    assert friday.picture.startswith(b"\x89PNG")
    assert "20 new papers" in friday.alt
    assert all(name in friday.alt for name in friday.clusters)


async def test_the_engine_runs_until_it_is_told_to_stop_and_wakes_for_what_is_new(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add(*robots(1))
    stop, posted = asyncio.Event(), asyncio.Event()
    real = board.post

    async def post(*given: Any, **named: Any) -> AsyncGenerator[Posted]:
        posted.set()
        async for stands in real(*given, **named):
            yield stands

    monkeypatch.setattr(board, "post", post)
    running = asyncio.create_task(deliverer.run(stop))
    await asyncio.sleep(0)
    await store.subscriptions.add(subscription())
    deliverer.wake()
    async with asyncio.timeout(30):
        await posted.wait()
        stop.set()
        await running
    assert len(board.posted) == 1


async def test_a_server_s_taste_decides_between_papers_that_fit_alike(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board
) -> None:
    liked = fresh(9, f"{ROBOTS} gaits springs ankles", NOW - 20 * DAY)
    shelf.add(liked)
    for person in range(3):
        await store.feedback.star(liked.paper_id, person, subscription().guild_id)
    shelf.add(fresh(1, f"{ROBOTS} cameras vision maps", NOW - MINUTE * 90))
    shelf.add(fresh(2, f"{ROBOTS} gaits springs ankles", NOW - MINUTE * 90))
    await store.subscriptions.add(subscription(most=1))
    await deliverer.tick()
    assert board.titles() == [["On walking robots gaits springs ankles (2)"]]


def test_nonces_fit_discord_and_differ_by_subscription_and_moment() -> None:
    one = subscription()
    keys = [Delivery(each, due, "me") for each in (one, subscription()) for due in (NOW, NOW + DAY)]
    nonces = [nonce_of(key) for key in keys]
    assert len(set(nonces)) == 4
    assert all(len(nonce) == 22 for nonce in nonces)
    assert nonce_of(replace(keys[0], worker="another", attempts=3)) == nonces[0]


async def test_papers_that_no_file_dates_are_no_news(
    deliverer: Deliverer, store: Store, shelf: Shelf, board: Board
) -> None:
    for number, source in enumerate(("seeds", "example.org", "bibtex")):
        (one,) = robots(number)
        undated = replace(one.details.paper, published=None)
        shelf.add(replace(one, details=replace(one.details, paper=undated), sources=(source,)))
    await store.subscriptions.add(subscription())
    await deliverer.tick()
    assert board.titles() == [["On walking robots 1 (1)"]]
    assert board.posted[0].digest.title.startswith("Papers on")  # nobody knows how old it is


def test_every_kind_of_file_is_known_to_the_digest_as_one() -> None:
    roots = (b"<feed/>", b"<PubmedArticleSet/>", b"<OAI-PMH/>", b"<article/>")
    kinds = [format_of(name, b"") for name in ("a.jsonl", "a.json", "a.bib", "a.ris", "a.csv")]
    kinds += [format_of("a.parquet", b"PAR1"), *(format_of("a.xml", root) for root in roots)]
    kinds += [format_of("a.txt", start) for start in (b"PMID- 1", b"PT J\n", b"%0 Journal Article")]
    assert {kind.source for kind in kinds if kind} | {"seeds", "page", "doi", "openreview", "acl"} == FROM_FILES
