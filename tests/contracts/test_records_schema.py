"""The schema: migrated as mapped, by whoever comes first, and never by a stranger."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from storage.errors import Conflict
from storage.records import Records, migrate
from storage.records.tables import metadata
from tests.postgres import new_database_url

ROOT = Path(__file__).resolve().parents[2]

_POSTGRESQL_SHAPE = """
    SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION SELECT tablename, indexname, indexdef, '', '', '' FROM pg_indexes
    WHERE schemaname = 'public'
    UNION SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""


def shape(url: str) -> set:
    """Everything that defines a database's tables, to be compared."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            rows = connection.execute(text(_POSTGRESQL_SHAPE)).all()
            found = {tuple(row) for row in rows if row[0] != "alembic_version"}
        else:
            rows = connection.execute(text("SELECT sql FROM sqlite_master")).scalars()
            found = {_normal(sql) for sql in rows if sql and "alembic_version" not in sql}
    engine.dispose()
    return found


def _normal(sql: str) -> tuple:
    """A CREATE statement, its lines in any order."""
    lines = re.sub(r"\s+", " ", sql).strip().removesuffix(")").split(", ")
    return tuple(sorted(line.strip() for line in lines))


def empty_url(kind: str, directory: Path) -> str:
    return new_database_url() if kind == "postgresql" else f"sqlite:///{directory}/other.db"


def test_the_migrated_schema_equals_the_mapped_tables(records_url, tmp_path):
    mapped_url = empty_url(records_url.partition("+")[0], tmp_path)
    engine = create_engine(mapped_url)
    metadata.create_all(engine)
    engine.dispose()
    assert shape(records_url) == shape(mapped_url)


def test_alembic_finds_nothing_to_change(records_url):
    engine = create_engine(records_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_head_named_in_the_code_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage/records/migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_processes_may_open_an_empty_database_at_once(kind, tmp_path):
    url = empty_url(kind, tmp_path)
    script = "import sys; from storage.records import Records; Records.open(sys.argv[1]).close()"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", script, url],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    errors = [process.communicate(timeout=100)[1] for process in starting]
    assert errors == [""] * len(starting)
    opened = Records.open(url, migrate=False)
    with opened.read() as unit:
        assert unit.projects.list() == []
    opened.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_failed_migration_leaves_nothing_behind(kind, tmp_path, monkeypatch):
    url = empty_url(kind, tmp_path)
    run = migrate._run

    def fail(connection, before):
        run(connection, before)
        raise OSError("pulled the plug")

    monkeypatch.setattr(migrate, "_run", fail)
    with pytest.raises(OSError, match="plug"):
        Records.open(url)
    assert shape(url) == set()
    monkeypatch.undo()
    Records.open(url).close()


def test_an_unmigrated_database_is_refused_when_migrating_is_not_wanted(tmp_path):
    with pytest.raises(Conflict, match="schema none"):
        Records.open(f"sqlite:///{tmp_path}/new.db", migrate=False)


def test_a_database_of_a_newer_program_is_refused(records_url):
    engine = create_engine(records_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for wanted in (True, False):
        with pytest.raises(Conflict, match="9999"):
            Records.open(records_url, migrate=wanted)


def test_numbers_of_builds_and_jobs_are_counted_for_ever_by_sqlite(tmp_path):
    Records.open(f"sqlite:///{tmp_path}/new.db").close()
    connection = sqlite3.connect(tmp_path / "new.db")
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    counted = {name for name, sql in rows if "AUTOINCREMENT" in sql}
    assert {"builds", "jobs", "events", "projects", "packages", "tokens", "accounts"} <= counted


def test_a_migration_can_be_taken_back(tmp_path):
    from alembic import command

    url = f"sqlite:///{tmp_path}/new.db"
    Records.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(ROOT / "storage/records/migrations"))
        command.downgrade(config, "base")
    engine.dispose()
    assert shape(url) == {("CREATE TABLE sqlite_sequence(name,seq",)} or shape(url) == set()
