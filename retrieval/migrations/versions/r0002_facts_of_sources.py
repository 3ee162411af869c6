"""Add the metadata of online sources, the other ids and the sources of a paper, and the state of each source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.merge import default_aliases

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0002"
down_revision = "0001"

BATCH = 5000


def upgrade(op: Operations) -> None:
    """Add columns and tables; existing papers get one source, their own ids, and the current time as `added_at`."""
    moment = sa.DateTime(timezone=True)
    for column in (
        sa.Column("added_at", moment),
        sa.Column("upvotes", sa.Integer),
        sa.Column("code_url", sa.Text),
        sa.Column("keywords", sa.JSON),
        sa.Column("version", sa.Integer),
        sa.Column("withdrawn_by", sa.Text),
        sa.Column("updated", moment),
        sa.Column("authors", sa.JSON),
        sa.Column("categories", sa.JSON),
        sa.Column("listed", sa.Date),
        sa.Column("announce_type", sa.Text),
    ):
        op.add_column("papers", column)
    op.create_index("papers_by_arrival", "papers", ["added_at"])
    op.create_table(
        "paper_sources",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("source", sa.String, primary_key=True),
    )
    op.create_table(
        "paper_aliases",
        sa.Column("alias", sa.String, primary_key=True),
        sa.Column("paper_id", sa.String, nullable=False),
    )
    op.create_table(
        "leaving_papers",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("chunks", sa.Integer, nullable=False),
    )
    op.create_table(
        "source_readings",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("cursor", sa.Text),
        sa.Column("last_success", moment),
        sa.Column("newest", moment),
        sa.Column("failing_since", moment),
        sa.Column("sentence", sa.Text),
    )
    _fill(op.get_bind())
    op.create_index("paper_sources_by_source", "paper_sources", ["source"])
    op.create_index("paper_aliases_by_paper", "paper_aliases", ["paper_id"])


def _fill(connection: sa.Connection) -> None:
    papers = sa.table(
        "papers",
        sa.column("number", sa.Integer),
        sa.column("paper_id", sa.String),
        sa.column("title", sa.Text),
        sa.column("source", sa.String),
        sa.column("added_at", sa.DateTime(timezone=True)),
    )
    sources = sa.table("paper_sources", sa.column("paper_id", sa.String), sa.column("source", sa.String))
    aliases = sa.table("paper_aliases", sa.column("alias", sa.String), sa.column("paper_id", sa.String))
    connection.execute(sa.update(papers).values(added_at=datetime.now(UTC)))
    connection.execute(
        sa.insert(sources).from_select(["paper_id", "source"], sa.select(papers.c.paper_id, papers.c.source))
    )
    # Of papers with the same title, the one without any other id gets the title's id, else the first.
    connection.execute(
        sa.insert(aliases).from_select(["alias", "paper_id"], sa.select(papers.c.paper_id, papers.c.paper_id))
    )
    taken = set(connection.scalars(sa.select(papers.c.paper_id)))
    last = 0
    while rows := connection.execute(
        sa.select(papers.c.number, papers.c.paper_id, papers.c.title)
        .where(papers.c.number > last)
        .order_by(papers.c.number)
        .limit(BATCH)
    ).all():
        last = rows[-1].number
        new = {
            alias: row.paper_id
            for row in reversed(rows)
            for alias in default_aliases(row.paper_id, row.title)
            if alias not in taken
        }
        taken |= new.keys()
        if new:
            connection.execute(
                sa.insert(aliases), [{"alias": alias, "paper_id": paper_id} for alias, paper_id in new.items()]
            )
