"""Add the posted parts to deliveries, and the next check and crossposting to subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Add the columns; subscriptions that are paused for a reason are checked again at once."""
    op.add_column("deliveries", sa.Column("parts", sa.JSON))
    op.add_column("subscriptions", sa.Column("look_at", sa.DateTime(timezone=True)))
    op.add_column("subscriptions", sa.Column("crosspost", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE subscriptions SET look_at = next_due_at WHERE paused AND reason IS NOT NULL")
