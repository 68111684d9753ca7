"""Bringing a database to the schema this program knows."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ..errors import Conflict
from .engine import options_for

HEAD = "0001"
"""The newest migration; a test compares it with the files."""

_LOG = logging.getLogger(__name__)
_SCRIPTS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x7061636B
"""Key of the PostgreSQL lock that lets one process migrate at a time."""


def check(engine: Engine) -> None:
    """Refuse a database with another schema.

    Raises:
        Conflict: Its version is not ``HEAD``.
    """
    with engine.connect() as connection:
        version = _version(connection)
    if version != HEAD:
        raise Conflict(
            f"the database has schema {version or 'none'}, this program needs {HEAD}",
            hint="run 'packhouse admin migrate'",
        )


def upgrade(engine: Engine) -> None:
    """Run the missing migrations in one transaction, one process at a time.

    Raises:
        Conflict: The database was made by a newer program.
    """
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
    options = options_for(engine.dialect.name, writing=True, durable=True)
    with engine.execution_options(**options).begin() as connection:
        # SQLite: BEGIN IMMEDIATE has made us the only writer already.
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        before = _version(connection)
        if before != HEAD:
            _run(connection, before)
            _LOG.info("records migrated from=%s to=%s", before or "nothing", HEAD)


def _run(connection: Connection, before: str | None) -> None:
    # Alembic costs 0.2 s to import: only those who migrate pay.
    from alembic import command, script
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {
        found.revision for found in script.ScriptDirectory.from_config(config).walk_revisions()
    }
    if before is not None and before not in known:
        raise Conflict(
            f"the database has schema {before}, newer than this program's {HEAD}",
            hint="run the program that made it, or a newer one",
        )
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return version
