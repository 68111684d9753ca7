"""Objects: what is written can be read by git, and what is damaged is noticed and mended."""

from __future__ import annotations

import os
import threading
import zlib
from pathlib import Path

import pytest

from storage.errors import Damaged
from storage.git.layout import Layout, new_container_id
from storage.git.objects import ObjectStore, object_id
from storage.git.repository import Identity, create_repository
from storage.git.writer import ObjectWriter
from tests.support import need

from .houses import fsck_is_clean, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    need.program("git")
    layout = Layout(tmp_path)
    layout.prepare()
    identity = Identity('home:"anna"', "hel\\lo", 1_700_000_000, owner="0" * 32)
    blob = b"first\n"
    made = create_repository(layout, new_container_id(), identity, {}, [("blob", blob)])
    assert made.identity() == identity
    return made.path


@pytest.fixture
def store(repository: Path) -> ObjectStore:
    return ObjectStore(repository / "objects")


def test_an_object_written_here_is_read_by_git(repository: Path, store: ObjectStore) -> None:
    writer = ObjectWriter(store)
    oid = writer.add("blob", b"content\n")
    writer.flush()
    assert git(repository, "cat-file", "blob", oid) == "content\n"
    assert store.get(oid, "blob") == b"content\n"
    assert fsck_is_clean(repository)


def test_the_first_pack_of_a_repository_is_valid_for_git(
    repository: Path, store: ObjectStore
) -> None:
    oid = object_id("blob", b"first\n")
    assert git(repository, "cat-file", "blob", oid) == "first\n"
    assert git(repository, "count-objects", "-v").splitlines()[:4] == [
        "count: 0",
        "size: 0",
        "in-pack: 1",
        "packs: 1",
    ]
    assert git(repository, "rev-parse", "--is-bare-repository").strip() == "true"
    for index in (repository / "objects" / "pack").glob("*.idx"):
        git(repository, "verify-pack", "-v", str(index))


def test_a_new_empty_repository_costs_few_inodes(repository: Path) -> None:
    inodes = sum(1 + len(files) for _, _, files in os.walk(repository))
    assert inodes <= 9


def test_objects_with_a_size_in_several_bytes_survive_the_first_pack(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.prepare()
    blob = os.urandom(70_000)
    identity = Identity("p", "k", 1, owner="0" * 32)
    made = create_repository(layout, new_container_id(), identity, {}, [("blob", blob)])
    assert made.objects.get(object_id("blob", blob), "blob") == blob
    assert fsck_is_clean(made.path)


def test_an_object_in_a_pack_or_an_alternate_is_not_written_again(
    tmp_path: Path, repository: Path, store: ObjectStore
) -> None:
    packed = ObjectWriter(store).add("blob", b"first\n")
    assert not store.loose_path(packed).exists()
    other = tmp_path / "branch" / "objects"
    (other / "info").mkdir(parents=True)
    relative = os.path.relpath(repository / "objects", other)
    (other / "info" / "alternates").write_text(f"# shared\n{relative}\n")
    branch = ObjectStore(other)
    assert ObjectWriter(branch).add("blob", b"first\n") == packed
    assert not branch.loose_path(packed).exists()
    assert branch.get(packed, "blob") == b"first\n"


def test_alternates_that_form_a_circle_end(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        info = tmp_path / name / "info"
        info.mkdir(parents=True)
        (info / "alternates").write_text(f"../{other}\n")
    assert ObjectStore(tmp_path / "a").find("1" * 40) is None
    assert "1" * 40 not in ObjectStore(tmp_path / "a")


@pytest.mark.parametrize("rubbish", [b"", b"not zlib", zlib.compress(b"blob 3\0abcd")])
def test_a_damaged_loose_object_is_replaced_by_a_good_one(
    store: ObjectStore, rubbish: bytes
) -> None:
    oid = object_id("blob", b"good\n")
    path = store.loose_path(oid)
    path.parent.mkdir()
    path.write_bytes(rubbish)
    ObjectWriter(store).add("blob", b"good\n")
    assert ObjectStore(store.path).get(oid, "blob") == b"good\n"


def test_altered_content_is_an_error_and_never_an_answer(store: ObjectStore) -> None:
    oid = object_id("blob", b"good\n")
    store.loose_path(oid).parent.mkdir()
    store.loose_path(oid).write_bytes(zlib.compress(b"blob 5\0evil\n"))
    with pytest.raises(Damaged, match="checksum"):
        store.get(oid, "blob")


def test_a_damaged_loose_object_is_served_from_a_pack_that_has_it(store: ObjectStore) -> None:
    oid = object_id("blob", b"first\n")
    store.loose_path(oid).parent.mkdir()
    store.loose_path(oid).write_bytes(b"rubbish")
    assert store.get(oid, "blob") == b"first\n"


def test_a_small_file_that_says_it_is_huge_is_refused(store: ObjectStore) -> None:
    bomb = zlib.compress(b"blob 999999999999\0" + b"a" * 1000)
    oid = "ab" * 20
    store.loose_path(oid).parent.mkdir()
    store.loose_path(oid).write_bytes(bomb)
    with pytest.raises(Damaged, match="header"):
        store.find(oid)


def test_a_file_that_inflates_beyond_its_size_is_refused_without_inflating_it(
    store: ObjectStore,
) -> None:
    oid = "ab" * 20
    store.loose_path(oid).parent.mkdir()
    store.loose_path(oid).write_bytes(zlib.compress(b"blob 10\0" + bytes(50_000_000)))
    with pytest.raises(Damaged):
        store.find(oid)


def test_an_object_of_another_kind_is_an_error(store: ObjectStore) -> None:
    oid = ObjectWriter(store).add("blob", b"x")
    with pytest.raises(Damaged, match="is a blob, not a tree"):
        store.get(oid, "tree")


def test_objects_that_git_packs_meanwhile_are_still_found(
    repository: Path, store: ObjectStore
) -> None:
    writer = ObjectWriter(store)
    blob = writer.add("blob", b"moving\n")
    tree = writer.add("tree", b"100644 f\0" + bytes.fromhex(blob))
    writer.flush()
    assert "0" * 40 not in store  # the packs are scanned now
    git(repository, "update-ref", "refs/tags/tree", tree)
    git(repository, "repack", "-adq")
    assert not store.loose_path(blob).exists()
    assert store.get(blob, "blob") == b"moving\n"
    assert blob in ObjectStore(store.path)


def test_threads_writing_the_same_content_do_not_disturb_each_other(store: ObjectStore) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(30):
                ObjectWriter(store).add("blob", b"shared %d" % number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(list(store.loose_ids())) == 30
    assert not list(store.path.glob("*/tmp_obj_*"))


def test_a_lock_file_left_by_another_program_does_not_make_content_unwritable(
    store: ObjectStore,
) -> None:
    oid = object_id("blob", b"jammed\n")
    store.loose_path(oid).parent.mkdir()
    store.loose_path(oid).with_suffix(".lock").touch()
    assert ObjectWriter(store).add("blob", b"jammed\n") == oid
    assert ObjectStore(store.path).get(oid, "blob") == b"jammed\n"


def test_a_pack_open_in_the_parent_can_be_read_after_fork(store: ObjectStore) -> None:
    oid = object_id("blob", b"first\n")
    assert store.get(oid, "blob") == b"first\n"
    child = os.fork()
    if child == 0:
        sound = ObjectStore(store.path).get(oid, "blob") == b"first\n"
        os._exit(0 if sound else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ObjectStore(store.path).get(oid, "blob") == b"first\n"
