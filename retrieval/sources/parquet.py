"""Parquet, read some rows at a time with pyarrow, if that is installed."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, Any, Final

from retrieval.errors import BadInputError
from retrieval.sources.archive import whole
from retrieval.sources.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.sources.rows import Found

_ROWS: Final = 500


def read_parquet(stream: BinaryIO) -> Iterator[Found]:
    """Yield the rows of a file; raises BadInputError if it is damaged, or pyarrow is not installed."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise BadInputError("it is Parquet, which takes pyarrow (pip install 'footnote[parquet]')") from error
    number = 0
    try:
        # Packed files can only be read forwards, but Parquet is read from its end.
        file = parquet.ParquetFile(stream if stream.seekable() else io.BytesIO(whole(stream)))
        for batch in file.iter_batches(batch_size=_ROWS):
            for record in batch.to_pylist():
                number += 1
                yield Row(f"row {number}", {key: _told(value) for key, value in record.items()})
    except (ArrowException, OSError) as error:
        raise BadInputError(f"it cannot be read as Parquet ({str(error).splitlines()[0][:80]})") from error


def _told(value: Any) -> Any:  # noqa: ANN401
    return value.isoformat() if isinstance(value, dt.date) else value
