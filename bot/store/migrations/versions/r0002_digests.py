"""Create the tables of digests: subscriptions, deliveries, and the papers shown in each destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "subscriptions",
        sa.Column("subscription_id", sa.String(16), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("place_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("owner_id", sa.BigInteger),
        sa.Column("topics", sa.JSON, nullable=False),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("hour", sa.SmallInteger, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("weekdays", sa.JSON, nullable=False),
        sa.Column("most", sa.SmallInteger, nullable=False),
        sa.Column("silent", sa.Boolean, nullable=False),
        sa.Column("roundup", sa.Boolean, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("next_due_at", moment, nullable=False),
        sa.Column("delivered_until", moment, nullable=False),
        sa.Column("greeted", sa.Boolean, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("untold", sa.Boolean, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_index("subscriptions_by_due", "subscriptions", ["next_due_at"])
    op.create_index("subscriptions_by_place", "subscriptions", ["place_id"])
    op.create_index("subscriptions_by_server", "subscriptions", ["guild_id"])
    op.create_index("subscriptions_by_owner", "subscriptions", ["owner_id"])
    op.create_table(
        "deliveries",
        sa.Column(
            "subscription_id",
            sa.String(16),
            sa.ForeignKey("subscriptions.subscription_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("due_at", moment, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("claimed_until", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", moment),
        sa.Column("until", moment),
        sa.Column("body", sa.Text),
        sa.Column("message_ids", sa.JSON),
        sa.Column("posted_at", moment),
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "claimed_until"])
    op.create_table(
        "shown_papers",
        sa.Column("place_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("paper_id", sa.Text, primary_key=True),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("subscription_id", sa.String(16), nullable=False),
        sa.Column("due_at", moment, nullable=False),
    )
    op.create_index("shown_papers_by_server", "shown_papers", ["guild_id"])
    op.create_index("shown_papers_by_delivery", "shown_papers", ["subscription_id", "due_at"])
