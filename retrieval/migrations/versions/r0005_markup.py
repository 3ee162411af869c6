"""Add the original markup of title and abstract, and drop URLs that were a search for the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"

SEARCH = "https://huggingface.co/papers?q="


def upgrade(op: Operations) -> None:
    """Add columns; the markup of existing papers is lost, and the shipped ones linked to a search for their title."""
    op.add_column("papers", sa.Column("raw_title", sa.Text))
    op.add_column("papers", sa.Column("raw_abstract", sa.Text))
    papers = sa.table("papers", sa.column("url", sa.Text), sa.column("indexed_hash", sa.String(64)))
    # The lexical index contains the address, so these papers must be indexed again.
    searches = sa.update(papers).where(papers.c.url.startswith(SEARCH, autoescape=True))
    op.get_bind().execute(searches.values(url=None, indexed_hash=None))
