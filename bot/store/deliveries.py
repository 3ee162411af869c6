"""Deliveries: digests that are due, in progress or posted, and the papers shown in each destination.

A delivery gets a row when it is first claimed, keyed by its subscription and due time. Before a digest is posted, its
papers are recorded for the destination. The primary key lets each paper be recorded once, so none is shown twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bot.store.domain import Delivery, Posted, Subscription
from bot.store.row_mapper import exported, from_row
from bot.store.store_tables import deliveries, shown_papers, subscriptions
from bot.store.subscriptions import GOING_ON, HELD_BACK, set_paused
from retrieval.batches import batched
from storage.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

CLAIMED: Final = "claimed"
RECORDED: Final = "recorded"
UNDER_WAY: Final = (
    deliveries.c.due_at,
    deliveries.c.attempts,
    deliveries.c.tried_at,
    deliveries.c.until,
    deliveries.c.body,
    deliveries.c.parts,
)
PUT_OFF: Final = timedelta(days=365)  # no digest is posted later than this after it was due
BATCH: Final = 500  # SQLite allows 32,766 parameters per statement


class Deliveries:
    """Give each due digest to one worker at a time, until it is recorded as posted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_due(self) -> datetime | None:
        """Find the next time (UTC) at which there is something to claim, None if nothing is scheduled."""
        due = sa.select(sa.func.min(subscriptions.c.next_due_at)).where(
            subscriptions.c.paused.is_(False), ~_under_way()
        )
        looks = sa.select(sa.func.min(subscriptions.c.look_at)).where(HELD_BACK, ~_under_way())
        later = sa.case(
            (subscriptions.c.look_at > deliveries.c.claimed_until, subscriptions.c.look_at),
            else_=deliveries.c.claimed_until,
        )
        again = (
            sa.select(sa.func.min(later, type_=subscriptions.c.look_at.type))
            .join_from(deliveries, subscriptions)
            .where(deliveries.c.state == CLAIMED, subscriptions.c.paused.is_(False) | HELD_BACK)
        )
        async with self._database.reading() as connection:
            moments = [await connection.scalar(asked) for asked in (due, looks, again)]
        return min((moment for moment in moments if moment is not None), default=None)

    async def claim(self, now: datetime, worker: str, claimed_until: datetime, limit: int) -> list[Delivery]:
        """Claim up to `limit` due digests: first those whose claim has run out or that were put off, then new ones.

        Within each group, what has been due for longest comes first. After `claimed_until` any worker may claim them
        again. Processes that claim at the same time get different digests.
        """
        async with self._database.writing() as connection:
            taken = [
                _delivery(row, worker)
                for row in await connection.execute(
                    sa.select(subscriptions, *UNDER_WAY)
                    .join_from(deliveries, subscriptions)
                    .where(
                        deliveries.c.state == CLAIMED,
                        deliveries.c.claimed_until <= now,
                        subscriptions.c.paused.is_(False) | _to_look_at(now),
                    )
                    .order_by(deliveries.c.due_at, deliveries.c.subscription_id)
                    .limit(limit)
                    .with_for_update(of=deliveries, skip_locked=True)
                )
            ]
            for delivery in taken:
                await connection.execute(
                    sa.update(deliveries).where(_key(delivery)).values(worker=worker, claimed_until=claimed_until)
                )
            due = [
                from_row(Subscription, row)
                for row in await connection.execute(
                    sa.select(subscriptions)
                    .where(
                        (subscriptions.c.paused.is_(False) & (subscriptions.c.next_due_at <= now)) | _to_look_at(now),
                        ~_under_way(),
                    )
                    .order_by(subscriptions.c.next_due_at, subscriptions.c.subscription_id)
                    .limit(limit - len(taken))
                    .with_for_update(skip_locked=True)
                )
            ]
            if not due:
                return taken
            insert = insert_into(connection, deliveries).values(
                [
                    {
                        "subscription_id": subscription.subscription_id,
                        "due_at": subscription.next_due_at,
                        "state": CLAIMED,
                        "worker": worker,
                        "claimed_until": claimed_until,
                        "attempts": 0,
                    }
                    for subscription in due
                ]
            )
            # Another process may have claimed one after our read and before our lock.
            got = set(await connection.scalars(insert.on_conflict_do_nothing().returning(deliveries.c.subscription_id)))
        new = [Delivery(subscription, subscription.next_due_at, worker) for subscription in due]
        return [*taken, *(delivery for delivery in new if delivery.subscription.subscription_id in got)]

    async def renew(self, delivery: Delivery, claimed_until: datetime) -> bool:
        """Extend a claim; False if it is no longer this worker's."""
        async with self._database.writing() as connection:
            renewed = await connection.execute(
                sa.update(deliveries).where(_mine(delivery)).values(claimed_until=claimed_until)
            )
            return renewed.rowcount > 0

    async def shown(self, place_id: int, paper_ids: Collection[str]) -> set[str]:
        """Find which of these papers were shown in a destination, or are about to be: a delivery has prepared them."""
        found: set[str] = set()
        async with self._database.reading() as connection:
            for batch in batched(paper_ids, BATCH):
                among = shown_papers.c.paper_id.in_(batch)
                found.update(
                    await connection.scalars(
                        sa.select(shown_papers.c.paper_id).where(shown_papers.c.place_id == place_id, among)
                    )
                )
        return found

    async def prepare(
        self,
        delivery: Delivery,
        body: str,
        paper_ids: Collection[str],
        *,
        until: datetime,
        tried_at: datetime,
        claimed_until: datetime,
    ) -> bool:
        """Record what is about to be posted, and extend the claim.

        From `tried_at` on, others take it that it may have been posted. Returns False and changes nothing if another
        worker has the claim by now, or if another delivery has recorded one of the papers for the same destination.
        """
        subscription = delivery.subscription
        async with self._database.writing() as connection:
            transaction = await connection.begin_nested()
            written = await connection.execute(
                sa.update(deliveries)
                .where(_mine(delivery))
                .values(body=body, until=until, tried_at=tried_at, claimed_until=claimed_until)
            )
            ids = sorted(set(paper_ids))  # sorted, so that two transactions cannot deadlock
            new = 0
            if ids and written.rowcount:
                insert = insert_into(connection, shown_papers).values(
                    [
                        {
                            "place_id": subscription.place_id,
                            "paper_id": paper_id,
                            "guild_id": subscription.guild_id,
                            "subscription_id": subscription.subscription_id,
                            "due_at": delivery.due_at,
                        }
                        for paper_id in ids
                    ]
                )
                new = (await connection.execute(insert.on_conflict_do_nothing())).rowcount
            if not written.rowcount or new < len(ids):
                await transaction.rollback()
                return False
            await transaction.commit()
            return True

    async def unprepare(self, delivery: Delivery) -> bool:
        """Undo `prepare`, when it is certain that nothing was posted; False if another worker has the claim."""
        async with self._database.writing() as connection:
            cleared = await connection.execute(
                sa.update(deliveries).where(_mine(delivery)).values(body=None, until=None, tried_at=None)
            )
            if not cleared.rowcount:
                return False
            await connection.execute(_shown_by(delivery))
            return True

    async def note(self, delivery: Delivery, posted: Posted, claimed_until: datetime) -> bool:
        """Record the parts posted so far and extend the claim; False if another worker has the claim."""
        parts = {"messages": list(posted.message_ids), "papers": list(posted.papers), "rest": posted.rest_id}
        async with self._database.writing() as connection:
            noted = await connection.execute(
                sa.update(deliveries).where(_mine(delivery)).values(parts=parts, claimed_until=claimed_until)
            )
            return noted.rowcount > 0

    async def put_off(self, delivery: Delivery, until: datetime) -> None:
        """Release a delivery, so that any worker can claim it again from a moment on."""
        async with self._database.writing() as connection:
            await connection.execute(
                sa.update(deliveries)
                .where(_mine(delivery))
                .values(worker=None, claimed_until=until, attempts=deliveries.c.attempts + 1)
            )

    async def record(
        self,
        delivery: Delivery,
        message_ids: Sequence[int],
        *,
        until: datetime,
        posted_at: datetime,
        next_due: Callable[[Subscription], datetime],
    ) -> bool:
        """Record that a digest was posted in these messages, and schedule the next one.

        There are no messages if there was nothing to post. `next_due` computes the next due time from the subscription,
        which may have been edited since the claim. Returns False if the delivery was recorded already, or if the
        subscription is gone.
        """
        async with self._database.writing() as connection:
            recorded = await connection.execute(
                sa.update(deliveries)
                .where(_key(delivery), deliveries.c.state == CLAIMED)
                .values(
                    state=RECORDED,
                    body=None,
                    parts=None,
                    message_ids=list(message_ids),
                    posted_at=posted_at,
                    until=until,
                )
            )
            if not recorded.rowcount:
                return False
            mine = subscriptions.c.subscription_id == delivery.subscription.subscription_id
            row = (await connection.execute(sa.select(subscriptions).where(mine).with_for_update())).one()
            now = from_row(Subscription, row)
            await connection.execute(
                sa.update(subscriptions)
                .where(mine)
                .values(
                    delivered_until=max(now.delivered_until, until),
                    greeted=now.greeted or bool(message_ids),
                    # An edit may have moved it already.
                    next_due_at=next_due(now) if now.next_due_at == delivery.due_at else now.next_due_at,
                )
            )
            # Whatever prevented posting has passed.
            await connection.execute(sa.update(subscriptions).where(mine, HELD_BACK).values(GOING_ON))
            return True

    async def hold_back(self, delivery: Delivery, reason: str, *, look_at: datetime, maybe_posted: bool) -> None:
        """Pause the subscription for a reason that its owner is to be told; at `look_at` it is tried again.

        The delivery is dropped, and its papers with it, unless a part of it was posted. With `maybe_posted` it stays
        too, as a part may have been.
        """
        async with self._database.writing() as connection:
            await set_paused(
                connection,
                delivery.subscription.subscription_id,
                reason,
                look_at=look_at,
                maybe_posted=maybe_posted,
            )
            still_there = sa.exists().where(_key(delivery))
            await connection.execute(_shown_by(delivery).where(~still_there))

    async def messages(self, subscription_id: str, due_at: datetime) -> list[int] | None:
        """List the messages of a posted digest, none if it had no papers; None if it has not been posted."""
        async with self._database.reading() as connection:
            return await connection.scalar(
                sa.select(deliveries.c.message_ids).where(
                    deliveries.c.subscription_id == subscription_id,
                    deliveries.c.due_at == due_at,
                    deliveries.c.state == RECORDED,
                )
            )

    async def forget_older(self, connection: AsyncConnection, moment: datetime) -> int:
        """Delete the digests posted before a moment and the papers they showed; return the number of rows.

        A digest looks back a few days at most, so none of those papers can be new to any digest. Deliveries in progress
        stay with their papers, however long they have been due. Once a subscription is gone, only the due time of its
        papers is known, and they may have been posted long after it. They are kept for PUT_OFF longer.
        """
        done = (deliveries.c.state == RECORDED) & (deliveries.c.posted_at < moment)
        of_delivery = sa.tuple_(shown_papers.c.subscription_id, shown_papers.c.due_at)
        keys = sa.select(deliveries.c.subscription_id, deliveries.c.due_at)
        gone = (shown_papers.c.due_at < moment - PUT_OFF) & of_delivery.not_in(keys)
        shown = await connection.execute(sa.delete(shown_papers).where(of_delivery.in_(keys.where(done)) | gone))
        posted = await connection.execute(sa.delete(deliveries).where(done))
        return shown.rowcount + posted.rowcount

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export the papers that a person was shown in DMs."""
        rows = await connection.execute(
            sa.select(shown_papers.c.paper_id, shown_papers.c.due_at)
            .where(shown_papers.c.place_id == user_id)
            .order_by(shown_papers.c.due_at, shown_papers.c.paper_id)
        )
        return {"shown_in_dms": [exported(row) for row in rows]}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete the record of papers that a person was shown in DMs."""
        return (await connection.execute(sa.delete(shown_papers).where(shown_papers.c.place_id == user_id))).rowcount

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete the record of papers shown in a server; its deliveries go with its subscriptions."""
        return (await connection.execute(sa.delete(shown_papers).where(shown_papers.c.guild_id == guild_id))).rowcount


def _under_way() -> sa.ColumnElement[bool]:
    """SQL condition on a subscription: it has a delivery that is claimed or put off."""
    return sa.exists().where(
        deliveries.c.subscription_id == subscriptions.c.subscription_id, deliveries.c.state == CLAIMED
    )


def _to_look_at(now: datetime) -> sa.ColumnElement[bool]:
    """SQL condition on a paused subscription: it is time to check whether the reason has passed."""
    return HELD_BACK & (subscriptions.c.look_at <= now)


def _key(delivery: Delivery) -> sa.ColumnElement[bool]:
    return (deliveries.c.subscription_id == delivery.subscription.subscription_id) & (
        deliveries.c.due_at == delivery.due_at
    )


def _mine(delivery: Delivery) -> sa.ColumnElement[bool]:
    return _key(delivery) & (deliveries.c.worker == delivery.worker) & (deliveries.c.state == CLAIMED)


def _shown_by(delivery: Delivery) -> sa.Delete:
    return sa.delete(shown_papers).where(
        shown_papers.c.subscription_id == delivery.subscription.subscription_id,
        shown_papers.c.due_at == delivery.due_at,
    )


def _delivery(row: sa.Row[Any], worker: str) -> Delivery:
    subscription, posted = from_row(Subscription, row), _posted(row.parts)
    return Delivery(subscription, row.due_at, worker, row.attempts, row.tried_at, row.until, row.body, posted)


def _posted(parts: Mapping[str, Any] | None) -> Posted:
    if parts is None:
        return Posted()
    return Posted(tuple(parts["messages"]), tuple(parts["papers"]), parts["rest"])
