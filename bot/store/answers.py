"""Stored answers, found by id, by message, by channel, or through the answer that they follow up."""

from __future__ import annotations

import logging
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bot.store.answer_codec import UnreadableError, as_json, dumps, loads
from bot.store.domain import StoredAnswer
from bot.store.row_mapper import exported, to_columns
from bot.store.store_tables import answer_messages, answer_papers, answers
from storage.database import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

logger = logging.getLogger(__name__)

EXPORTED: Final = ("answer_id", "asked_at", "channel_id", "guild_id", "question_message_id", "private")
COLUMNS: Final = tuple(field.name for field in fields(StoredAnswer) if field.name != "answer")
LONGEST: Final = timedelta(hours=1)  # no question takes longer to answer


class Answers:
    """Store whole answers with the messages that show them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._forgotten: dict[int, datetime] = {}

    async def keep(self, stored: StoredAnswer, message_ids: Sequence[int] = ()) -> bool:
        """Store an answer, replacing one with the same id, and the messages that show it so far.

        A parent that is no longer stored is left out. Returns False, and stores nothing, if the asker was forgotten
        after asking.
        """
        row = to_columns(stored)
        row["body"] = dumps(row.pop("answer"))
        key = {"answer_id": row.pop("answer_id")}
        papers = dict.fromkeys(citation.paper_id for citation in stored.answer.citations)
        async with self._database.writing() as connection:
            if self._forgotten.get(stored.asker_id, stored.asked_at) > stored.asked_at:
                return False
            row["parent_id"] = stored.parent_id if await _exists(connection, stored.parent_id) else None
            await upsert(connection, answers, key, row)
            await connection.execute(sa.delete(answer_papers).where(answer_papers.c.answer_id == stored.answer_id))
            if papers:
                await connection.execute(
                    sa.insert(answer_papers),
                    [{"answer_id": stored.answer_id, "paper_id": paper_id} for paper_id in papers],
                )
            if message_ids:
                await _show(connection, stored.answer_id, message_ids)
        return True

    async def get(self, answer_id: str) -> StoredAnswer | None:
        """Load an answer, None if it is not stored (any more)."""
        return await self._first(sa.select(answers).where(answers.c.answer_id == answer_id))

    async def papers_of_servers(self, since: datetime, limit: int) -> list[str]:
        """List the papers that public answers in servers have cited since a moment, latest first."""
        last = sa.func.max(answers.c.asked_at)
        asked = (
            sa.select(answer_papers.c.paper_id)
            .join(answers)
            .where(answers.c.guild_id.is_not(None), answers.c.private.is_(False), answers.c.asked_at >= since)
            .group_by(answer_papers.c.paper_id)
            .order_by(last.desc(), answer_papers.c.paper_id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return list(await connection.scalars(asked))

    async def mark_posted(self, answer_id: str, message_ids: Sequence[int]) -> None:
        """Record which messages show an answer, in order, in place of those recorded before.

        If a message showed another answer, it no longer does.
        """
        async with self._database.writing() as connection:
            if await _exists(connection, answer_id):
                await _show(connection, answer_id, message_ids)

    async def of_message(self, message_id: int) -> StoredAnswer | None:
        """Load the answer that a message of the bot shows, None if there is none (any more)."""
        return await self._first(
            sa.select(answers).join(answer_messages).where(answer_messages.c.message_id == message_id)
        )

    async def to_question(self, message_id: int) -> tuple[StoredAnswer, list[int]] | None:
        """Load the latest answer to the question in a message, and the bot's messages that show it, in order."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(answers)
                .where(answers.c.question_message_id == message_id)
                .order_by(answers.c.asked_at.desc())
                .limit(1)
            )
            for stored in _readable(rows):
                return stored, await _messages(connection, stored.answer_id)
        return None

    async def messages(self, answer_id: str) -> list[int]:
        """List the bot's messages that show an answer, in order."""
        async with self._database.reading() as connection:
            return await _messages(connection, answer_id)

    async def history(self, answer_id: str, limit: int = 6) -> list[StoredAnswer]:
        """Load the conversation up to an answer, oldest first and at most `limit` answers."""
        step = (
            sa.select(answers.c.answer_id, answers.c.parent_id, sa.literal(1).label("depth"))
            .where(answers.c.answer_id == answer_id)
            .cte("step", recursive=True)
        )
        step = step.union_all(
            sa.select(answers.c.answer_id, answers.c.parent_id, step.c.depth + 1)
            .join(step, answers.c.answer_id == step.c.parent_id)
            .where(step.c.depth < limit)
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(answers).join(step, step.c.answer_id == answers.c.answer_id).order_by(step.c.depth.desc())
            )
            return _readable(rows)

    async def latest_in(self, channel_id: int, limit: int = 6) -> list[StoredAnswer]:
        """Load the latest answers shown in a channel, thread or DM, oldest first; private ones are left out."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(answers)
                .where(answers.c.channel_id == channel_id, answers.c.private.is_(False))
                .order_by(answers.c.asked_at.desc(), answers.c.answer_id.desc())
                .limit(limit)
            )
            return _readable(rows)[::-1]

    async def withdraw(self, answer_id: str) -> None:
        """Delete an answer with its messages and ratings; answers that follow it up stay."""
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(answers).where(answers.c.answer_id == answer_id))

    async def forget_older(self, connection: AsyncConnection, moment: datetime) -> int:
        """Delete the answers given before a moment and count them."""
        return (await connection.execute(sa.delete(answers).where(answers.c.asked_at < moment))).rowcount

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export the questions that a person asked, with the answers and the messages that show them."""
        columns = *(answers.c[name] for name in EXPORTED), answers.c.parent_id.label("follows_up")
        rows = await connection.execute(
            sa.select(*columns, answers.c.body.label("answer"))
            .where(answers.c.asker_id == user_id)
            .order_by(answers.c.asked_at)
        )
        shown = await connection.execute(
            sa.select(answer_messages.c.answer_id, answer_messages.c.message_id)
            .join(answers)
            .where(answers.c.asker_id == user_id)
            .order_by(answer_messages.c.position)
        )
        messages: dict[str, list[str]] = {}
        for answer_id, message_id in shown:
            messages.setdefault(answer_id, []).append(str(message_id))
        return {
            "conversations": [
                exported(row) | {"messages": messages.get(row.answer_id, []), "answer": as_json(row.answer)}
                for row in rows
            ]
        }

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete a person's questions and answers, including answers still being written."""
        now = datetime.now(UTC)
        self._forgotten = {who: when for who, when in self._forgotten.items() if now - when < LONGEST} | {user_id: now}
        return (await connection.execute(sa.delete(answers).where(answers.c.asker_id == user_id))).rowcount

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete the questions asked in a server, with their answers."""
        return (await connection.execute(sa.delete(answers).where(answers.c.guild_id == guild_id))).rowcount

    async def _first(self, query: sa.Select[Any]) -> StoredAnswer | None:
        async with self._database.reading() as connection:
            return next(iter(_readable(await connection.execute(query))), None)


async def _exists(connection: AsyncConnection, answer_id: str | None) -> bool:
    """Check whether an answer is stored, and lock it against deletion until this transaction ends."""
    query = sa.select(answers.c.answer_id).where(answers.c.answer_id == answer_id)
    return await connection.scalar(query.with_for_update(read=True, key_share=True)) is not None


async def _messages(connection: AsyncConnection, answer_id: str) -> list[int]:
    found = await connection.scalars(
        sa.select(answer_messages.c.message_id)
        .where(answer_messages.c.answer_id == answer_id)
        .order_by(answer_messages.c.position)
    )
    return list(found)


async def _show(connection: AsyncConnection, answer_id: str, message_ids: Sequence[int]) -> None:
    await connection.execute(
        sa.delete(answer_messages).where(
            (answer_messages.c.answer_id == answer_id) | answer_messages.c.message_id.in_(message_ids)
        )
    )
    rows = [
        {"message_id": message_id, "answer_id": answer_id, "position": position}
        for position, message_id in enumerate(dict.fromkeys(message_ids))
    ]
    if rows:
        await connection.execute(sa.insert(answer_messages), rows)


def _readable(rows: Iterable[sa.Row[Any]]) -> list[StoredAnswer]:
    """Parse the answers in these rows; skip those that cannot be read, as another version wrote them."""
    found = []
    for row in rows:
        try:
            answer = loads(row.body)
        except UnreadableError as error:
            logger.warning("Answer %s cannot be read any more: %s", row.answer_id, error)
            continue
        found.append(StoredAnswer(answer=answer, **{name: row._mapping[name] for name in COLUMNS}))  # noqa: SLF001  # public
    return found
