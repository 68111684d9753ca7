"""Packages in the records."""

from dataclasses import replace

import pytest

from storage.errors import AlreadyExists, UnknownPackage
from storage.model import FlagRule, Grant, PackageMeta
from tests.contracts.making import package, project


def test_a_package_comes_back_as_it_was_made(records):
    meta = PackageMeta(
        "hello",
        "home:anna",
        title="Hello",
        devel=("devel", "hello"),
        grants=(Grant("group", "qa", "reviewer"),),
        flags=(FlagRule("build", False, arch="i586"),),
    )
    with records.begin() as unit:
        owner = project(unit, "home:anna")
        made = unit.packages.create(owner.id, "hello", "abc", meta, 7, "b" * 40, {"source": 1})
    with records.read() as unit:
        found = unit.packages.get("home:anna", "hello")
        assert found == made == unit.packages.by_id(made.id) == unit.packages.by_container("abc")
    assert (found.project, found.project_id, found.meta) == ("home:anna", owner.id, meta)
    assert (found.base, found.created_at, found.copr) == ("b" * 40, 7, {"source": 1})


def test_unknown_packages_are_said_to_be_unknown(records):
    with records.begin() as unit:
        project(unit, "a")
        assert unit.packages.find("a", "hello") is None
        assert unit.packages.find("b", "hello") is None
        assert unit.packages.by_container("abc") is None
        with pytest.raises(UnknownPackage, match="hello"):
            unit.packages.get("a", "hello")
        for number in (0, -5, 2**64):
            with pytest.raises(UnknownPackage):
                unit.packages.by_id(number)


def test_names_are_unique_within_a_project_only(records):
    with records.begin() as unit:
        one, two = project(unit, "one"), project(unit, "two")
        package(unit, one, "hello")
        package(unit, two, "hello")
        with pytest.raises(AlreadyExists):
            unit.packages.create(one.id, "hello", "other", PackageMeta("hello", "one"), 1)
        assert unit.packages.list(one.id) == ["hello"]


def test_listings_are_in_byte_order_paged_and_without_the_project_container(records):
    with records.begin() as unit:
        owner = project(unit, "a")
        for name in ("zlib", "_project", "Zope", "bash", "_patchinfo", "gcc-c++"):
            package(unit, owner, name)
    with records.read() as unit:
        names = ["Zope", "_patchinfo", "bash", "gcc-c++", "zlib"]
        assert unit.packages.list(owner.id) == names
        assert unit.packages.list(owner.id, after="_patchinfo", limit=2) == ["bash", "gcc-c++"]
        assert unit.packages.count(owner.id) == 5
        assert [p.name for p in unit.packages.page(owner.id, 0, 2)] == ["zlib", "Zope"]
        newest = unit.packages.page(owner.id, 1, 2, newest_first=True)
        assert [p.name for p in newest] == ["_patchinfo", "bash"]
        by_name = unit.packages.page(owner.id, 1, 2, newest_first=True, by_name=True)
        assert [p.name for p in by_name] == ["gcc-c++", "bash"]
        assert unit.packages.get("a", "_project").name == "_project"


def test_a_deleted_package_frees_its_name_and_can_come_back(records):
    with records.begin() as unit:
        owner = project(unit, "a")
        old = package(unit, owner, "hello")
        unit.packages.mark_deleted(old.id, 50)
        assert unit.packages.find("a", "hello") is None
        assert unit.packages.list(owner.id) == []
        assert unit.packages.deleted_names(owner.id) == ["hello"]
        assert unit.packages.deleted(owner.id, "hello") == replace(old, deleted_at=50)
        new = package(unit, owner, "hello", 2)
        assert unit.packages.deleted_names(owner.id) == []
        with pytest.raises(AlreadyExists):
            unit.packages.restore(old.id)
        assert unit.packages.within(owner.id, "hello") == new
        unit.packages.mark_deleted(new.id, 60)
        assert unit.packages.within(owner.id, "hello") is None
        assert unit.packages.deleted(owner.id, "hello").id == new.id
        changed = replace(old.meta, title="back")
        assert unit.packages.restore(old.id, changed) == replace(old, meta=changed)
        with pytest.raises(UnknownPackage):
            unit.packages.deleted(owner.id, "bash")


def test_packages_hide_with_their_deleted_project_and_return_with_it(records):
    with records.begin() as unit:
        owner = project(unit, "a")
        package(unit, owner, "hello")
        assert [p.project for p in unit.packages.named("hello")] == ["a"]
        unit.projects.mark_deleted(owner.id, 3)
        assert unit.packages.find("a", "hello") is None
        assert unit.packages.named("hello") == []
        assert unit.packages.list(owner.id) == ["hello"]
        unit.projects.restore(owner.id)
        assert unit.packages.get("a", "hello").name == "hello"


def test_devel_packages_know_who_names_them(records):
    with records.begin() as unit:
        owner = project(unit, "stable")
        made = package(unit, owner, "hello", devel=("next", "hello"))
        assert unit.packages.devel_of("next", "hello") == [("stable", "hello")]
        assert unit.packages.developed_in("next") == [("stable", "hello")]
        unit.packages.update_meta(made.id, replace(made.meta, devel=None))
        assert unit.packages.devel_of("next", "hello") == []
        assert unit.packages.developed_in("next") == []


def test_base_and_copr_settings_are_replaced(records):
    with records.begin() as unit:
        made = package(unit, project(unit, "a"), "hello")
        unit.packages.set_base(made.id, "d" * 40)
        unit.packages.update_copr(made.id, {"max_builds": 3})
        found = unit.packages.by_id(made.id)
        assert (found.base, found.copr) == ("d" * 40, {"max_builds": 3})
        with pytest.raises(UnknownPackage):
            unit.packages.set_base(99, None)
