"""The tables of the catalogue; a change here needs a migration, see retrieval/migrations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage.columns import Moment

metadata = sa.MetaData()

papers = sa.Table(
    "papers",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("paper_id", sa.String, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("abstract", sa.Text, nullable=False),
    # The source of title and abstract; paper_sources lists all sources of the paper.
    sa.Column("source", sa.String, nullable=False),
    sa.Column("url", sa.Text),
    sa.Column("published", sa.Date),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("indexed_hash", sa.String(64)),
    # How many windows the dense index may hold; when the text gets shorter, the surplus ones are deleted.
    sa.Column("indexed_chunks", sa.Integer, nullable=False, default=0),
    # When the paper was first indexed, null until then; a rebuild or a new version does not change it.
    sa.Column("added_at", Moment),
    sa.Column("upvotes", sa.Integer),
    sa.Column("code_url", sa.Text),
    sa.Column("keywords", sa.JSON(none_as_null=True)),
    sa.Column("version", sa.Integer),
    # The source that reported the withdrawal; null if the paper is not withdrawn.
    sa.Column("withdrawn_by", sa.Text),
    sa.Column("updated", Moment),
    sa.Column("authors", sa.JSON(none_as_null=True)),
    sa.Column("categories", sa.JSON(none_as_null=True)),
    sa.Column("listed", sa.Date),
    sa.Column("announce_type", sa.Text),
    sa.Column("venue", sa.Text),
    # Title and abstract with their original markup; null if there was none.
    sa.Column("raw_title", sa.Text),
    sa.Column("raw_abstract", sa.Text),
    # When the paper was removed from the library; null if it was not.
    sa.Column("removed_at", Moment),
    # Whether the text of a removed paper was erased; title and ids stay.
    sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("papers_by_arrival", "added_at"),
)

STANDS = papers.c.withdrawn_by.is_(None) & papers.c.removed_at.is_(None)
# The ids of withdrawn and removed papers, which are few: cheaper to exclude than STANDS is to look up.
GONE = sa.union(
    sa.select(papers.c.paper_id).where(papers.c.withdrawn_by.is_not(None)),
    sa.select(papers.c.paper_id).where(papers.c.removed_at.is_not(None)),
)
PENDING = STANDS & papers.c.indexed_hash.is_distinct_from(papers.c.content_hash)


def _of_those(name: str, condition: sa.ColumnElement[bool], *columns: sa.Column[Any]) -> None:
    sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


# Rows contain abstracts, so a query over all papers would read the whole table; these covering indexes answer it.
_of_those("papers_standing", STANDS, papers.c.published, papers.c.number, papers.c.indexed_chunks)
_of_those("papers_pending", PENDING, papers.c.number, papers.c.indexed_chunks)
_of_those("papers_withdrawn", papers.c.withdrawn_by.is_not(None), papers.c.number)
_of_those("papers_removed", papers.c.removed_at.is_not(None), papers.c.removed_at)

chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("text_hash", sa.String(64), nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    # Packed Contents (contents.py), some 10 kB; the last column, so that SQLite can read a row without it.
    sa.Column("contents", sa.LargeBinary, nullable=False),
)

paper_sources = sa.Table(
    "paper_sources",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("source", sa.String, primary_key=True),
    sa.Index("paper_sources_by_source", "source"),
)

paper_aliases = sa.Table(
    "paper_aliases",
    metadata,
    sa.Column("alias", sa.String, primary_key=True),
    sa.Column("paper_id", sa.String, nullable=False),
    sa.Index("paper_aliases_by_paper", "paper_id"),
)

# Papers that must be dropped from the indexes, and how many chunks of each they may hold.
leaving_papers = sa.Table(
    "leaving_papers",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("chunks", sa.Integer, nullable=False),
)

index_changes = sa.Table(
    "index_changes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("paper_id", sa.String, nullable=False),
    sa.Index("index_changes_by_paper", "paper_id"),
    sqlite_autoincrement=True,  # numbers are never reused
)

library_state = sa.Table(
    "library_state",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),  # one row
    sa.Column("library_id", sa.String, nullable=False),
    sa.Column("stamp", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("filling", sa.Integer),
)

# The index lease: which process indexes a shared library; one row, or none.
index_turn = sa.Table(
    "index_turn",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("renewed_at", Moment, nullable=False),
)

# Papers that have a full text. It is in no index: search reads it for papers it has already found.
full_texts = sa.Table(
    "full_texts",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("pages", sa.Integer, nullable=False),
    # Whether section_windows holds its vectors by the indexes' model.
    sa.Column("embedded", sa.Boolean, nullable=False, server_default=sa.false()),
)

sections = sa.Table(
    "sections",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("heading", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # Pairs (offset in the text, page that begins there).
    sa.Column("breaks", sa.JSON, nullable=False),
)

section_windows = sa.Table(
    "section_windows",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("section", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("text_hash", sa.String(64), nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    # Packed Contents, as in `chunks`; null until embedded.
    sa.Column("contents", sa.LargeBinary),
)

# Attempts to fetch the full text of a paper: how many, the last one, and why it failed.
full_text_attempts = sa.Table(
    "full_text_attempts",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("tried_at", Moment, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("sentence", sa.Text),
)

source_readings = sa.Table(
    "source_readings",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("cursor", sa.Text),
    sa.Column("last_success", Moment),
    sa.Column("newest", Moment),
    sa.Column("failing_since", Moment),
    sa.Column("sentence", sa.Text),
)
