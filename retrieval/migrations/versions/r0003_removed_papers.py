"""Add when a paper was removed, whether its text is erased, and its venue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Add columns; existing papers are not removed, and their venue is unknown."""
    op.add_column("papers", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.add_column("papers", sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("papers", sa.Column("venue", sa.Text))
