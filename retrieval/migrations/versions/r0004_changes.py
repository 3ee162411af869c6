"""Add the change feed, and the library's id and live collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0004"
down_revision = "0003"


def upgrade(op: Operations) -> None:
    """Add two tables; followers have no position in the feed yet and start with all papers."""
    op.create_table(
        "index_changes",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("paper_id", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("index_changes_by_paper", "index_changes", ["paper_id"])
    op.create_table(
        "library_state",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("library_id", sa.String, nullable=False),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("filling", sa.Integer),
    )
