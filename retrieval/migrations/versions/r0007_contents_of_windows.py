"""Keep the sentences and words of a full text's windows with their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0007"
down_revision = "0006"


def upgrade(op: Operations) -> None:
    """Add three columns, and have the full texts of before wait to be read anew."""
    for column in (
        sa.Column("spans", sa.JSON(none_as_null=True)),
        sa.Column("sentences", sa.LargeBinary),
        sa.Column("words", sa.LargeBinary),
    ):
        op.add_column("section_windows", column)
    op.execute("UPDATE full_texts SET embedded = FALSE")
