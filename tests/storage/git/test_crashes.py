"""A process that dies at any line of a write leaves nothing half done.

The child is killed when it reaches the Nth line of code of the storage room, for
many N. Whoever opens the package next must find a repository git has nothing to
say against, an index that agrees with it, and every acknowledged commit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import storage.git.transaction
from storage.house import PackageStore
from storage.model import PackageMeta, WantedFile
from storage.names import LATEST

from .houses import ANNA, SmallHouse, content, fsck_is_clean, names, open_house, raw_of
from .pushing import clone

STORAGE = str(Path(storage.git.transaction.__file__).parent)
CAREFULLY = ("transaction.py", "refs.py", "pushes.py", "durable.py", "trash.py", "pushlog.py")
KILLED = 9


def run_until(line: int, act: Callable[[], object], only: tuple[str, ...] = ()) -> int | None:
    """Run ``act`` in a child that dies at its ``line``-th line of storage code.

    Returns:
        None when it was killed, else how many lines it ran in all.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal seen
            name = frame.f_code.co_filename
            if not name.startswith(STORAGE) or (only and not name.endswith(only)):
                return None if event == "call" else trace
            if event == "line":
                seen += 1
                if seen == line:
                    os._exit(KILLED)
            return trace

        sys.settrace(trace)
        act()
        sys.settrace(None)
        os.write(writer, str(seen).encode())
        os._exit(0)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = os.read(reader, 20)
    os.close(reader)
    assert status in (0, KILLED)
    return int(said) if status == 0 else None


