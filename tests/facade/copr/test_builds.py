"""Builds: computed from rows, listed newest first, canceled and deleted."""

import pytest

from storage.model import Binary, JobState, SourceState, Target

from .conftest import error, ok

WHERE = {"ownername": "alice", "projectname": "demo"}
CHROOTS = ("debian-12-x86_64", "epel-9-x86_64")


@pytest.fixture
def demo(alice):
    alice.project("demo", CHROOTS)
    alice.scm()
    return alice


class Backend:
    """What the builder does to rows, done by hand."""

    def __init__(self, house):
        self.house = house

    def source(self, build_id, state, **fields):
        with self.house.records.begin() as unit:
            unit.builds.update(build_id, source_state=state, **fields)

    def job(self, build_id, chroot, state, **fields):
        repository, arch = chroot.rsplit("-", 1)
        with self.house.records.begin() as unit:
            build = unit.builds.get(build_id)
            package = unit.packages.get(build.project, build.package)
            unit.builds.update(build_id, source_state=SourceState.SUCCEEDED, package_id=package.id)
            job = unit.jobs.create(
                build_id=build_id,
                project_id=build.project_id,
                package_id=package.id,
                repository=repository,
                arch=arch,
                state=state,
                **fields,
            )
            unit.targets.put(
                Target(
                    package.id, package.name, build.project_id, repository, arch, state,
                    job_id=job.id,
                    good_job_id=job.id if state is JobState.SUCCEEDED else None,
                )
            )  # fmt: skip
            return job


@pytest.fixture
def backend(street):
    return Backend(street.house)


def state(client, number=1):
    return ok(client.get(f"/build/{number}"))["state"]


@pytest.mark.parametrize("word", ["pending", "starting", "running", "importing", "failed"])
def test_the_source_part_decides_while_it_is_under_way(demo, backend, word):
    demo.build()
    backend.source(1, SourceState(word))
    assert state(demo) == word
    chroot = ok(demo.get("/build-chroot/list", build_id=1))["items"][0]
    assert chroot["state"] == ("failed" if word == "failed" else "waiting")
    assert ok(demo.get("/build/source-chroot/1"))["state"] == word


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (JobState.BUILDING, JobState.FAILED, "running"),
        (JobState.DISPATCHING, JobState.SUCCEEDED, "starting"),
        (JobState.SCHEDULED, JobState.FAILED, "pending"),
        (JobState.BLOCKED, JobState.SUCCEEDED, "pending"),
        (JobState.FINISHED, JobState.SUCCEEDED, "running"),
        (JobState.FAILED, JobState.SUCCEEDED, "failed"),
        (JobState.UNRESOLVABLE, JobState.SUCCEEDED, "failed"),
        (JobState.BROKEN, JobState.EXCLUDED, "failed"),
        (JobState.SUCCEEDED, JobState.SUCCEEDED, "succeeded"),
        (JobState.SUCCEEDED, JobState.EXCLUDED, "succeeded"),
        (JobState.EXCLUDED, JobState.DISABLED, "skipped"),
        (JobState.CANCELED, JobState.SUCCEEDED, "canceled"),
    ],
)
def test_chroots_together_make_the_state(demo, backend, first, second, word):
    demo.build()
    backend.job(1, CHROOTS[0], first)
    backend.job(1, CHROOTS[1], second)
    assert state(demo) == word


def test_a_chroot_without_a_job_keeps_the_build_pending(demo, backend):
    demo.build()
    backend.job(1, CHROOTS[0], JobState.SUCCEEDED)
    assert state(demo) == "pending"


def test_times_are_those_of_all_chroots(demo, backend):
    demo.build()
    backend.job(1, CHROOTS[0], JobState.SUCCEEDED, started_at=100, ended_at=300)
    backend.job(1, CHROOTS[1], JobState.BUILDING, started_at=200)
    shown = ok(demo.get("/build/1"))
    assert (shown["started_on"], shown["ended_on"]) == (100, None)
    with backend.house.records.begin() as unit:
        unit.jobs.transition(2, [JobState.BUILDING], JobState.FAILED, ended_at=250)
    assert ok(demo.get("/build/1"))["ended_on"] == 300


