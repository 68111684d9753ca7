"""Plain questions, run by SQLite's driver as they stand.

A request asks a dozen of them, and SQLAlchemy spends ten times as long around one
as SQLite takes to answer it. Statements are still written and compiled by
SQLAlchemy; only running them again is short-cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable, Select


class PlainQuestion:
    """A compiled SELECT with a fixed number of parameters."""

    __slots__ = ("_binders", "_defaults", "_readers", "_sql")

    def __init__(
        self,
        sql: str,
        defaults: Mapping[str, Any],
        binders: list[tuple[str, Callable[[Any], Any] | None]],
        readers: Sequence[Callable[[Any], Any] | None],
    ) -> None:
        """Keep what ``compiled`` found out."""
        self._sql = sql
        self._defaults = defaults
        self._binders = binders
        self._readers = readers if any(readers) else None

    def ask(self, connection: sqlite3.Connection, parameters: Mapping[str, object]) -> Any:
        """Run it; a cursor or iterator over rows.

        Raises:
            sqlite3.Error: Whatever the driver says.
        """
        given = {**self._defaults, **parameters}
        values = [
            given[name] if bind is None else bind(given[name]) for name, bind in self._binders
        ]
        return connection.execute(self._sql, values)

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row of the answer in Python's types."""
        if self._readers is None:
            return row
        return tuple(
            value if reader is None else reader(value)
            for value, reader in zip(row, self._readers, strict=True)
        )


_known: WeakKeyDictionary[Select[Any], tuple[PlainQuestion | None] | None] = WeakKeyDictionary()
"""By statement, not in it: what is derived from a statement copies its attributes."""


def plain(statement: Executable, dialect: Dialect) -> PlainQuestion | None:
    """The statement in plain form, None when it has none or is new.

    What is asked once may have been put together for the occasion; only a
    statement that comes again is worth compiling for good. The form goes away
    with the statement.
    """
    if not isinstance(statement, Select):
        return None
    if statement not in _known:
        _known[statement] = None
        return None
    known = _known[statement]
    if known is None:
        known = _known[statement] = (_compiled(statement, dialect),)
    return known[0]


def _compiled(statement: Select[Any], dialect: Dialect) -> PlainQuestion | None:
    compiled: Any = statement.compile(dialect=dialect)
    if compiled.post_compile_params or compiled.literal_execute_params:
        return None
    binders = [
        (name, compiled.binds[name].type.bind_processor(dialect)) for name in compiled.positiontup
    ]
    readers = [column.type.result_processor(dialect, None) for column in statement.selected_columns]
    return PlainQuestion(compiled.string, compiled.params, binders, readers)