def points(total: int, most: int) -> list[int]:
    step = max(1, total // most)
    return list(range(1, total + 1, step))


def is_whole(house: SmallHouse, store: PackageStore) -> None:
    """Git, index and large files agree, and the package can be written."""
    assert fsck_is_clean(store.repository.path)
    assert house.storage.fsck() == []
    numbers = [revision.number for revision in store.history()]
    assert numbers == list(range(1, len(numbers) + 1))
    for revision in store.history():
        assert store.revision(LATEST) is not None
        with house.records.read() as unit:
            assert unit.listings.get(revision.tree) is not None


def put(house: SmallHouse, number: int) -> Callable[[], object]:
    def act() -> object:
        store = house.storage.package("home:anna", "hello")
        return house.put(store, "f", b"%d" % number, f"c{number}", operation=f"op{number}")

    return act


def list_files(house: SmallHouse, number: int) -> Callable[[], object]:
    def act() -> object:
        import hashlib

        store = house.storage.package("home:anna", "hello")
        data = b"%d" % number
        house.upload(store, "u", data)
        house.store(store, "f", data)
        wanted = [WantedFile("f", hashlib.md5(data).hexdigest())]
        return store.commit_files(
            wanted, ANNA, f"c{number}", validate=False, operation=f"op{number}"
        )

    return act


@pytest.mark.parametrize(
    ("make", "only", "most"),
    [(put, CAREFULLY, 45), (put, (), 20), (list_files, CAREFULLY, 20)],
    ids=["put, ref and transaction code", "put, all code", "file list"],
)
def test_a_killed_commit_is_there_whole_or_not_at_all(
    house: SmallHouse,
    make: Callable[[SmallHouse, int], Callable[[], object]],
    only: tuple[str, ...],
    most: int,
) -> None:
    store = house.hello()
    house.put(store, "f", b"start", "c0")
    total = run_until(-1, make(house, 1), only)
    assert total is not None
    acknowledged = {"c0", "c1"}
    for number, line in enumerate(points(total, most), start=2):
        ran = run_until(line, make(house, number), only)
        # What the dead process wanted is asked for once more, with the same key.
        make(house, number)()
        acknowledged.add(f"c{number}")
        store = house.storage.package("home:anna", "hello")
        assert content(store, "f") == b"%d" % number
        comments = [revision.comment for revision in store.history()]
        assert comments.count(f"c{number}") == 1, f"killed at line {line}, ran {ran}"
        if number % 15 == 0:
            is_whole(house, store)
    is_whole(house, store)
    assert acknowledged <= {revision.comment for revision in store.history()}


def test_a_killed_commit_is_healed_by_the_next_reader(house: SmallHouse) -> None:
    store = house.hello()
    house.put(store, "f", b"start", "c0")
    total = run_until(-1, put(house, 1), ("refs.py",))
    assert total is not None
    healed = 0
    for number, line in enumerate(points(total, 30), start=2):
        run_until(line, put(house, number), ("refs.py",))
        before = store.repository.refs.read("refs/heads/main")
        with house.records.read() as unit:
            indexed = unit.revisions.latest(store.package.id, "source")
        assert indexed is not None
        healed += indexed.commit != before
        latest = house.storage.package("home:anna", "hello").revision(LATEST)
        assert latest is not None and latest.commit == before
    assert healed >= 1
    is_whole(house, store)
    with house.records.begin() as unit:
        told = [e.payload["rev"] for e in unit.events.claim(1000, "t", 60, 0) if e.package]
    with house.records.read() as unit:
        newest = unit.revisions.latest(store.package.id, "source")
    assert newest is not None and newest.number in told


def test_a_killed_push_is_there_whole_or_not_at_all(house: SmallHouse, tmp_path: Path) -> None:
    store = house.hello()
    work = clone(store, tmp_path / "work")
    work.commit("c0", f="0")
    work.push()
    work.commit("c1", f="1")
    total = run_until(-1, work.push, CAREFULLY)
    assert total is not None
    for number, line in enumerate(points(total, 15), start=2):
        work.commit(f"c{number}a", f=f"{number}a")
        work.commit(f"c{number}b", f=f"{number}b")
        run_until(line, work.push, CAREFULLY)
        store = house.storage.package("home:anna", "hello")
        assert content(store, "f") in (work_content(number), work_content(number - 1))
        work.push()
        history = house.storage.package("home:anna", "hello").history()
        assert [r.comment for r in history[-2:]] == [f"c{number}a", f"c{number}b"]
        assert {r.user for r in history} == {"bert"}
    is_whole(house, store)


def work_content(number: int) -> bytes:
    return b"1" if number == 1 else b"%db" % number


def test_a_killed_meta_change_is_there_whole_or_not_at_all(house: SmallHouse) -> None:
    store = house.hello()

    def change(number: int) -> Callable[[], object]:
        meta = PackageMeta("hello", "home:anna", title=f"t{number}")
        return lambda: house.storage.put_package_meta(raw_of(meta), meta, ANNA, f"m{number}")

    total = run_until(-1, change(0), CAREFULLY)
    assert total is not None
    for number, line in enumerate(points(total, 20), start=1):
        run_until(line, change(number), CAREFULLY)
        store = house.storage.package("home:anna", "hello")
        stored = store.meta_raw()
        assert stored == raw_of(house.storage.package("home:anna", "hello").package.meta) or (
            stored == raw_of(_row(house).meta)
        )
    is_whole(house, store)


def _row(house: SmallHouse) -> Any:
    with house.records.read() as unit:
        return unit.packages.get("home:anna", "hello")


def test_a_killed_creation_leaves_no_name_taken(house: SmallHouse) -> None:
    house.project()

    def create(name: str) -> Callable[[], object]:
        meta = PackageMeta(name, "home:anna")
        return lambda: house.storage.put_package_meta(raw_of(meta), meta, ANNA, "new")

    total = run_until(-1, create("k"))
    assert total is not None
    for number, line in enumerate(points(total, 15)):
        run_until(line, create(f"k{number}"))
        create(f"k{number}")()
        store = house.storage.package("home:anna", f"k{number}")
        house.put(store, "f", b"x")
    assert all("no package has this repository" in line for line in house.storage.fsck())
    assert fsck_is_clean(store.repository.path)


def test_a_killed_delete_or_undelete_ends_in_one_of_the_two_states(house: SmallHouse) -> None:
    store = house.hello()
    house.put(store, "f", b"x", "c0")

    def delete() -> object:
        return house.storage.delete_package("home:anna", "hello", ANNA)

    def undelete() -> object:
        return house.storage.undelete_package("home:anna", "hello", ANNA)

    total = run_until(-1, delete, CAREFULLY)
    assert total is not None
    undelete()
    for line in points(total, 12):
        run_until(line, delete, CAREFULLY)
        if _is_living(house):
            delete()
        deleted = house.storage.deleted_package("home:anna", "hello")
        assert content(deleted, "f") == b"x"
        run_until(line, undelete, CAREFULLY)
        if not _is_living(house):
            undelete()
        store = house.storage.package("home:anna", "hello")
        assert content(store, "f") == b"x"
        house.put(store, "g", b"%d" % line)
    house.storage.sweep(containers=True)
    store = house.storage.package("home:anna", "hello")
    assert "/repos/" in str(store.repository.path)
    is_whole(house, store)
    assert names(store) == ["f", "g"]


def _is_living(house: SmallHouse) -> bool:
    with house.records.read() as unit:
        return unit.packages.find("home:anna", "hello") is not None


def test_a_gap_in_a_meta_without_a_parser_is_reported_and_not_guessed(
    house: SmallHouse,
) -> None:
    from storage.errors import Damaged
    from storage.house import Storage

    store = house.hello()
    before = store.repository.refs.read("refs/meta/config")
    meta = PackageMeta("hello", "home:anna", title="new")
    house.storage.put_package_meta(raw_of(meta), meta, ANNA, "new title")
    with house.records.begin() as unit:
        # The row of the last meta revision is lost, as after a crash.
        revisions = unit.revisions.history(store.package.id, "meta")
        unit.revisions.truncate(store.package.id, "meta")
        unit.revisions.append(store.package.id, revisions[0])
    assert before == revisions[0].commit
    blind = Storage(house.path / "data", house.records, clock=house.clock)
    reading = blind.package("home:anna", "hello")
    with blind.stage([b"x"]) as staged, pytest.raises(Damaged, match="_meta"):
        reading.put_file("f", staged, ANNA)
    assert house.storage.package("home:anna", "hello").meta_raw() == raw_of(meta)
    with blind.stage([b"x"]) as staged:
        assert reading.put_file("f", staged, ANNA).revision.number == 1


def test_leftovers_of_killed_processes_do_not_pile_up(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    store = house.hello()
    house.put(store, "f", b"start")
    total = run_until(-1, put(house, 1), ("durable.py", "writer.py", "staging.py"))
    assert total is not None
    for number, line in enumerate(points(total, 15), start=2):
        run_until(line, put(house, number), ("durable.py", "writer.py", "staging.py"))
    house.put(house.storage.package("home:anna", "hello"), "f", b"end")
    long_ago = 1
    for path in house.storage.tmp.iterdir():
        os.utime(path, (long_ago, long_ago))
    house.storage.sweep()
    assert list(house.storage.tmp.iterdir()) == []
    is_whole(house, store)
    house.records.close()