def test_results_have_addresses_as_soon_as_there_are_any(demo, backend):
    demo.build()
    backend.job(1, CHROOTS[0], JobState.BUILDING, started_at=100)
    backend.job(1, CHROOTS[1], JobState.SCHEDULED)
    items = ok(demo.get("/build-chroot/list", build_id=1))["items"]
    base = "https://copr.example.com/results/alice/demo"
    assert items[0]["result_url"] == f"{base}/debian-12-x86_64/00000001-hello/"
    assert items[1]["result_url"] is None
    one = {"build_id": 1, "chrootname": CHROOTS[0]}
    assert ok(demo.get("/build-chroot", **one)) == items[0]
    assert ok(demo.get(f"/build-chroot/1/{CHROOTS[0]}")) == items[0]


def test_built_packages_are_told_by_chroot(demo, backend):
    demo.build()
    job = backend.job(1, CHROOTS[0], JobState.SUCCEEDED)
    header = {"name": "hello", "epoch": "2", "version": "1.0", "release": "1", "arch": "noarch"}
    with backend.house.records.begin() as unit:
        rows = [
            Binary(job.id, "hello-1.0-1.noarch.rpm", 1, "m", "s", 0, header),
            Binary(job.id, "_log", 1, "m", "s", 0, {}),
        ]
        unit.binaries.put_all(job.id, rows)
    wanted = {"packages": [{**header, "epoch": 2}]}
    assert ok(demo.get("/build/built-packages/1")) == {
        CHROOTS[0]: wanted,
        CHROOTS[1]: {"packages": []},
    }
    one = {"build_id": 1, "chrootname": CHROOTS[0]}
    assert ok(demo.get("/build-chroot/built-packages", **one)) == wanted


def test_packages_show_their_newest_builds(demo, backend, anybody):
    for _ in range(3):
        demo.build()
    backend.job(1, CHROOTS[0], JobState.SUCCEEDED)
    backend.job(2, CHROOTS[0], JobState.SUCCEEDED)
    backend.job(2, CHROOTS[1], JobState.FAILED)
    query = {**WHERE, "packagename": "hello"}
    flags = {"with_latest_build": "True", "with_latest_succeeded_build": "True"}
    shown = ok(anybody.get("/package", **query, **flags))["builds"]
    assert (shown["latest"]["id"], shown["latest_succeeded"]["id"]) == (3, 1)
    off = {"with_latest_build": "False", "with_latest_succeeded_build": "False"}
    assert ok(anybody.get("/package", **query, **off))["builds"] == {
        "latest": None,
        "latest_succeeded": None,
    }
    listed = ok(anybody.get("/package/list", **WHERE, **flags))["items"][0]
    assert listed["builds"]["latest"]["id"] == 3


def test_lists_are_newest_first_paged_and_filtered(demo, backend, anybody):
    demo.scm("other")
    for name in ("hello", "other", "hello", "hello"):
        demo.build(name)
    backend.source(3, SourceState.FAILED)

    def numbers(**query):
        return [b["id"] for b in ok(anybody.get("/build/list", **WHERE, **query))["items"]]

    assert numbers() == [4, 3, 2, 1]
    assert numbers(limit=2, offset=1) == [3, 2]
    assert numbers(packagename="hello") == [4, 3, 1]
    assert numbers(status="failed") == [3]
    assert numbers(status="pending", limit=1, offset=1) == [2]


def test_a_canceled_build_is_over_at_once(demo, backend):
    demo.build()
    job = backend.job(1, CHROOTS[0], JobState.BUILDING, started_at=5)
    assert ok(demo.put("/build/cancel/1"))["state"] == "canceled"
    with backend.house.records.read() as unit:
        assert unit.jobs.get(job.id).state is JobState.CANCELED
    assert error(demo.put("/build/cancel/1")) == (409, "Cannot cancel build 1")


def test_only_those_who_may_build_cancel(demo, bob):
    demo.build()
    assert error(bob.put("/build/cancel/1")) == (403, "You are not allowed to cancel this build.")


def test_deleting_is_all_or_nothing(demo, bob, backend):
    for _ in range(3):
        demo.build()
    ok(demo.put("/build/cancel/1"))
    status, text = error(demo.delete("/build/delete/list", {"builds": [1, 2, 99]}))
    assert status == 400
    assert text == "Build(s) 2 are still running.\nBuild(s) 99 don't exist.\n"
    status, text = error(bob.delete("/build/delete/list", {"builds": [1]}))
    assert text == "You don't have permissions to delete build(s) 1.\n"
    assert ok(demo.delete("/build/delete/list", {"builds": [1]})) == {"builds": [1]}
    assert demo.get("/build/1").status_code == 404
    assert error(demo.delete("/build/delete/2"))[0] == 400


