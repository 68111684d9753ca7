"""How a dataclass of the model lies in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, Generic, Literal, TypeVar, get_origin, get_type_hints

from sqlalchemy import Column, Table

from . import codec
from .transaction import Values

T = TypeVar("T")

_AS_IS = (str, int, bool, str | None, int | None)


class Shape(Generic[T]):
    """Rows to instances of one frozen dataclass, and fields back to columns.

    Texts and numbers lie in a column of the field's name; enums by value;
    everything else (objects, tuples, dataclasses) as JSON text.

    Args:
        cls: The dataclass.
        table: Where its columns are.
        **elsewhere: Fields that a joined table holds; they are never written.
    """

    def __init__(self, cls: type[T], table: Table, **elsewhere: Column[Any]) -> None:
        hints = get_type_hints(cls)
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        self.cls = cls
        self.columns = [elsewhere[n] if n in elsewhere else table.c[n] for n in names]
        self._writers = {name: _writer(hints[name]) for name in names if name not in elsewhere}
        self._readers = [
            (position, reader)
            for position, name in enumerate(names)
            if (reader := _reader(hints[name])) is not None
        ]

    def load(self, row: Values) -> T:
        """Make the instance from a row that starts with ``columns``."""
        values = list(row[: len(self.columns)])
        for position, reader in self._readers:
            values[position] = reader(values[position])
        return self.cls(*values)

    def load_all(self, rows: Sequence[Values]) -> list[T]:
        """``load`` for every row."""
        return [self.load(row) for row in rows]

    def dump(self, values: dict[str, Any]) -> dict[str, Any]:
        """Turn field values into column values.

        Raises:
            TypeError: The dataclass has no such field of its own.
        """
        unknown = values.keys() - self._writers.keys()
        if unknown:
            raise TypeError(f"{self.cls.__name__} keeps no field {sorted(unknown)}")
        return {
            name: value if (write := self._writers[name]) is None else write(value)
            for name, value in values.items()
        }

    def dump_whole(self, value: T, *, without: Sequence[str] = ()) -> dict[str, Any]:
        """Column values of a whole instance, some fields left out."""
        return self.dump({n: getattr(value, n) for n in self._writers if n not in without})

    def defaults(self) -> dict[str, Any]:
        """Column values of every field of its own that has a default."""
        found = {}
        for field in fields(self.cls):  # type: ignore[arg-type]
            if field.name not in self._writers:
                continue
            if field.default is not MISSING:
                found[field.name] = field.default
            elif field.default_factory is not MISSING:
                found[field.name] = field.default_factory()
        return self.dump(found)


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    convert = codec.decoder(hint)
    if _is_text(hint):
        return convert
    if convert is None:
        return codec.parse
    return lambda text: convert(codec.parse(text))


def _writer(hint: Any) -> Callable[[Any], Any] | None:
    if not _is_text(hint):
        return codec.dumps
    return _plain if isinstance(hint, type) and issubclass(hint, Enum) else None


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _is_text(hint: Any) -> bool:
    if hint in _AS_IS or get_origin(hint) is Literal:
        return True
    return isinstance(hint, type) and issubclass(hint, Enum)
