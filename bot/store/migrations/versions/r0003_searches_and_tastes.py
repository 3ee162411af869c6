"""Create the tables of searches and of servers' tastes; add to each star whether others may know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Create the tables and the column."""
    op.create_table(
        "searches",
        sa.Column("key", sa.String(16), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("searches_by_age", "searches", ["used_at"])
    op.create_table(
        "tastes",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("paper_id", sa.Text, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.add_column("stars", sa.Column("private", sa.Boolean, nullable=False, server_default=sa.true()))
