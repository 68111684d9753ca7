"""Projects and packages coming to be; their metas have a history of their own."""

from __future__ import annotations

import threading

import pytest

from storage.errors import TooLarge, UnknownProject, UnknownRevision
from storage.house import StorageLimits
from storage.model import EventKind, PackageMeta, ProjectMeta

from .houses import ANNA, START, SmallHouse, fsck_is_clean, git, open_house, raw_of


def test_the_stored_text_comes_back_byte_for_byte(house: SmallHouse) -> None:
    house.project()
    meta = PackageMeta("hello", "home:anna", title="T")
    raw = b"<package>\r\n  odd   but kept\xc3\xa4</package>"
    package = house.storage.put_package_meta(raw, meta, ANNA, "new", copr={"a": 1})
    assert (package.meta, package.copr) == (meta, {"a": 1})
    assert house.storage.package("home:anna", "hello").meta_raw() == raw


def test_every_change_is_a_meta_revision(house: SmallHouse) -> None:
    hello = house.hello()
    changed = PackageMeta("hello", "home:anna", title="second")
    house.storage.put_package_meta(raw_of(changed), changed, ANNA, "retitled")
    house.storage.put_package_meta(raw_of(changed), changed, ANNA, "the same again")
    history = hello.history("meta")
    assert [(r.number, r.comment, r.vrev) for r in history] == [
        (1, "new package", 0),
        (2, "retitled", 0),
        (3, "the same again", 0),
    ]
    assert hello.meta_raw(1) != hello.meta_raw(2) == hello.meta_raw()
    with pytest.raises(UnknownRevision):
        hello.meta_raw(9)
    assert hello.history() == []
    assert fsck_is_clean(hello.repository.path)
    log = git(hello.repository.path, "log", "--format=%s", "refs/meta/config").splitlines()
    assert log == ["the same again", "retitled", "new package"]


def test_changing_a_project_leaves_its_copr_settings_unless_given(house: SmallHouse) -> None:
    meta = ProjectMeta("p")
    house.storage.put_project_meta(b"1", meta, ANNA, copr={"homepage": "x"})
    assert house.storage.put_project_meta(b"2", meta, ANNA).copr == {"homepage": "x"}
    assert house.storage.put_project_meta(b"3", meta, ANNA, copr={}).copr == {}
    assert house.storage.package("p", "_project").meta_raw() == b"3"


def test_a_change_of_meta_is_told_to_the_builder(house: SmallHouse) -> None:
    hello = house.hello()
    with house.records.begin() as unit:
        events = unit.events.claim(10, "t", 60, START)
    assert [(e.kind, e.project, e.package) for e in events] == [
        (EventKind.META_CHANGED, "home:anna", None),
        (EventKind.META_CHANGED, "home:anna", "hello"),
    ]
    assert events[1].payload["package_id"] == hello.package.id


def test_files_beside_the_meta_are_versioned_with_it(house: SmallHouse) -> None:
    hello = house.hello()
    assert hello.meta_file("_attribute") is None
    hello.put_meta_file("_attribute", b"<attributes/>", ANNA, "attributes")
    assert hello.meta_file("_attribute") == b"<attributes/>"
    assert [e.name for e in hello.listing(kind="meta")[1].entries] == ["_attribute", "_meta"]
    hello.put_meta_file("_attribute", None, ANNA, "gone")
    assert hello.meta_file("_attribute") is None
    assert hello.meta_file("_attribute", 2) == b"<attributes/>"
    assert len(hello.history("meta")) == 3


def test_a_package_needs_its_project(house: SmallHouse) -> None:
    meta = PackageMeta("hello", "nowhere")
    with pytest.raises(UnknownProject):
        house.storage.put_package_meta(b"x", meta, ANNA)
    assert list((house.path / "data" / "repos").glob("*/*/*.git")) == []


def test_two_who_create_the_same_package_at_once_make_one(house: SmallHouse) -> None:
    house.project()
    errors: list[BaseException] = []

    def work(number: int) -> None:
        meta = PackageMeta("hello", "home:anna", title=str(number))
        try:
            house.storage.put_package_meta(raw_of(meta), meta, ANNA, str(number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    hello = house.storage.package("home:anna", "hello")
    assert sorted(r.comment for r in hello.history("meta")) == list("012345")
    assert len(list((house.path / "data" / "repos").glob("*/*/*.git"))) == 2
    assert hello.meta_raw() == raw_of(hello.package.meta)


def test_two_who_create_the_same_project_at_once_make_one(house: SmallHouse) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        meta = ProjectMeta("p", title=str(number))
        try:
            house.storage.put_project_meta(raw_of(meta), meta, ANNA, str(number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(house.storage.package("p", "_project").history("meta")) == 5


def test_a_meta_has_a_size_limit(house: SmallHouse) -> None:
    small = open_house(house.path, limits=StorageLimits(meta_bytes=10), clock=house.clock)
    with pytest.raises(TooLarge):
        small.storage.put_project_meta(b"x" * 11, ProjectMeta("p"), ANNA)
    small.records.close()


def test_the_config_of_a_project_has_a_history_apart_from_its_meta(house: SmallHouse) -> None:
    house.project()
    project = house.storage.package("home:anna", "_project")
    house.put(project, "_config", b"Type: spec\n", "one")
    house.put(project, "_config", b"Type: dsc\n", "two")
    assert [r.comment for r in project.history()] == ["one", "two"]
    assert [r.comment for r in project.history("meta")] == ["new project"]
