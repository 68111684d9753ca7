"""The door to the database."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from ..errors import Busy
from .engine import LOCK_WAIT_S, make_engine, options_for, parse_url
from .failures import translate
from .migrate import check, upgrade
from .transaction import Transaction
from .unit import Unit


class _Process:
    """What belongs to one process: an engine, and the turn to write."""

    def __init__(self, url: URL) -> None:
        self.engine: Engine = make_engine(url)
        dialect = self.engine.dialect.name
        self.reading = self.engine.execution_options(
            **options_for(dialect, writing=False, durable=False)
        )
        self.writing = self.engine.execution_options(
            **options_for(dialect, writing=True, durable=True)
        )
        self.hasty = self.engine.execution_options(
            **options_for(dialect, writing=True, durable=False)
        )
        # Threads of one process take turns here: SQLite itself lets waiting
        # writers poll, which is slow and unfair. PostgreSQL needs no such turn.
        self.turn = threading.Lock() if dialect == "sqlite" else None
        self.local = threading.local()


class Records:
    """Everything the house knows apart from file contents.

    Safe to share between threads, and across ``fork``: each process opens its
    own connections when it first needs one.
    """

    def __init__(self, url: str) -> None:
        """Remember where the database is; ``open`` is what callers want."""
        self._url = parse_url(url)
        self._processes: dict[int, _Process] = {}

    @classmethod
    def open(cls, url: str, *, migrate: bool = True) -> Self:
        """Open the records, and bring their schema up to date.

        Several processes may do this at the same time.

        Args:
            url: ``sqlite:////path/to/file`` or ``postgresql+psycopg://...``.
            migrate: Upgrade an older (or empty) database; without it one is refused.

        Raises:
            InvalidInput: The URL names no database this house can use.
            Conflict: The schema is newer than this program, or older and
                ``migrate`` is off.
        """
        records = cls(url)
        try:
            with _translated():
                engine = records._process().engine
                if migrate:
                    upgrade(engine)
                else:
                    check(engine)
        except BaseException:
            records.close()
            raise
        return records

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Unit]:
        """Open one writing transaction; commits at the end, rolls back on an exception.

        Args:
            durable: Whether the commit must survive a power loss once this
                returns. False saves the disk's flush; for heartbeats and
                everything that is made again anyway.

        Raises:
            Busy: Other writers did not finish in time.
            RuntimeError: This thread has a writing transaction open already.
        """
        process = self._process()
        with _turn(process), _translated():
            engine = process.writing if durable else process.hasty
            with engine.begin() as connection:
                yield Unit(Transaction(connection, writing=True))

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """Open one snapshot; writing through it is refused."""
        with _translated(), self._process().reading.connect() as connection, connection.begin():
            yield Unit(Transaction(connection, writing=False))

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        process = self._processes.pop(os.getpid(), None)
        if process is not None:
            process.engine.dispose()

    def _process(self) -> _Process:
        """This process's half.

        After a fork the parent's entry stays referenced on purpose: collecting it
        would close connections that belong to the parent. No lock guards the
        creation, since a lock may be held by another thread at the fork; the loser
        of a race drops an engine that never connected.
        """
        pid = os.getpid()
        process = self._processes.get(pid)
        if process is None:
            process = self._processes.setdefault(pid, _Process(self._url))
        return process


@contextmanager
def _turn(process: _Process) -> Iterator[None]:
    if getattr(process.local, "writing", False):
        raise RuntimeError("this thread is inside Records.begin() already")
    if process.turn is not None and not process.turn.acquire(timeout=LOCK_WAIT_S):
        raise Busy("the records are locked by another writer", hint="try again")
    process.local.writing = True
    try:
        yield
    finally:
        process.local.writing = False
        if process.turn is not None:
            process.turn.release()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error
