"""Store the contents of full-text windows, and attempts to fetch full texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0007"
down_revision = "0006"


def upgrade(op: Operations) -> None:
    """Add three columns and a table; existing full texts are queued to be embedded again."""
    for column in (
        sa.Column("spans", sa.JSON(none_as_null=True)),
        sa.Column("sentences", sa.LargeBinary),
        sa.Column("words", sa.LargeBinary),
    ):
        op.add_column("section_windows", column)
    op.create_table(
        "full_text_attempts",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("sentence", sa.Text),
    )
    op.execute("UPDATE full_texts SET embedded = FALSE")
