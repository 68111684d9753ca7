"""One open transaction: the few ways in which stores talk to the database."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Connection, CursorResult, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from .plain import PlainQuestion, plain

Values = tuple[Any, ...]
"""One row, by position."""

_CHUNK = 500
"""Members of one IN list: SQLite before 3.32 allows 999 parameters in a statement."""


class Transaction:
    """A connection inside a transaction; every store of a unit shares one."""

    __slots__ = ("_connection", "_driver", "dialect", "writing")

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        driver = connection.connection.driver_connection
        self._driver = driver if isinstance(driver, sqlite3.Connection) else None
        self.dialect = connection.dialect.name
        self.writing = writing

    def all(self, statement: Executable, **parameters: object) -> Sequence[Values]:
        """Every row of a question."""
        if (question := self._plain(statement)) is not None and self._driver is not None:
            with contextlib.suppress(sqlite3.Error):
                rows = question.ask(self._driver, parameters).fetchall()
                return [question.read(row) for row in rows]
        return cast(Sequence[Values], self._connection.execute(statement, parameters).all())

    def first(self, statement: Executable, **parameters: object) -> Values | None:
        """The first row of a question, or None."""
        if (question := self._plain(statement)) is not None and self._driver is not None:
            with contextlib.suppress(sqlite3.Error):
                cursor = question.ask(self._driver, parameters)
                row = cursor.fetchone()
                cursor.close()
                return None if row is None else question.read(row)
        return cast(Values | None, self._connection.execute(statement, parameters).first())

    def value(self, statement: Executable, **parameters: object) -> Any:
        """The first column of the first row, or None."""
        row = self.first(statement, **parameters)
        return None if row is None else row[0]

    def values(self, statement: Executable, **parameters: object) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.all(statement, **parameters)]

    def _plain(self, statement: Executable) -> PlainQuestion | None:
        """The short way to ask, if there is one; where it fails the long way tells why."""
        return None if self._driver is None else plain(statement, self._connection.dialect)

    def write(
        self,
        statement: Executable,
        parameters: Mapping[str, object] | Sequence[Mapping[str, object]] = (),
    ) -> CursorResult[Any]:
        """Run a changing statement, once per mapping of ``parameters``.

        Raises:
            RuntimeError: The unit was opened for reading.
        """
        if not self.writing:
            raise RuntimeError("a reading unit cannot write; use Records.begin()")
        return self._connection.execute(statement, parameters or None)

    def insert_new(self, table: Table, values: Mapping[str, object], key: Column[Any]) -> Any:
        """Insert a row unless a unique index refuses it; its ``key``, or None.

        The transaction stays usable, which it does not after an IntegrityError on
        PostgreSQL.
        """
        statement = self.insert(table).on_conflict_do_nothing().returning(key)
        return self.write(statement, values).scalar()

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that knows ON CONFLICT; both databases spell it alike."""
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut a long list into parts one statement can carry."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
