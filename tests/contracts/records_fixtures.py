"""Fresh records on each database the house knows; imported by ``conftest.py``."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from storage.records import Records
from tests.postgres import database_name, new_database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request, tmp_path):
    """URL of a migrated, empty database; migrated once and then copied."""
    if request.param == "postgresql":
        return new_database_url(template=_migrated_database())
    shutil.copy(_migrated_file(), tmp_path / "records.db")
    return f"sqlite:///{tmp_path}/records.db"


@pytest.fixture
def records(records_url):
    """Open, empty records."""
    opened = Records.open(records_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_records(tmp_path):
    """Open, empty records in SQLite, for what only concerns SQLite."""
    shutil.copy(_migrated_file(), tmp_path / "records.db")
    opened = Records.open(f"sqlite:///{tmp_path}/records.db")
    yield opened
    opened.close()


@cache
def _migrated_database() -> str:
    url = new_database_url()
    Records.open(url).close()
    return database_name(url)


@cache
def _migrated_file() -> Path:
    directory = tempfile.mkdtemp(prefix="records-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = Path(directory) / "empty.db"
    Records.open(f"sqlite:///{path}").close()
    return path
