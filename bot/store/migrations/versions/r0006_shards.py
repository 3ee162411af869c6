"""Let several processes share the bot's shards, handled events and rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0006"
down_revision = "0005"


def upgrade(op: Operations) -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "shard_leases",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", moment, nullable=False),
    )
    op.create_table(
        "seen_events",
        sa.Column("event_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Float(53), nullable=False),
        sa.Column("seen_at", moment, nullable=False),
    )
    op.create_index("seen_events_by_age", "seen_events", ["seen_at"])
    op.create_table(
        "acts",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("snowflake", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("times", sa.JSON, nullable=False),
        sa.Column("last_at", moment, nullable=False),
    )
