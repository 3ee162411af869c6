"""Add covering indexes for queries over all papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0008"
down_revision = "0007"

STANDS = "withdrawn_by IS NULL AND removed_at IS NULL"


def upgrade(op: Operations) -> None:
    """Add partial indexes: of papers in the library, and of pending, withdrawn and removed ones."""
    differs = "IS NOT" if op.get_bind().dialect.name == "sqlite" else "IS DISTINCT FROM"
    for name, columns, condition in (
        ("papers_standing", ["published", "number", "indexed_chunks"], STANDS),
        ("papers_pending", ["number", "indexed_chunks"], f"{STANDS} AND indexed_hash {differs} content_hash"),
        ("papers_withdrawn", ["number"], "withdrawn_by IS NOT NULL"),
        ("papers_removed", ["removed_at"], "removed_at IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "papers", columns, sqlite_where=where, postgresql_where=where)
