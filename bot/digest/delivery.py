"""The delivery of digests: claim what is due, choose, post, record, so that each is posted once whatever happens.

What a worker does between two of these steps is written down before it goes on; a digest of several messages is a list
of parts, of which each is posted and written down. A worker that ends anywhere leaves a claim that runs out; the next
one finds either nothing written (it chooses anew), or a digest of which a part may be posted: within the minutes that
the platform remembers nonces it posts the same again, which shows nothing twice, and later it looks for it first.
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
from bot.language import say, speaking
from bot.llm import Payer, paid_by
from bot.log import begin_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.digest.digest import Digest
    from bot.digest.editor import Editor
    from bot.digest.poster import Poster
    from bot.store import Delivery, Store, Subscription

log = logging.getLogger(__name__)

# What was missed while the bot was down is made up for, but no further back: a week, and a day for weekly digests
# that come late.
CATCH_UP: Final = timedelta(days=8)
WEEK: Final = timedelta(days=7)
# A paper may be seen some time after the moment from which it is said to be found.
SETTLING: Final = timedelta(minutes=1)
LEASE: Final = timedelta(seconds=60)
POSTING: Final = 45  # seconds; less than a lease, so that nothing is posted by who has lost it
# "The past few minutes", says Discord.
NONCE_MEMORY: Final = timedelta(minutes=2)
CLOCK_SKEW: Final = timedelta(minutes=5)
BACKOFF: Final = timedelta(seconds=15)
LONGEST_BACKOFF: Final = timedelta(minutes=15)
AT_ONCE: Final = 8
LOOKS: Final = timedelta(days=1)  # between two looks whether what was refused is taken by now
LONGEST_SLEEP: Final = 30  # seconds until another process's changes are seen
TRIES: Final = 5  # at choosing papers that no other delivery puts down for the same place meanwhile
NONCE_BYTES: Final = 16  # 22 characters of the 25 that Discord takes


class LostClaimError(Exception):
    """The delivery is another worker's by now, or nobody's."""


class Deliverer:
    """Post what is due; several may run on one database, in one process or in many.

    Args:
        store: where subscriptions and deliveries are kept.
        editor: who composes digests.
        poster: who posts them.
        now: the clock; an aware moment.
        at_once: how many digests are under way at a time.
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
        """Post digests when they are due until told to stop; those under way then are finished."""
        while not stop.is_set():
            self._woken.clear()
            try:
                await self.tick(stop)
                due = await self._store.deliveries.next_due()
            except Exception:  # the database may be away for a while
                log.exception("digests could not be looked after; trying again")
                due = None
            sleep = LONGEST_SLEEP if due is None else (due - self._now()).total_seconds()
            await self._rest(stop, min(max(sleep, 1.0), LONGEST_SLEEP))

    def wake(self) -> None:
        """Look at once for what is due, because a subscription was made or changed."""
        self._woken.set()

    async def tick(self, stop: asyncio.Event | None = None) -> int:
        """Deliver everything that is due now and tell owners what they need to know; return how many were recorded."""
        due = await self._store.deliveries.next_due()
        delivered = await self._deliver_due(stop) if due is not None and due <= self._now() else 0
        await self._tell_owners()
        return delivered

    async def preview(self, subscription: Subscription) -> Digest:
        """Return what would be posted if it were due now, without its round-up; nothing is kept."""
        with speaking(subscription.language), paid_by(_payer(subscription)):
            return (await self._compose(subscription, self._now(), weekly=False))[0]

    async def post_now(self, subscription_id: str) -> None:
        """Make a subscription due at once, unless it is paused."""
        await self._store.subscriptions.hurry(subscription_id, self._now())
        self.wake()

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait until somebody wakes or stops the engine, or for so long."""
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self._woken)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _deliver_due(self, stop: asyncio.Event | None) -> int:
        """Deliver what is due, `at_once` at a time, and return how many were recorded."""
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
                    more = True  # who was late may be due again
                more = more and not (stop and stop.is_set())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return delivered

    async def _deliver(self, delivery: Delivery) -> bool:
        """Bring one delivery as far as it comes now, and say whether that is its end."""
        begin_trace()
        subscription_id = delivery.subscription.subscription_id
        with speaking(delivery.subscription.language), paid_by(_payer(delivery.subscription)):
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
        """Choose, post and record; whatever was done before is not done again."""
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
        """Post what is missing of a digest, and record it; say whether it was recorded."""
        if digest.weekly and not delivery.posted.message_ids:
            digest = await self._with_roundup(delivery, digest)
        subscription = delivery.subscription
        if subscription.silent and not digest.entries and digest.roundup is None:
            if subscription.paused:  # nothing shows whether it could be posted by now
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
        """Compose the digest and write it down; None where the delivery is another's by now."""
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
        """Return a digest of what is fresh, every id of its papers, and up to when papers were looked through."""
        # The same for all that are due within a minute, who so share one look at the library.
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
        """Say whether the week's last digest is due, or was while nothing could be posted."""
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
        """Return the delivery with all that stands of its digest, also what nobody lived to write down."""
        assert delivery.tried_at is not None
        since = delivery.tried_at - CLOCK_SKEW
        async with _in_time():
            posted = await self._poster.find(
                delivery.subscription, nonce=nonce_of(delivery), since=since, posted=delivery.posted
            )
        return replace(delivery, posted=posted)

    async def _record(self, delivery: Delivery) -> bool:
        """Record what was posted; the next one is due at the next hour after it was chosen, however many were missed.

        What was chosen long ago, and found or finished only now, so leaves the digests due since to be posted.
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
        """Pause what is refused and look at it again in a day, to go on with what stands while that is news."""
        now = self._now()
        if delivery.posted.message_ids and delivery.tried_at and now - delivery.tried_at >= CATCH_UP:
            await self._record(delivery)
            return
        await self._store.deliveries.hold_back(
            delivery, reason, look_at=now + LOOKS, maybe_posted=delivery.tried_at is not None
        )

    async def _put_off(self, delivery: Delivery, retry_after: float | None) -> None:
        wait = min(BACKOFF * 2 ** min(delivery.attempts, 10), LONGEST_BACKOFF)
        if retry_after is not None:
            wait = max(wait, timedelta(seconds=retry_after))
        await self._store.deliveries.put_off(delivery, self._now() + wait)

    async def _tell_owners(self) -> None:
        """Tell those whose subscriptions were paused; who cannot be told sees it in the list of them."""
        for subscription in await self._store.subscriptions.untold():
            subscription_id, owner_id = subscription.subscription_id, subscription.owner_id
            with speaking(subscription.language):
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
        """Renew a claim for as long as the block takes."""

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
    """Return for whom a digest is written: its server, or the person who reads it in direct messages."""
    if subscription.kind == "dm":
        return Payer(person_id=subscription.owner_id)
    return Payer(subscription.guild_id)


def nonce_of(delivery: Delivery) -> str:
    """Return 22 characters that only this delivery has, the same in every process."""
    return nonce_from(f"{delivery.subscription.subscription_id} {delivery.due_at.astimezone(UTC).isoformat()}")


def nonce_from(key: str) -> str:
    """Return 22 characters of a key, the same in every process, by which Discord knows what it has posted."""
    digest = hashlib.sha256(key.encode()).digest()[:NONCE_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Give up after POSTING seconds; what was asked for may still have happened."""
    try:
        async with asyncio.timeout(POSTING):
            yield
    except TimeoutError:
        raise UnavailableError(say("The chat platform takes too long to answer.")) from None
