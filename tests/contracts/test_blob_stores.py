"""The contract of a large file store; every implementation runs it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import Damaged
from storage.git.largefiles import BlobStore, DiskBlobStore, MemoryBlobStore
from storage.git.staging import StagedFile, stage

ABSENT = "0" * 64


@pytest.fixture(params=[DiskBlobStore, MemoryBlobStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    kind = request.param
    made: BlobStore = kind(tmp_path / "lfs") if kind is DiskBlobStore else kind()
    return made


@pytest.fixture
def staged(tmp_path: Path) -> Callable[[bytes], StagedFile]:
    return lambda data: stage([data], tmp_path, 1 << 30)


def read(store: BlobStore, sha256: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join(store.chunks(sha256, start, length))


def test_content_comes_back_as_it_went_in(
    store: BlobStore, staged: Callable[[bytes], StagedFile]
) -> None:
    data = os.urandom(1_000_000)
    with staged(data) as file:
        store.add(file)
    assert read(store, file.sha256) == data
    assert store.size(file.sha256) == len(data)


def test_it_survives_the_staged_file(
    store: BlobStore, staged: Callable[[bytes], StagedFile]
) -> None:
    with staged(b"content") as file:
        store.add(file)
    assert not file.path.exists()
    assert read(store, file.sha256) == b"content"


def test_adding_twice_is_harmless(store: BlobStore, staged: Callable[[bytes], StagedFile]) -> None:
    for _ in range(2):
        with staged(b"content") as file:
            store.add(file)
    assert list(store.ids()) == [file.sha256]


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (4, None, b"456789"),
        (4, 3, b"456"),
        (4, 0, b""),
        (4, 100, b"456789"),
        (10, None, b""),
        (50, 5, b""),
    ],
)
def test_any_part_can_be_read(
    store: BlobStore,
    staged: Callable[[bytes], StagedFile],
    start: int,
    length: int | None,
    expected: bytes,
) -> None:
    with staged(b"0123456789") as file:
        store.add(file)
    assert read(store, file.sha256, start, length) == expected


def test_large_content_comes_in_bounded_pieces(
    store: BlobStore, staged: Callable[[bytes], StagedFile]
) -> None:
    with staged(bytes(3_000_000)) as file:
        store.add(file)
    assert max(len(chunk) for chunk in store.chunks(file.sha256)) <= 1 << 20


def test_absent_content_has_no_size_and_cannot_be_read(store: BlobStore) -> None:
    assert store.size(ABSENT) is None
    assert store.path(ABSENT) is None
    with pytest.raises(Damaged):
        read(store, ABSENT)


def test_a_path_holds_exactly_the_content(
    store: BlobStore, staged: Callable[[bytes], StagedFile]
) -> None:
    with staged(b"content") as file:
        store.add(file)
    path = store.path(file.sha256)
    assert path is None or path.read_bytes() == b"content"


def test_ids_come_in_order(store: BlobStore, staged: Callable[[bytes], StagedFile]) -> None:
    for number in range(20):
        with staged(b"%d" % number) as file:
            store.add(file)
    ids = list(store.ids())
    assert len(ids) == 20 and ids == sorted(ids)


def test_removed_content_is_absent_and_can_be_added_again(
    store: BlobStore, staged: Callable[[bytes], StagedFile]
) -> None:
    with staged(b"content") as file:
        store.add(file)
        store.remove(file.sha256)
        store.remove(file.sha256)
        assert store.size(file.sha256) is None
        store.add(file)
    assert read(store, file.sha256) == b"content"


def test_many_may_add_the_same_content_at_once(
    store: BlobStore, staged: Callable[[bytes], StagedFile]
) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with staged(b"shared") as file:
                store.add(file)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    (sha256,) = store.ids()
    assert read(store, sha256) == b"shared"


def test_on_disk_a_cut_file_is_replaced_and_no_temporary_one_stays(
    tmp_path: Path, staged: Callable[[bytes], StagedFile]
) -> None:
    store = DiskBlobStore(tmp_path / "lfs")
    with staged(b"whole content") as file:
        store.add(file)
        path = store.path(file.sha256)
        assert path is not None and path.stat().st_mode & 0o777 == 0o444
        path.chmod(0o644)
        path.write_bytes(b"who")
        path.chmod(0o444)
        # The staged file shares the inode; a fresh one arrives.
    with staged(b"whole content") as again:
        store.add(again)
    assert read(store, again.sha256) == b"whole content"
    assert [p.name for p in (tmp_path / "lfs").glob("*/*/*")] == [again.sha256]


def test_on_disk_an_id_cannot_leave_the_store(tmp_path: Path) -> None:
    with pytest.raises(Damaged):
        DiskBlobStore(tmp_path).size("../../etc/passwd")
