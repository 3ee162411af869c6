"""Add full texts: sections, and their windows with vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0006"
down_revision = "0005"


def upgrade(op: Operations) -> None:
    """Add three tables; existing papers have no full text."""
    op.create_table(
        "full_texts",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("embedded", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "sections",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("heading", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("breaks", sa.JSON, nullable=False),
    )
    op.create_table(
        "section_windows",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("section", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
