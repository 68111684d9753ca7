"""Engines: how each database is opened, and how a transaction on it begins."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from ..errors import Busy, InvalidInput

LOCK_WAIT_S = 30
"""How long a writer waits for the others."""

_WAL_LIMIT_BYTES = 64 << 20
_CACHE_KIB = 8 << 10


def parse_url(url: str) -> URL:
    """Check a database URL and choose its driver.

    Raises:
        InvalidInput: Neither a SQLite file nor a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise InvalidInput("the database URL cannot be read", hint=_HINT) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise InvalidInput("a SQLite database needs a file", hint=_HINT)
        return parsed.set(drivername="sqlite+pysqlite")
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise InvalidInput(f"no records on '{parsed.drivername}'", hint=_HINT)


_HINT = "give sqlite:////path/to/file or postgresql+psycopg://user@host/database"


def make_engine(url: URL) -> Engine:
    """Open a database; connections are made when first needed."""
    if url.drivername.startswith("sqlite"):
        return _sqlite(url)
    return _postgresql(url)


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Password hashes live here: never readable by others, not even at first.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_engine(
        url,
        pool_size=16,
        max_overflow=-1,
        connect_args={"timeout": LOCK_WAIT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: "begin" below does.
    connection.isolation_level = None
    _switch_to_wal(connection)
    for pragma in (
        "foreign_keys = ON",
        "synchronous = FULL",
        f"cache_size = -{_CACHE_KIB}",
        f"journal_size_limit = {_WAL_LIMIT_BYTES}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: Any) -> None:
    """Turn WAL on; SQLite does not wait for other openers here, so this does."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except Exception as error:
            if "locked" not in str(error):
                raise
            if time.monotonic() > deadline:
                raise Busy("the database is locked by another process") from error
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("writing"):
        # Deferred: takes no lock and cannot fail, so the driver may be asked directly.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
        return
    wanted = "FULL" if options.get("durable") else "NORMAL"
    if connection.info.get("synchronous", "FULL") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous = {wanted}")
        connection.info["synchronous"] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_size=8,
            max_overflow=24,
            pool_timeout=LOCK_WAIT_S,
            pool_pre_ping=True,
            connect_args={"options": f"-c lock_timeout={LOCK_WAIT_S}s", "connect_timeout": 10},
        )
    except ImportError as error:
        raise InvalidInput(
            "the PostgreSQL driver is not installed", hint="install packhouse[postgresql]"
        ) from error
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("writing") and not options.get("durable"):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def options_for(dialect: str, *, writing: bool, durable: bool) -> dict[str, Any]:
    """Execution options of one transaction.

    Reading on PostgreSQL needs REPEATABLE READ to be one snapshot, which SQLite
    gives anyway.
    """
    options: dict[str, Any] = {"writing": writing, "durable": durable}
    if dialect == "postgresql" and not writing:
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return options
