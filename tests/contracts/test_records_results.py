"""Targets, binaries, publications and signing keys in the records."""

from dataclasses import replace

import pytest

from storage.model import Binary, JobState, Publication, SigningKey, Target
from tests.contracts.making import job, package, project


@pytest.fixture
def house(records):
    with records.begin() as unit:
        owner = project(unit, "a")
        return owner, [package(unit, owner, name) for name in ("zoo", "bar", "foo")]


def target(of, arch="x86_64", **changed):
    fields = {"code": JobState.BLOCKED, "reason": {"explain": "new build"}, "updated_at": 5}
    return Target(of.id, of.name, of.project_id, "standard", arch, **(fields | changed))


def binary(of_job, filename, **header):
    return Binary(of_job.id, filename, 10, "1" * 32, "2" * 64, 3, header)


def test_a_target_is_replaced_by_the_next_decision(records, house):
    _, (zoo, *_) = house
    with records.begin() as unit:
        assert unit.targets.get(zoo.id, "standard", "x86_64") is None
        unit.targets.put(target(zoo))
        assert unit.targets.get(zoo.id, "standard", "x86_64") == target(zoo)
        later = target(zoo, code=JobState.FAILED, record="x", job_id=4, updated_at=6)
        unit.targets.put(later)
        assert unit.targets.of_package(zoo.id) == [later]


def target_names(found):
    return [(t.arch, t.package) for t in found]


def test_targets_of_a_project_are_sorted_and_filtered(records, house):
    owner, packages = house
    with records.begin() as unit:
        unit.targets.put_all([target(p, arch) for p in packages for arch in ("x86_64", "i586")])

        def found(**filters):
            return target_names(unit.targets.of_project(owner.id, **filters))

        names = ["bar", "foo", "zoo"]
        assert found() == [(arch, name) for arch in ("i586", "x86_64") for name in names]
        assert found(arch="i586", packages=["zoo", "bar", "none"]) == [
            ("i586", "bar"),
            ("i586", "zoo"),
        ]
        assert found(packages=["zoo"]) == [("i586", "zoo"), ("x86_64", "zoo")]
        assert found(repository="other") == []
        unit.packages.mark_deleted(packages[0].id, 9)
        assert found(arch="i586") == [("i586", "bar"), ("i586", "foo")]


def test_targets_are_forgotten_by_package_repository_and_arch(records, house):
    _, (zoo, bar, _) = house
    with records.begin() as unit:
        unit.targets.put_all([target(p, arch) for p in (zoo, bar) for arch in ("x86_64", "i586")])
        unit.targets.delete(zoo.id, "standard", "i586")
        assert target_names(unit.targets.of_package(zoo.id)) == [("x86_64", "zoo")]
        unit.targets.delete(zoo.id)
        assert unit.targets.of_package(zoo.id) == []
        assert len(unit.targets.of_package(bar.id)) == 2


def test_results_are_kept_per_job_and_replaced_whole(records, house):
    _, (zoo, *_) = house
    with records.begin() as unit:
        made = job(unit, zoo)
        files = [binary(made, "b.rpm", name="b", provides=["b = 1"]), binary(made, "a.log")]
        unit.binaries.put_all(made.id, files)
        assert unit.binaries.of_job(made.id) == files[::-1]
        unit.binaries.put_all(made.id, files[:1])
        assert unit.binaries.of_job(made.id) == files[:1]
        unit.binaries.put_all(made.id, [])
        assert unit.binaries.of_job(made.id) == []


def test_the_pool_holds_the_good_results_in_order_of_package_and_file(records, house):
    owner, (zoo, bar, foo) = house
    with records.begin() as unit:
        good = {p.name: job(unit, p, state=JobState.SUCCEEDED, record="r" * 9) for p in (zoo, bar)}
        for name, made in good.items():
            files = [binary(made, f"{name}-{n}.rpm", name=f"{name}-{n}") for n in (2, 1)]
            unit.binaries.put_all(made.id, files)
        bad = job(unit, foo)
        unit.binaries.put_all(bad.id, [binary(bad, "foo.rpm", name="foo")])
        unit.targets.put(target(zoo, good_job_id=good["zoo"].id))
        unit.targets.put(target(bar, good_job_id=good["bar"].id))
        unit.targets.put(target(foo, job_id=bad.id))
        pool = unit.binaries.pool(owner.id, "standard", "x86_64")
        assert [(name, file.filename) for name, _, file in pool] == [
            ("bar", "bar-1.rpm"),
            ("bar", "bar-2.rpm"),
            ("zoo", "zoo-1.rpm"),
            ("zoo", "zoo-2.rpm"),
        ]
        assert [made for _, made, _ in pool] == [good["bar"]] * 2 + [good["zoo"]] * 2
        named = unit.binaries.providing(owner.id, "standard", "x86_64", ["zoo-1", "foo", "bar-2"])
        assert [file.filename for _, _, file in named] == ["bar-2.rpm", "zoo-1.rpm"]
        assert unit.binaries.pool(owner.id, "standard", "i586") == []


def test_deleting_a_build_leaves_no_dangling_results(records, house):
    owner, (zoo, *_) = house
    with records.begin() as unit:
        made = job(unit, zoo)
        unit.binaries.put_all(made.id, [binary(made, "a.rpm", name="a")])
        unit.targets.put(target(zoo, job_id=made.id, good_job_id=made.id))
        unit.builds.delete(made.build_id)
        found = unit.targets.get(zoo.id, "standard", "x86_64")
        assert (found.job_id, found.good_job_id) == (None, None)
        assert unit.binaries.of_job(made.id) == []
        assert unit.binaries.pool(owner.id, "standard", "x86_64") == []


def test_publications_wait_in_order_while_dirty(records, house):
    owner, _ = house
    with records.begin() as unit:
        other = project(unit, "b")
        assert unit.publications.get(owner.id, "standard") is None
        late = Publication(owner.id, "a", "standard", "", dirty=True, updated_at=9)
        early = Publication(other.id, "b", "standard", "x86_64", dirty=True, updated_at=3)
        clean = Publication(owner.id, "a", "standard", "i586", state="published", generation="7")
        for made in (late, early, clean):
            unit.publications.put(made)
        assert unit.publications.dirty() == [early, late]
        assert unit.publications.of_project(owner.id) == [late, clean]
        assert unit.publications.get(owner.id, "standard") == late
        unit.publications.put(replace(early, dirty=False))
        assert unit.publications.dirty() == [late]
        unit.publications.delete(owner.id, "standard", "i586")
        assert unit.publications.of_project(owner.id) == [late]
        unit.publications.delete(owner.id, "standard")
        assert unit.publications.of_project(owner.id) == []


def test_a_project_has_one_key(records):
    key = SigningKey("a", "f" * 40, "f" * 16, "a OBS Project", "rsa", 4096, 1, 99, "-----BEGIN")
    with records.begin() as unit:
        assert unit.keys.get("a") is None
        unit.keys.put(key)
        unit.keys.put(replace(key, expires_at=None))
        assert unit.keys.get("a") == replace(key, expires_at=None)
        unit.keys.delete("a")
        assert unit.keys.get("a") is None
