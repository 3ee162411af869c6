"""Create the first tables, papers and chunks, or adopt those of a database older than migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create what is missing; an older catalogue may have all of it, or chunks without words."""
    op.create_table(
        "papers",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("paper_id", sa.String, nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("abstract", sa.Text, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("published", sa.Date),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("indexed_hash", sa.String(64)),
        sa.Column("indexed_chunks", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "chunks",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("words", sa.LargeBinary),
        if_not_exists=True,
    )
    if "words" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("chunks")}:
        op.add_column("chunks", sa.Column("words", sa.LargeBinary))
    op.create_index("chunks_by_kind", "chunks", ["paper_id", "kind"], if_not_exists=True)
