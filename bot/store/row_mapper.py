"""Map table rows to dataclasses and back; each column belongs to the field of the same name."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

if TYPE_CHECKING:
    import sqlalchemy as sa
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_adapter = cache(TypeAdapter)


def from_row(kind: type[T], row: sa.Row[Any]) -> T:
    """Build a dataclass from a row; lists become tuples and sets, and columns without a field are left out."""
    made: T = _adapter(kind).validate_python(dict(row._mapping))  # noqa: SLF001  # public
    return made


def to_columns(record: DataclassInstance) -> dict[str, Any]:
    """Map field names to column values; sets become sorted lists, as JSON has no sets."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}


def exported(row: sa.Row[*tuple[Any, ...]]) -> dict[str, object]:
    """Make a row ready for JSON: ids as strings (JavaScript rounds large numbers), dates and times in ISO 8601."""
    return {name: _plain(name, value) for name, value in row._mapping.items()}  # noqa: SLF001  # public


def _plain(name: str, value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and name.endswith("_id") else value
