"""Delete and undelete: the history survives, the name becomes free."""

from __future__ import annotations

import pytest

from storage.errors import (
    AlreadyExists,
    NotAllowed,
    UnknownPackage,
    UnknownProject,
    UnknownRevision,
)
from storage.model import EventKind
from storage.names import RevisionSpec

from .houses import ANNA, BERT, START, SmallHouse, content, fsck_is_clean


def test_deleting_appends_a_revision_and_hides_the_package(house: SmallHouse) -> None:
    hello = house.hello()
    first = house.put(hello, "f", b"x", "one")
    last = house.storage.delete_package("home:anna", "hello", BERT)
    assert last is not None
    assert (last.revision.number, last.revision.comment, last.revision.user) == (
        2,
        "package was deleted",
        "bert",
    )
    assert last.revision.tree == first.revision.tree
    assert last.build_id is None
    with pytest.raises(UnknownPackage):
        house.storage.package("home:anna", "hello")
    assert not hello.repository.path.exists()


def test_a_deleted_package_can_be_read_but_not_written(house: SmallHouse) -> None:
    house.put(house.hello(), "f", b"x", "one")
    house.storage.delete_package("home:anna", "hello", ANNA)
    deleted = house.storage.deleted_package("home:anna", "hello")
    assert content(deleted, "f") == b"x"
    assert [r.number for r in deleted.history()] == [1, 2]
    assert deleted.listing(RevisionSpec.parse("1"))[1].find("f") is not None
    assert b"hello" in deleted.meta_raw()
    with pytest.raises(UnknownRevision):
        deleted.history(number=3)
    with pytest.raises(UnknownPackage):
        house.put(deleted, "g", b"y")
    assert fsck_is_clean(deleted.repository.path)


def test_undeleting_brings_everything_back_with_a_fresh_revision(house: SmallHouse) -> None:
    house.put(house.hello(), "f", b"x", "one")
    house.storage.delete_package("home:anna", "hello", ANNA)
    house.storage.undelete_package("home:anna", "hello", ANNA, "undeleted via osc")
    hello = house.storage.package("home:anna", "hello")
    assert [(r.number, r.vrev, r.comment) for r in hello.history()] == [
        (1, 1, "one"),
        (2, 2, "package was deleted"),
        (3, 3, "undeleted via osc"),
    ]
    assert house.put(hello, "g", b"y").revision.number == 4
    with house.records.read() as unit:
        built = unit.builds.list_for(hello.package.project_id, hello.package.id, 10, 0)
    assert sorted(build.rev for build in built) == [1, 3, 4]


def test_a_package_without_commits_can_be_deleted_and_undeleted(house: SmallHouse) -> None:
    house.hello()
    assert house.storage.delete_package("home:anna", "hello", ANNA) is None
    house.storage.undelete_package("home:anna", "hello", ANNA)
    assert house.storage.package("home:anna", "hello").history() == []


def test_the_name_is_free_and_the_newest_of_its_bearers_comes_back(house: SmallHouse) -> None:
    house.put(house.hello(), "f", b"first")
    house.storage.delete_package("home:anna", "hello", ANNA)
    house.put(house.package("hello"), "f", b"second")
    with pytest.raises(AlreadyExists) as caught:
        house.storage.undelete_package("home:anna", "hello", ANNA)
    assert caught.value.code == "package_exists"
    house.storage.delete_package("home:anna", "hello", ANNA)
    house.storage.undelete_package("home:anna", "hello", ANNA)
    assert content(house.storage.package("home:anna", "hello"), "f") == b"second"


def test_what_was_never_deleted_cannot_come_back(house: SmallHouse) -> None:
    house.project()
    with pytest.raises(NotAllowed, match="was not deleted"):
        house.storage.undelete_package("home:anna", "hello", ANNA)
    with pytest.raises(UnknownPackage):
        house.storage.deleted_package("home:anna", "hello")
    with pytest.raises(UnknownPackage):
        house.storage.deleted_package("nowhere", "hello")
    with pytest.raises(NotAllowed):
        house.storage.delete_package("home:anna", "_project", ANNA)


def test_deleting_is_told_to_the_builder_once(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "f", b"x")
    house.storage.delete_package("home:anna", "hello", ANNA)
    with house.records.begin() as unit:
        events = unit.events.claim(50, "t", 60, START)
    assert events[-1].kind is EventKind.PACKAGE_DELETED
    assert events[-1].payload["package_id"] == hello.package.id
    assert [e.kind for e in events].count(EventKind.SOURCE_CHANGED) == 1


def test_a_deleted_project_comes_back_with_the_packages_it_had(house: SmallHouse) -> None:
    house.put(house.hello(), "f", b"x")
    house.put(house.package("early"), "f", b"gone before")
    house.storage.delete_package("home:anna", "early", ANNA)
    project = house.storage.package("home:anna", "_project")
    house.put(project, "_config", b"Type: spec\n")
    house.storage.delete_project("home:anna", ANNA, "bye")
    with pytest.raises(UnknownProject):
        house.storage.package("home:anna", "hello")
    assert content(house.storage.deleted_package("home:anna", "hello"), "f") == b"x"
    assert content(house.storage.deleted_package("home:anna", "early"), "f") == b"gone before"

    house.storage.undelete_project("home:anna", ANNA)
    hello = house.storage.package("home:anna", "hello")
    assert [r.comment for r in hello.history()] == ["", "project was undeleted"]
    assert content(house.storage.package("home:anna", "_project"), "_config") == b"Type: spec\n"
    with pytest.raises(UnknownPackage):
        house.storage.package("home:anna", "early")
    assert house.storage.fsck() == []


def test_a_project_name_can_be_used_again(house: SmallHouse) -> None:
    house.put(house.hello(), "f", b"first")
    house.storage.delete_project("home:anna", ANNA)
    fresh = house.hello()
    assert fresh.history() == []
    with pytest.raises(UnknownProject):
        house.storage.undelete_project("home:anna", ANNA)
    house.storage.delete_project("home:anna", ANNA)
    house.storage.undelete_project("home:anna", ANNA)
    assert house.storage.package("home:anna", "hello").history() == []


def test_a_package_of_a_deleted_project_cannot_be_written(house: SmallHouse) -> None:
    hello = house.hello()
    house.storage.delete_project("home:anna", ANNA)
    with pytest.raises(UnknownPackage):
        house.put(hello, "f", b"x")


def test_deleting_a_project_that_is_not_there_is_an_error(house: SmallHouse) -> None:
    with pytest.raises(UnknownProject):
        house.storage.delete_project("nowhere", ANNA)
    with pytest.raises(UnknownProject):
        house.storage.undelete_project("nowhere", ANNA)
