"""Projects in the records."""

from dataclasses import replace

import pytest

from storage.errors import AlreadyExists, UnknownProject
from storage.model import Grant, PathEntry, ProjectLink, ProjectMeta, Repository
from tests.contracts.making import project


def builds_against(*paths, **fields):
    entries = tuple(PathEntry(*path) for path in paths)
    return (Repository("standard", ("x86_64",), entries, **fields),)


def test_a_project_comes_back_as_it_was_made(records):
    meta = ProjectMeta(
        "home:anna",
        title="Anna's",
        grants=(Grant("person", "anna", "maintainer"),),
        repositories=builds_against(("Base", "standard")),
    )
    with records.begin() as unit:
        made = unit.projects.create("home:anna", "abc", meta, 7, {"homepage": "x"})
    with records.read() as unit:
        found = unit.projects.get("home:anna")
        assert found == made == unit.projects.by_id(made.id)
    assert (found.meta, found.container, found.copr) == (meta, "abc", {"homepage": "x"})
    assert (found.created_at, found.deleted_at) == (7, None)


def test_an_unknown_project_is_said_to_be_unknown(records):
    with records.read() as unit:
        assert unit.projects.find("no:such") is None
        with pytest.raises(UnknownProject, match="no:such"):
            unit.projects.get("no:such")
        for number in (0, -1, 99, 2**63, 10**40):
            with pytest.raises(UnknownProject):
                unit.projects.by_id(number)


def test_a_taken_name_is_refused_and_the_transaction_goes_on(records):
    with records.begin() as unit:
        first = project(unit, "a")
        with pytest.raises(AlreadyExists):
            unit.projects.create("a", "other", ProjectMeta("a"), 1)
        project(unit, "b")
    with records.read() as unit:
        assert unit.projects.list() == ["a", "b"]
        assert unit.projects.get("a") == first


def test_names_are_listed_in_byte_order_by_prefix_and_page(records):
    with records.begin() as unit:
        for name in ("b", "B", "a:b", "a", "a-b", "ä", "a:c", "Z"):
            project(unit, name)
    with records.read() as unit:
        everything = unit.projects.list()
        assert everything == ["B", "Z", "a", "a-b", "a:b", "a:c", "b", "ä"]
        assert unit.projects.list(prefix="a:") == ["a:b", "a:c"]
        assert unit.projects.list(limit=3) == everything[:3]
        assert unit.projects.list(after="a", limit=2) == ["a-b", "a:b"]
        assert unit.projects.list(prefix="A") == []


def test_wildcards_in_a_prefix_mean_themselves(records):
    with records.begin() as unit:
        for name in ("a%b", "axb", "a_b"):
            project(unit, name)
    with records.read() as unit:
        assert unit.projects.list(prefix="a%") == ["a%b"]
        assert unit.projects.list(prefix="a_") == ["a_b"]


def test_a_deleted_project_frees_its_name_and_can_come_back(records):
    with records.begin() as unit:
        old = project(unit, "a")
        unit.projects.mark_deleted(old.id, 50)
    with records.begin() as unit:
        assert unit.projects.find("a") is None
        assert unit.projects.list() == []
        assert unit.projects.all_deleted() == ["a"]
        assert unit.projects.deleted("a") == replace(old, deleted_at=50)
        assert unit.projects.by_id(old.id).deleted_at == 50
        assert unit.projects.restore(old.id) == old
        assert unit.projects.all_deleted() == []
        with pytest.raises(UnknownProject):
            unit.projects.deleted("a")


def test_the_project_deleted_last_is_the_one_found(records):
    with records.begin() as unit:
        for at in (10, 30, 20):
            unit.projects.mark_deleted(project(unit, "a", at).id, at)
        assert unit.projects.deleted("a").deleted_at == 30


def test_a_project_is_not_restored_over_a_living_one(records):
    with records.begin() as unit:
        old = project(unit, "a")
        unit.projects.mark_deleted(old.id, 5)
        project(unit, "a", 2)
        assert unit.projects.all_deleted() == []
        with pytest.raises(AlreadyExists):
            unit.projects.restore(old.id)


def test_who_builds_against_a_project_follows_the_metas(records):
    with records.begin() as unit:
        base = project(unit, "base", repositories=builds_against(("base", "standard")))
        user = project(unit, "user", repositories=builds_against(("base", "standard")))
        project(unit, "other", repositories=builds_against(("base", "testing")))
        project(unit, "host", repositories=builds_against(hostsystems=(PathEntry("base", "x"),)))
        release = (PathEntry("base", "standard"),)
        project(unit, "release", repositories=builds_against(releasetargets=release))
        assert unit.projects.referencing("base") == ["host", "other", "user"]
        assert unit.projects.referencing("base", limit=1) == ["host"]
        assert unit.projects.referencing("base", "standard") == ["user"]
        assert unit.projects.paths_to("base", "standard") == [
            ("base", "standard"),
            ("user", "standard"),
        ]
        unit.projects.update_meta(user.id, replace(user.meta, repositories=()))
        assert unit.projects.referencing("base", "standard") == []
        assert unit.projects.get("user").meta.repositories == ()
        unit.projects.mark_deleted(base.id, 9)
        assert unit.projects.paths_to("base", "standard") == []


def test_linking_projects_are_known(records):
    with records.begin() as unit:
        project(unit, "copy", links=(ProjectLink("base"),))
        assert unit.projects.linking("base") == ["copy"]
        assert unit.projects.referencing("base") == []


def test_an_owner_s_projects_come_in_pages_by_number(records):
    with records.begin() as unit:
        names = ["home:anna:b", "home:anna:a", "home:bert:x", "group:qa:t", "home:annabel:y"]
        made = {name: project(unit, name) for name in names}
    with records.read() as unit:
        mine = unit.projects.of_owner(["home:anna:", "group:qa:"])
        assert [p.name for p in mine] == ["home:anna:b", "home:anna:a", "group:qa:t"]
        rest = unit.projects.of_owner(["home:anna:"], after_id=made["home:anna:b"].id, limit=1)
        assert [p.name for p in rest] == ["home:anna:a"]
        assert len(unit.projects.of_owner([])) == 5


def test_changing_a_project_that_is_not_there_is_an_error(records):
    with records.begin() as unit:
        for change in (
            lambda: unit.projects.mark_deleted(77, 1),
            lambda: unit.projects.update_copr(77, {}),
            lambda: unit.projects.update_meta(77, ProjectMeta("a")),
        ):
            with pytest.raises(UnknownProject):
                change()


def test_copr_settings_are_replaced(records):
    with records.begin() as unit:
        made = project(unit, "a")
        unit.projects.update_copr(made.id, {"instructions": "use\0it \udc80 ä"})
        assert unit.projects.get("a").copr == {"instructions": "use\0it \udc80 ä"}
