"""Add what markup a title and an abstract had, and forget addresses that were no paper's own but a search for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"

SEARCH = "https://huggingface.co/papers?q="


def upgrade(op: Operations) -> None:
    """Add columns; papers of before had their markup taken away, and what shipped linked to a search for its title."""
    op.add_column("papers", sa.Column("raw_title", sa.Text))
    op.add_column("papers", sa.Column("raw_abstract", sa.Text))
    papers = sa.table("papers", sa.column("url", sa.Text), sa.column("indexed_hash", sa.String(64)))
    # The lexical index knows a paper by its address, too.
    searches = sa.update(papers).where(papers.c.url.startswith(SEARCH, autoescape=True))
    op.get_bind().execute(searches.values(url=None, indexed_hash=None))
