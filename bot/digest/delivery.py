"""Deliver digests: claim what is due, choose its papers, post and record it, so that each is posted exactly once.

A worker writes down the result of each step before it takes the next. A digest of several messages is posted in parts,
and each part is written down once it is posted. If a worker dies, its claim expires and another worker takes over. That
one finds either nothing written down, and chooses papers anew, or a digest of which a part may have been posted. For
the minutes in which the platform remembers nonces, posting the part again shows nothing twice; after that, the worker
looks for it first.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
import secrets
import socket
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot import metrics
from bot.digest.digest import dumps, loads
from bot.digest.digest_text import named
from bot.digest.editor import ids_of
from bot.digest.poster import GoneError, UnavailableError
from bot.digest.schedule import local_day, next_due
from bot.digest.subscription_editor import due_after
from bot.language import in_language, say
from bot.llm import Payer, paid_by
from bot.log import begin_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.digest.digest import Digest
    from bot.digest.editor import Editor
    from bot.digest.poster import Poster
    from bot.store import Delivery, Store, Subscription

log = logging.getLogger(__name__)

# How far back a digest looks after the bot was down: a week, and one more day for weekly digests that are late.
CATCH_UP: Final = timedelta(days=8)
WEEK: Final = timedelta(days=7)
# A paper can become visible a little later than the time recorded for it.
SETTLING: Final = timedelta(minutes=1)
LEASE: Final = timedelta(seconds=60)
POSTING: Final = timedelta(seconds=45)  # less than LEASE, so that a worker never posts after its claim expired
# How long Discord remembers nonces; its documentation says "the past few minutes".
NONCE_MEMORY: Final = timedelta(minutes=2)
CLOCK_SKEW: Final = timedelta(minutes=5)
BACKOFF: Final = timedelta(seconds=15)
LONGEST_BACKOFF: Final = timedelta(minutes=15)
AT_ONCE: Final = 8
LOOKS: Final = timedelta(days=1)  # between two tries at a digest that was refused
SHORTEST_SLEEP: Final = timedelta(seconds=1)
LONGEST_SLEEP: Final = timedelta(seconds=30)  # changes by other processes are noticed within this time
TRIES: Final = 5  # at choosing papers that no other delivery records for the same destination first
NONCE_BYTES: Final = 16  # 22 characters in base64; Discord allows 25


class LostClaimError(Exception):
    """The delivery is no longer this worker's."""


