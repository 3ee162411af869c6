"""Let deliveries know which parts of a digest stand, and subscriptions when to look again and whether to crosspost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Add the columns; what was paused for a reason before is looked at again at once."""
    op.add_column("deliveries", sa.Column("parts", sa.JSON))
    op.add_column("subscriptions", sa.Column("look_at", sa.DateTime(timezone=True)))
    op.add_column("subscriptions", sa.Column("crosspost", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE subscriptions SET look_at = next_due_at WHERE paused AND reason IS NOT NULL")
