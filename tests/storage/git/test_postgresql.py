"""The same writer over PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import new_database_url

from .houses import ANNA, READERS, SmallHouse, content, fsck_is_clean, names, open_house
from .pushing import clone
from .test_crashes import CAREFULLY, is_whole, points, put, run_until


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SmallHouse]:
    house = open_house(tmp_path, url=new_database_url())
    yield house
    house.records.close()


def test_every_door_works_and_the_index_can_be_rebuilt(house: SmallHouse, tmp_path: Path) -> None:
    hello = house.hello()
    house.put(hello, "f", b"1", "put")
    house.put(hello, "big", b"\0" * (2 << 20))
    house.upload(hello, "u", b"u")
    hello.commit_upload(ANNA, "upload")
    work = clone(hello, tmp_path / "work")
    work.commit("pushed", g="g")
    assert work.push().refs[0].error is None
    house.storage.delete_package("home:anna", "hello", ANNA)
    house.storage.undelete_package("home:anna", "hello", ANNA)
    hello = house.storage.package("home:anna", "hello")
    before = hello.history()
    assert house.storage.reindex(READERS.project, READERS.package) == []
    assert hello.history() == before
    assert names(hello) == ["big", "f", "g", "u"]
    is_whole(house, hello)


def test_concurrent_writers_get_numbers_without_gaps(house: SmallHouse) -> None:
    stores = [house.hello(), house.package("other")]
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(4):
                house.put(stores[worker % 2], f"f{worker}", b"%d" % number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for store in stores:
        assert [r.number for r in store.history()] == list(range(1, 13))
        assert fsck_is_clean(store.repository.path)


def test_a_killed_commit_is_there_whole_or_not_at_all(house: SmallHouse) -> None:
    store = house.hello()
    house.put(store, "f", b"start", "c0")
    total = run_until(-1, put(house, 1), CAREFULLY)
    assert total is not None
    for number, line in enumerate(points(total, 15), start=2):
        run_until(line, put(house, number), CAREFULLY)
        put(house, number)()
        store = house.storage.package("home:anna", "hello")
        assert content(store, "f") == b"%d" % number
        comments = [revision.comment for revision in store.history()]
        assert comments.count(f"c{number}") == 1
    is_whole(house, store)