class Deliverer:
    """Post the digests that are due; any number may run on one database, in one process or in several.

    Args:
        store: the subscriptions and deliveries.
        editor: composes digests.
        poster: posts them.
        now: the clock; returns an aware datetime.
        at_once: how many digests are delivered concurrently.
    """

    def __init__(
        self,
        store: Store,
        editor: Editor,
        poster: Poster,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        at_once: int = AT_ONCE,
    ) -> None:
        self._store = store
        self._editor = editor
        self._poster = poster
        self._now = now
        self._at_once = at_once
        self._worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._woken = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Post digests as they become due until `stop` is set, then finish those in progress."""
        while not stop.is_set():
            self._woken.clear()
            try:
                await self.tick(stop)
                due = await self._store.deliveries.next_due()
            except Exception:  # the database may be down for a while
                log.exception("digests could not be looked after; trying again")
                due = None
            sleep = LONGEST_SLEEP if due is None else due - self._now()
            await self._rest(stop, min(max(sleep, SHORTEST_SLEEP), LONGEST_SLEEP))

    def wake(self) -> None:
        """Check now for what is due, because a subscription was added or changed."""
        self._woken.set()

    async def tick(self, stop: asyncio.Event | None = None) -> int:
        """Deliver what is due now and notify the owners of paused digests; returns how many were recorded."""
        due = await self._store.deliveries.next_due()
        delivered = await self._deliver_due(stop) if due is not None and due <= self._now() else 0
        await self._tell_owners()
        return delivered

    async def preview(self, subscription: Subscription) -> Digest:
        """Compose the digest that would be posted now, without its round-up; nothing is stored."""
        with in_language(subscription.language), paid_by(_payer(subscription)):
            return (await self._compose(subscription, self._now(), weekly=False))[0]

    async def post_now(self, subscription_id: str) -> None:
        """Make a subscription due immediately, unless it is paused."""
        await self._store.subscriptions.hurry(subscription_id, self._now())
        self.wake()

    async def _rest(self, stop: asyncio.Event, longest: timedelta) -> None:
        """Sleep until woken or stopped, for at most `longest`."""
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self._woken)]
        try:
            await asyncio.wait(waits, timeout=longest.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _deliver_due(self, stop: asyncio.Event | None) -> int:
        """Deliver what is due, at most `at_once` digests at a time; returns how many were recorded."""
        running: set[asyncio.Task[bool]] = set()
        delivered, more = 0, True
        try:
            while running or more:
                free = self._at_once - len(running)
                if more:
                    now = self._now()
                    claimed = await self._store.deliveries.claim(now, self._worker, now + LEASE, free)
                    running |= {asyncio.create_task(self._deliver(delivery)) for delivery in claimed}
                    more = len(claimed) == free
                if running:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    delivered += sum(task.result() for task in done)
                    more = True  # a subscription that was late may be due again by now
                more = more and not (stop and stop.is_set())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return delivered

    async def _deliver(self, delivery: Delivery) -> bool:
        """Take one delivery as far as possible for now; True if it was recorded."""
        begin_trace()
        subscription_id = delivery.subscription.subscription_id
        with in_language(delivery.subscription.language), paid_by(_payer(delivery.subscription)):
            try:
                async with self._holding(delivery):
                    return await self._bring(delivery)
            except LostClaimError:
                log.info("the digest of %s is another worker's by now", subscription_id)
            except GoneError as error:
                log.info("subscription %s is paused: %s", subscription_id, error)
                metrics.DIGESTS.labels("paused").inc()
                await self._give_up(delivery, str(error))
            except UnavailableError as error:
                log.info("the digest of %s is put off: %s", subscription_id, error)
                metrics.DIGESTS.labels("put_off").inc()
                await self._put_off(delivery, error.retry_after)
            except Exception:  # one digest that fails must not keep the others from being posted
                log.exception("the digest of %s failed; trying again later", subscription_id)
                metrics.DIGESTS.labels("put_off").inc()
                await self._put_off(delivery, None)
        return False

    async def _bring(self, delivery: Delivery) -> bool:
        """Choose, post and record, skipping the steps already done; True if it was recorded."""
        digest = loads(delivery.body)
        if delivery.tried_at and (digest is None or self._now() - delivery.tried_at >= NONCE_MEMORY):
            delivery = await self._find(delivery)
            if digest is None and delivery.posted.message_ids:
                return await self._record(delivery)
            if not delivery.posted.message_ids:
                if not await self._store.deliveries.unprepare(delivery):
                    return False
                # It was put off for so long that there may be newer papers.
                digest, delivery = None, replace(delivery, tried_at=None, until=None, body=None)
        if digest is None:
            digest, delivery = await self._choose(delivery)
            if digest is None:
                return False
        return await self._post(delivery, digest)

    async def _post(self, delivery: Delivery, digest: Digest) -> bool:
        """Post the missing parts of a digest and record it; True if it was recorded."""
        if digest.weekly and not delivery.posted.message_ids:
            digest = await self._with_roundup(delivery, digest)
        subscription = delivery.subscription
        if subscription.silent and not digest.entries and digest.roundup is None:
            if subscription.paused:  # with nothing to post, we cannot tell whether it is still refused
                raise GoneError(subscription.reason or "")
            return await self._record(delivery)
        if not await self._renew(delivery):
            return False

        posted = delivery.posted
        steps = self._poster.post(subscription, digest, nonce=nonce_of(delivery), posted=posted)
        async with _in_time(), aclosing(steps):
            async for posted in steps:
                if not await self._store.deliveries.note(delivery, posted, self._now() + LEASE):
                    raise LostClaimError
        metrics.DIGESTS.labels("posted").inc()
        log.info(
            "posted subscription=%s messages=%d papers=%d of %d",
            subscription.subscription_id,
            len(posted.message_ids),
            sum(posted.papers),
            len(digest.entries),
        )
        return await self._record(replace(delivery, posted=posted))

    async def _choose(self, delivery: Delivery) -> tuple[Digest | None, Delivery]:
        """Compose the digest and write it down; the digest is None if the claim was lost."""
        for _ in range(TRIES):
            now = self._now()
            digest, ids, until = await self._compose(
                delivery.subscription, now, due_at=delivery.due_at, weekly=self._is_weekly(delivery, now)
            )
            body, tried_at = dumps(digest), self._now()
            lease = tried_at + LEASE
            if await self._store.deliveries.prepare(
                delivery, body, ids, until=until, tried_at=tried_at, claimed_until=lease
            ):
                return digest, replace(delivery, body=body, until=until, tried_at=tried_at)
            if not await self._renew(delivery):
                return None, delivery
        raise UnavailableError(say("Other digests are being posted in the same place."))

    async def _compose(
        self, subscription: Subscription, now: datetime, *, weekly: bool, due_at: datetime | None = None
    ) -> tuple[Digest, tuple[str, ...], datetime]:
        """Compose a digest of fresh papers.

        Also returns every id of its papers, and the time up to which the library was read.
        """
        # Rounded down to the minute, so that all digests due in it share one query of the library.
        until = now.replace(second=0, microsecond=0) - SETTLING
        since = max(subscription.delivered_until, until - CATCH_UP)
        pool = await self._editor.pool(since, until)
        ids = {paper_id for index in pool.since_moment(since) for paper_id in ids_of(pool.papers[index])}
        shown = await self._store.deliveries.shown(subscription.place_id, ids)
        digest, chosen = await self._editor.compose(
            subscription,
            pool,
            since,
            day=local_day(due_at if due_at and now - due_at < timedelta(hours=12) else now, subscription.zone),
            shown=shown,
            weekly=weekly,
        )
        return digest, chosen, max(until, since)

    def _is_weekly(self, delivery: Delivery, now: datetime) -> bool:
        """Whether the last digest of the week is due, or fell due since this one did."""
        subscription = delivery.subscription
        if not subscription.roundup:
            return False
        last = next_due(
            delivery.due_at - timedelta(seconds=1), subscription.hour, subscription.zone, (max(subscription.weekdays),)
        )
        return last <= now

    async def _with_roundup(self, delivery: Delivery, digest: Digest) -> Digest:
        until = delivery.until or self._now()
        since = until - WEEK
        pool = await self._editor.pool(since, until)
        return replace(digest, roundup=await self._editor.draw(delivery.subscription, pool, since, digest))

    async def _find(self, delivery: Delivery) -> Delivery:
        """Look up which parts of a digest were posted, including those that nobody lived to write down."""
        assert delivery.tried_at is not None
        since = delivery.tried_at - CLOCK_SKEW
        async with _in_time():
            posted = await self._poster.find(
                delivery.subscription, nonce=nonce_of(delivery), since=since, posted=delivery.posted
            )
        return replace(delivery, posted=posted)

    async def _record(self, delivery: Delivery) -> bool:
        """Record what was posted, and make the next digest due at the first hour after this one was chosen.

        Digests missed before that are skipped. If this one was chosen long ago and only finished now, the digests due
        since then are still posted.
        """
        now = self._now()
        chosen = delivery.tried_at or now
        return await self._store.deliveries.record(
            delivery,
            delivery.posted.message_ids,
            until=delivery.until or now,
            posted_at=now,
            next_due=lambda subscription: due_after(subscription, max(chosen, delivery.due_at)),
        )

    async def _give_up(self, delivery: Delivery, reason: str) -> None:
        """Pause a digest that was refused, to be tried again in a day.

        If some of it was posted and it is too old to be news by now, it is recorded as it is instead.
        """
        now = self._now()
        if delivery.posted.message_ids and delivery.tried_at and now - delivery.tried_at >= CATCH_UP:
            await self._record(delivery)
            return
        await self._store.deliveries.hold_back(
            delivery, reason, look_at=now + LOOKS, maybe_posted=delivery.tried_at is not None
        )

    async def _put_off(self, delivery: Delivery, retry_after: timedelta | None) -> None:
        wait = min(BACKOFF * 2 ** min(delivery.attempts, 10), LONGEST_BACKOFF)
        if retry_after is not None:
            wait = max(wait, retry_after)
        await self._store.deliveries.put_off(delivery, self._now() + wait)

    async def _tell_owners(self) -> None:
        """Tell owners that their digests were paused; those who cannot be reached see it in /digest list."""
        for subscription in await self._store.subscriptions.untold():
            subscription_id, owner_id = subscription.subscription_id, subscription.owner_id
            with in_language(subscription.language):
                sentence = say(
                    "I paused your digest on {topics}. {reason} I try again every day and when permissions change;"
                    " /digest resume tries at once.",
                    topics=named(subscription.topics),
                    reason=subscription.reason or "",
                )
            if owner_id is not None:
                try:
                    nonce = nonce_from(f"paused {subscription_id} {subscription.reason}")
                    async with _in_time():
                        await self._poster.tell(owner_id, sentence, nonce=nonce)
                except UnavailableError as error:
                    log.info("the owner of %s is told later: %s", subscription_id, error)
                    continue
                except GoneError as error:
                    log.info("the owner of %s cannot be told: %s", subscription_id, error)
            await self._store.subscriptions.mark_told(subscription_id)

    async def _renew(self, delivery: Delivery) -> bool:
        return await self._store.deliveries.renew(delivery, self._now() + LEASE)

    @asynccontextmanager
    async def _holding(self, delivery: Delivery) -> AsyncIterator[None]:
        """Keep renewing the claim while the block runs."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 3)
                await self._renew(delivery)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()


def _payer(subscription: Subscription) -> Payer:
    """Who pays for the digest's calls to the language model: its server, or the reader of direct messages."""
    if subscription.kind == "dm":
        return Payer(person_id=subscription.owner_id)
    return Payer(subscription.guild_id)


def nonce_of(delivery: Delivery) -> str:
    """A nonce of 22 characters that only this delivery has, the same in every process."""
    return nonce_from(f"{delivery.subscription.subscription_id} {delivery.due_at.astimezone(UTC).isoformat()}")


def nonce_from(key: str) -> str:
    """Hash a key to 22 characters, the same in every process; Discord recognises repeats by them."""
    digest = hashlib.sha256(key.encode()).digest()[:NONCE_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Raise UnavailableError once POSTING is over; what was asked for may still have happened."""
    try:
        async with asyncio.timeout(POSTING.total_seconds()):
            yield
    except TimeoutError:
        raise UnavailableError(say("The chat platform takes too long to answer.")) from None