@pytest.mark.parametrize("builds", [[], ["x"], [-1], [True], [{}], "1; drop", list(range(2000))])
def test_odd_lists_of_builds_are_refused(demo, builds):
    assert error(demo.delete("/build/delete/list", {"builds": builds}))[0] == 400


def test_a_deleted_result_gives_way_to_the_success_before_it(demo, backend):
    for _ in range(2):
        demo.build(chroots=[CHROOTS[0]])
    old = backend.job(1, CHROOTS[0], JobState.SUCCEEDED, result="succeeded")
    backend.job(2, CHROOTS[0], JobState.SUCCEEDED, result="succeeded")
    ok(demo.delete("/build/delete/2"))
    with backend.house.records.read() as unit:
        target = unit.targets.get(old.package_id, "debian-12", "x86_64")
    assert target.good_job_id == old.id


def test_a_package_with_a_running_build_stays(demo, backend):
    demo.build()
    body = {**WHERE, "package_name": "hello"}
    assert error(demo.delete("/package/delete", body)) == (400, "Build(s) 1 are still running.\n")
    ok(demo.put("/build/cancel/1"))
    assert ok(demo.delete("/package/delete", body))["name"] == "hello"
    assert demo.get("/build/1").status_code == 404


def test_the_monitor_shows_the_newest_build_of_each_chroot(demo, backend, anybody):
    demo.build()
    backend.source(1, SourceState.SUCCEEDED, source_version="1.0-1")
    backend.job(1, CHROOTS[0], JobState.SUCCEEDED, started_at=1, ended_at=2)
    backend.job(1, CHROOTS[1], JobState.FAILED, started_at=1, ended_at=2)
    demo.build(chroots=[CHROOTS[0]])
    fields = {"additional_fields[]": "url_build_log"}
    (package,) = ok(anybody.get("/monitor", **WHERE, **fields))["packages"]
    log = "https://copr.example.com/results/alice/demo/epel-9-x86_64/00000001-hello/builder-live.log.gz"
    assert package == {
        "name": "hello",
        "chroots": {
            CHROOTS[0]: {
                "state": "waiting", "status": 9, "build_id": 2, "pkg_version": None,
                "url_build_log": None,
            },
            CHROOTS[1]: {
                "state": "failed", "status": 0, "build_id": 1, "pkg_version": "1.0-1",
                "url_build_log": log,
            },
        },
    }  # fmt: skip


def test_builds_of_hidden_or_deleted_projects_do_not_exist(demo, anybody, street):
    demo.build()
    ok(demo.put("/build/cancel/1"))
    inside = "<person userid='alice' role='maintainer'/><access><disable/></access>"
    street.project("home:alice:demo", inside)
    for path in ("/build/1", "/build/source-chroot/1", "/build-chroot/list/1"):
        assert anybody.get(path).status_code == 404
        assert demo.get(path).status_code == 200
    ok(demo.delete("/project/delete/alice/demo"))
    assert demo.get("/build/1").status_code == 404


def test_numbers_beyond_every_database_do_not_exist(anybody):
    assert anybody.get("/build/99999999999999999999999").status_code == 404
    assert anybody.get("/build-chroot", build_id="9" * 30, chrootname="a-b").status_code in (
        400,
        404,
    )


def test_a_build_overtaken_by_newer_sources_is_over(demo, backend):
    demo.build()
    demo.build()
    with backend.house.records.begin() as unit:
        package = unit.packages.get("home:alice:demo", "hello")
        for number in (1, 2):
            unit.builds.update(number, package_id=package.id, source_state=SourceState.SUCCEEDED)
    # Only the newest sources of a package are ever built.
    assert (state(demo, 1), state(demo, 2)) == ("canceled", "pending")


def test_a_chroot_the_project_no_longer_has_is_over(demo, backend):
    demo.build()
    backend.job(1, CHROOTS[0], JobState.SUCCEEDED)
    ok(demo.put("/project/edit/alice/demo", {"chroots": [CHROOTS[0]]}))
    shown = ok(demo.get("/build-chroot/list", build_id=1))["items"]
    assert [(c["name"], c["state"]) for c in shown] == [
        (CHROOTS[0], "succeeded"),
        (CHROOTS[1], "canceled"),
    ]
