"""Create the first tables: servers, answers with their messages and papers, threads, ratings, stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "servers",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("channels", sa.JSON, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("threads", sa.Boolean, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("digest_hour", sa.Integer, nullable=False),
        sa.Column("digest_zone", sa.Text, nullable=False),
        sa.Column("left_at", moment),
    )
    op.create_table(
        "answers",
        sa.Column("answer_id", sa.String(64), primary_key=True),
        sa.Column("asker_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("question_message_id", sa.BigInteger),
        sa.Column("parent_id", sa.String(64), sa.ForeignKey("answers.answer_id", ondelete="SET NULL")),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("answers_by_asker", "answers", ["asker_id"])
    op.create_index("answers_by_channel", "answers", ["channel_id", "asked_at"])
    op.create_index("answers_by_server", "answers", ["guild_id", "asked_at"])
    op.create_index("answers_by_age", "answers", ["asked_at"])
    op.create_index("answers_by_question", "answers", ["question_message_id"])
    op.create_index("answers_by_parent", "answers", ["parent_id"])
    op.create_table(
        "answer_messages",
        sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _of_answer(),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_index("answer_messages_by_answer", "answer_messages", ["answer_id", "position"])
    op.create_table(
        "answer_papers",
        _of_answer(primary_key=True),
        sa.Column("paper_id", sa.Text, primary_key=True),
    )
    op.create_table(
        "threads",
        sa.Column("thread_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("opener_id", sa.BigInteger),
    )
    op.create_index("threads_by_server", "threads", ["guild_id"])
    op.create_index("threads_by_opener", "threads", ["opener_id"])
    op.create_table(
        "ratings",
        _of_answer(primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("value", sa.SmallInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("rated_at", moment, nullable=False),
    )
    op.create_index("ratings_by_person", "ratings", ["user_id"])
    op.create_table(
        "stars",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("paper_id", sa.Text, primary_key=True),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("starred_at", moment, nullable=False),
    )
    op.create_index("stars_by_server", "stars", ["guild_id", "starred_at"])


def _of_answer(*, primary_key: bool = False) -> sa.Column[str]:
    answer = sa.ForeignKey("answers.answer_id", ondelete="CASCADE")
    return sa.Column("answer_id", sa.String(64), answer, nullable=False, primary_key=primary_key)
