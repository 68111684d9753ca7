"""What a unit of work promises, on each database."""

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.errors import Busy, Conflict, InvalidInput, StorageFull
from storage.model import EventKind, PackageMeta
from storage.records import Records, engine
from tests.contracts.making import project

ROOT = Path(__file__).resolve().parents[2]


def test_everything_happens_or_nothing(records):
    with pytest.raises(ValueError, match="on purpose"), records.begin() as unit:
        project(unit, "a")
        unit.events.append(EventKind.META_CHANGED, "a")
        raise ValueError("on purpose")
    with records.read() as unit:
        assert unit.projects.list() == []
        assert unit.events.pending() == 0


def test_a_snapshot_does_not_move(records):
    with records.read() as before:
        assert before.projects.list() == []
        with records.begin() as unit:
            project(unit, "a")
        assert before.projects.list() == []
        assert before.projects.find("a") is None
    with records.read() as after:
        assert after.projects.list() == ["a"]


def test_readers_do_not_wait_for_a_writer(records):
    with records.begin() as unit:
        project(unit, "a")
        with records.read() as reading:
            assert reading.projects.list() == []


def test_reading_units_cannot_write(records):
    with records.read() as unit, pytest.raises(RuntimeError, match="reading"):
        project(unit, "a")


def test_a_second_writing_unit_in_a_thread_is_a_mistake_not_a_deadlock(records):
    with records.begin():
        with pytest.raises(RuntimeError, match="already"), records.begin():
            pass
    with records.begin() as unit:
        project(unit, "a")


def test_hasty_transactions_commit_too(records):
    with records.begin(durable=False) as unit:
        project(unit, "a")
    with records.begin() as unit:
        assert unit.projects.list() == ["a"]


def test_a_broken_reference_is_a_conflict_not_a_crash(records):
    with pytest.raises(Conflict), records.begin() as unit:
        unit.packages.create(4711, "hello", "abc", PackageMeta("hello", "a"), 1)


def test_closed_records_open_again_by_themselves(records):
    records.close()
    records.close()
    with records.read() as unit:
        assert unit.projects.list() == []


def test_a_writer_that_waits_too_long_is_told_to_try_again(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "LOCK_WAIT_S", 0.05)
    url = f"sqlite:///{tmp_path}/records.db"
    first, second = Records.open(url), Records.open(url)
    with first.begin(), pytest.raises(Busy), second.begin():
        pass
    first.close()
    second.close()


def test_threads_of_one_process_wait_their_turn(tmp_path, monkeypatch):
    from storage.records import records as module

    monkeypatch.setattr(module, "LOCK_WAIT_S", 0.05)
    opened = Records.open(f"sqlite:///{tmp_path}/records.db")
    caught = []

    def write():
        try:
            with opened.begin():
                pass
        except Busy as error:
            caught.append(error)

    with opened.begin():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(caught) == 1
    opened.close()


def test_a_full_disk_is_said_to_be_full(tmp_path):
    opened = Records.open(f"sqlite:///{tmp_path}/records.db")
    with pytest.raises(StorageFull), opened.begin() as unit:
        connection = unit.projects._tx._connection
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        for number in range(1000):
            project(unit, f"p{number}", title="x" * 4000)
    opened.close()


def test_sqlite_is_opened_for_safety_and_concurrency(sqlite_records):
    def settings(unit):
        connection = unit.projects._tx._connection
        names = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    with sqlite_records.begin() as unit:
        assert settings(unit) == ["wal", 1, 2, 30_000]
    with sqlite_records.begin(durable=False) as unit:
        assert settings(unit) == ["wal", 1, 1, 30_000]
    with sqlite_records.begin() as unit:
        assert settings(unit) == ["wal", 1, 2, 30_000]


def test_the_sqlite_file_is_for_its_owner_only(tmp_path):
    Records.open(f"sqlite:///{tmp_path}/deep/records.db").close()
    path = tmp_path / "deep" / "records.db"
    assert path.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "sqlite:///a?mode=ro"],
)
def test_a_url_that_is_no_database_of_the_house_is_refused(url):
    with pytest.raises(InvalidInput):
        Records.open(url)


def test_a_server_that_is_not_there_is_busy(tmp_path):
    pytest.importorskip("psycopg")
    with pytest.raises(Busy, match="cannot be reached"):
        Records.open(f"postgresql+psycopg://nobody@/none?host={tmp_path}")


_FORKING = """
import os, sys
from storage.records import Records
from storage.model import ProjectMeta

records = Records.open(sys.argv[1])
with records.begin() as unit:
    unit.projects.create("parent", "p", ProjectMeta("parent"), 1)
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for turn in range(5):
                name = f"child-{number}-{turn}"
                with records.begin() as unit:
                    unit.projects.create(name, name, ProjectMeta(name), 1)
            records.close()
            status = 0
        finally:
            os._exit(status)
    children.append(pid)
for turn in range(5):
    with records.begin() as unit:
        unit.projects.create(f"parent-{turn}", f"c{turn}", ProjectMeta("x"), 1)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
with records.read() as unit:
    print(len(unit.projects.list()))
records.close()
"""


def test_parent_and_children_go_on_after_a_fork(records_url):
    done = subprocess.run(
        [sys.executable, "-c", _FORKING, records_url],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.stdout, done.stderr) == ("26\n", "")
