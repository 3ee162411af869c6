"""FeedbackBook: ratings of answers and stars on papers, and the taste that a server shows by them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import sqlalchemy as sa

from bot.store.domain import Trend
from bot.store.row_mapper import exported
from bot.store.store_tables import answer_papers, answers, ratings, stars, tastes
from storage.database import insert_into, upsert

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

# A star is about the paper itself; a rating is about an answer, which may cite several.
STAR: Final = 1.0
RATING: Final = 0.5


class FeedbackBook:
    """Store what people think of answers and papers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rate(self, answer_id: str, user_id: int, value: Literal[1, -1, 0], reason: str | None = None) -> bool:
        """Store a person's rating of an answer, replacing an earlier one; 0 removes it.

        Returns False, and stores nothing, if the answer is no longer stored.
        """
        async with self._database.writing() as connection:
            known = sa.select(answers.c.answer_id).where(answers.c.answer_id == answer_id)
            if await connection.scalar(known.with_for_update(read=True, key_share=True)) is None:
                return False
            if value == 0:
                await connection.execute(
                    sa.delete(ratings).where(ratings.c.answer_id == answer_id, ratings.c.user_id == user_id)
                )
                return True
            row = {"value": value, "reason": reason and _storable(reason), "rated_at": datetime.now(UTC)}
            await upsert(connection, ratings, {"answer_id": answer_id, "user_id": user_id}, row)
            return True

    async def star(self, paper_id: str, user_id: int, guild_id: int | None, *, private: bool = False) -> bool:
        """Toggle a person's star on a paper, and return whether it is starred now.

        Others in the server must not learn of a `private` star.
        """
        async with self._database.writing() as connection:
            insert = insert_into(connection, stars).values(
                paper_id=paper_id, user_id=user_id, guild_id=guild_id, private=private, starred_at=datetime.now(UTC)
            )
            # On a database server, another click may come between the two statements.
            while True:
                if (await connection.execute(insert.on_conflict_do_nothing())).rowcount:
                    return True
                if (await connection.execute(sa.delete(stars).where(_star(paper_id, user_id)))).rowcount:
                    return False

    async def starred(self, paper_id: str, user_id: int) -> bool:
        """Check whether a person has starred a paper."""
        async with self._database.reading() as connection:
            return bool(await connection.scalar(sa.select(sa.exists().where(_star(paper_id, user_id)))))

    async def saved(self, user_id: int) -> list[str]:
        """List the papers that a person starred, latest first."""
        asked = sa.select(stars.c.paper_id).where(stars.c.user_id == user_id)
        async with self._database.reading() as connection:
            return list(await connection.scalars(asked.order_by(stars.c.starred_at.desc(), stars.c.paper_id)))

    async def saved_in(self, guild_id: int) -> list[str]:
        """List the papers starred publicly in a server, most stars first."""
        count, last = sa.func.count(), sa.func.max(stars.c.starred_at)
        asked = (
            sa.select(stars.c.paper_id)
            .where(stars.c.guild_id == guild_id, stars.c.private.is_(False))
            .group_by(stars.c.paper_id)
            .order_by(count.desc(), last.desc(), stars.c.paper_id)
        )
        async with self._database.reading() as connection:
            return list(await connection.scalars(asked))

    async def liked(self, guild_id: int) -> dict[str, float]:
        """Score how much a server likes each paper: up for a star or a 👍 on an answer that cites it, down for a 👎.

        Feedback of any age counts.
        """
        given = sa.select(stars.c.paper_id, sa.literal(STAR).label("weight")).where(stars.c.guild_id == guild_id)
        rated = (
            sa.select(answer_papers.c.paper_id, (ratings.c.value * RATING).label("weight"))
            .join(ratings, ratings.c.answer_id == answer_papers.c.answer_id)
            .join(answers, answers.c.answer_id == answer_papers.c.answer_id)
            .where(answers.c.guild_id == guild_id)
        )
        outlived = sa.select(tastes.c.paper_id, (tastes.c.value * RATING).label("weight")).where(
            tastes.c.guild_id == guild_id
        )
        every = sa.union_all(given, rated, outlived).subquery()
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(every.c.paper_id, sa.func.sum(every.c.weight)).group_by(every.c.paper_id)
            )
            return {paper_id: float(weight) for paper_id, weight in rows}

    async def trending(self, guild_id: int, since: datetime, limit: int = 10) -> list[Trend]:
        """List the papers that a server has asked about and liked most since a moment, most popular first.

        Private answers, their ratings and private stars do not count.
        """
        one, none = sa.literal(1), sa.literal(0)
        public = (answers.c.guild_id == guild_id) & answers.c.private.is_(False)
        asked = (
            sa.select(answer_papers.c.paper_id, one.label("asked"), none.label("liked"))
            .join(answers, answers.c.answer_id == answer_papers.c.answer_id)
            .where(public, answers.c.asked_at >= since)
        )
        praised = (
            sa.select(answer_papers.c.paper_id, none.label("asked"), one.label("liked"))
            .join(answers, answers.c.answer_id == answer_papers.c.answer_id)
            .join(ratings, ratings.c.answer_id == answers.c.answer_id)
            .where(public, ratings.c.rated_at >= since, ratings.c.value > 0)
        )
        given = sa.select(stars.c.paper_id, none.label("asked"), one.label("liked")).where(
            stars.c.guild_id == guild_id, stars.c.private.is_(False), stars.c.starred_at >= since
        )
        every = sa.union_all(asked, praised, given).subquery()
        asks, likes = sa.func.sum(every.c.asked), sa.func.sum(every.c.liked)
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(every.c.paper_id, asks, likes)
                .group_by(every.c.paper_id)
                .order_by((asks + likes).desc(), likes.desc(), every.c.paper_id)
                .limit(limit)
            )
            return [Trend(*row) for row in rows]

    async def keep_tastes_older(self, connection: AsyncConnection, moment: datetime) -> None:
        """Keep what ratings say about a server's taste, for answers from before `moment`, which are deleted next."""
        await self._outlive(connection, answers.c.asked_at < moment)

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export a person's ratings and stars."""
        rated = await connection.execute(
            sa.select(ratings.c.answer_id, ratings.c.value, ratings.c.reason, ratings.c.rated_at)
            .where(ratings.c.user_id == user_id)
            .order_by(ratings.c.rated_at)
        )
        starred = await connection.execute(
            sa.select(stars.c.paper_id, stars.c.guild_id, stars.c.private, stars.c.starred_at)
            .where(stars.c.user_id == user_id)
            .order_by(stars.c.starred_at)
        )
        return {"ratings": [exported(row) for row in rated], "stars": [exported(row) for row in starred]}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete a person's ratings and stars; how others rated their answers is added to the server's taste."""
        rated = await connection.execute(sa.delete(ratings).where(ratings.c.user_id == user_id))
        await self._outlive(connection, answers.c.asker_id == user_id)
        starred = await connection.execute(sa.delete(stars).where(stars.c.user_id == user_id))
        return rated.rowcount + starred.rowcount

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete a server's taste and the stars given in it; its ratings go with its answers."""
        starred = await connection.execute(sa.delete(stars).where(stars.c.guild_id == guild_id))
        taste = await connection.execute(sa.delete(tastes).where(tastes.c.guild_id == guild_id))
        return starred.rowcount + taste.rowcount

    async def _outlive(self, connection: AsyncConnection, going: sa.ColumnElement[bool]) -> None:
        """Add the ratings of answers that are about to be deleted to their servers' taste, without the raters."""
        left = (
            sa.select(answers.c.guild_id, answer_papers.c.paper_id, sa.func.sum(ratings.c.value))
            .join(answer_papers, answer_papers.c.answer_id == answers.c.answer_id)
            .join(ratings, ratings.c.answer_id == answers.c.answer_id)
            .where(going, answers.c.guild_id.is_not(None))
            .group_by(answers.c.guild_id, answer_papers.c.paper_id)
        )
        insert = insert_into(connection, tastes).from_select(["guild_id", "paper_id", "value"], left)
        more = {"value": tastes.c.value + insert.excluded.value}
        await connection.execute(insert.on_conflict_do_update(index_elements=["guild_id", "paper_id"], set_=more))


def _star(paper_id: str, user_id: int) -> sa.ColumnElement[bool]:
    return (stars.c.paper_id == paper_id) & (stars.c.user_id == user_id)


def _storable(text: str) -> str:
    """Remove characters that some databases refuse: NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()
