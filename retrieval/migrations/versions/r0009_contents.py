"""Store contents with each window: sentence vectors with 8 bits per dimension, word vectors with 3."""

from __future__ import annotations

import json
import struct
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alembic.operations import Operations
    from numpy.typing import NDArray

revision = "0009"
down_revision = "0008"

PAPERS: Final = 200  # papers in memory at a time
WORDS_OF: Final = 384  # dimensions of the only model with word vectors


def upgrade(op: Operations) -> None:
    """Move each sentence's row into its window, so that one row per window is left."""
    connection = op.get_bind()
    _move_sentences(op, connection)
    _pack_full_texts(op, connection)


def _move_sentences(op: Operations, connection: sa.Connection) -> None:
    columns = ("paper_id", "position", "start", "end", "kind", "text_hash", "model", "vector", "words")
    old = sa.table("chunks", *map(sa.column, columns))
    new = op.create_table(
        "windows",
        sa.Column("paper_id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("contents", sa.LargeBinary, nullable=False),
    )
    ids = list(connection.scalars(sa.select(old.c.paper_id).distinct().order_by(old.c.paper_id)))
    for start in range(0, len(ids), PAPERS):
        some = old.c.paper_id.in_(ids[start : start + PAPERS])
        rows = connection.execute(sa.select(old).where(some).order_by(old.c.paper_id, old.c.position))
        found = [row for _, own in groupby(rows, key=lambda row: row.paper_id) for row in _windows(list(own))]
        if found:
            connection.execute(sa.insert(new), found)
        connection.execute(sa.delete(old).where(some))  # frees pages for the next batch
    op.drop_index("chunks_by_kind", "chunks", if_exists=True)
    op.drop_table("chunks")
    op.rename_table("windows", "chunks")
    if connection.dialect.name == "postgresql":
        op.execute("ALTER INDEX windows_pkey RENAME TO chunks_pkey")


def _windows(rows: Sequence[sa.Row[Any]]) -> Iterable[dict[str, object]]:
    """The windows of one paper, with their sentences."""
    sentences = [row for row in rows if row.kind == "sentence"]
    for row in rows:
        if row.kind != "window":
            continue
        vector = np.frombuffer(row.vector, np.float32)
        own = [sentence for sentence in sentences if row.start <= sentence.start < row.end]
        vectors = [np.frombuffer(sentence.vector, np.float32) for sentence in own]
        spans = [(sentence.start - row.start, sentence.end - row.start) for sentence in own]
        yield {
            **{name: getattr(row, name) for name in ("paper_id", "position", "start", "end", "text_hash", "model")},
            "vector": row.vector,
            "contents": _packed(spans, np.array(vectors, np.float32).reshape(len(own), len(vector)), row.words or b""),
        }


def _pack_full_texts(op: Operations, connection: sa.Connection) -> None:
    op.add_column("section_windows", sa.Column("contents", sa.LargeBinary))
    columns = ("paper_id", "position", "vector", "spans", "sentences", "words", "contents")
    windows = sa.table("section_windows", *map(sa.column, columns))
    read = sa.select(windows).where(windows.c.spans.is_not(None), windows.c.sentences.is_not(None))
    for paper_id in list(connection.scalars(read.with_only_columns(windows.c.paper_id).distinct())):
        for row in connection.execute(read.where(windows.c.paper_id == paper_id)).all():
            spans = json.loads(row.spans) if isinstance(row.spans, str) else row.spans
            dimensions = len(row.vector) // 4
            sentences = np.frombuffer(row.sentences, np.float16).astype(np.float32).reshape(-1, dimensions)
            this = windows.c.paper_id == paper_id, windows.c.position == row.position
            contents = _packed(spans or [], sentences, row.words or b"")
            connection.execute(sa.update(windows).where(*this).values(contents=contents))
    for name in ("spans", "sentences", "words"):
        op.drop_column("section_windows", name)


def _packed(spans: Sequence[Sequence[int]], sentences: NDArray[np.float32], words: bytes) -> bytes:
    """Pack contents in the format that contents.py had when this migration was written."""
    scales = np.maximum(np.abs(sentences).max(axis=1, initial=0.0), 1e-9).astype(np.float32) / 127
    levels = np.rint(sentences / scales[:, None]).astype(np.int8)
    offsets = np.array(spans, np.int32).reshape(-1, 2)
    head = struct.pack("<II", *levels.shape)
    return b"".join((head, offsets.tobytes(), scales.tobytes(), levels.tobytes(), _in_three_bits(words)))


def _in_three_bits(words: bytes) -> bytes:
    """Convert word vectors from 4 bits per dimension, in steps of .35 standard deviations, to 3 bits."""
    pairs = np.frombuffer(words, np.uint8).reshape(-1, WORDS_OF // 2)
    values = (np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32) - 8) * 0.35
    values += 0.02 * (-1.0) ** np.arange(WORDS_OF)  # values near zero round up or down in equal parts
    levels = np.clip(np.floor(values / 0.586) + 4, 0, 7).astype(np.uint8)
    first, second, third, fourth = np.split(levels & 3, 4, axis=1)
    lower = first | second << 2 | third << 4 | fourth << 6
    return np.concatenate([lower, np.packbits(levels >> 2, axis=1)], axis=1).tobytes()
