"""What the table of edits does not show: order, cycles, cancels, crashes, other projects."""

import pytest

from builder.planner import commands
from builder.srpm.cancel import cancel_build
from storage.model import Author, Build, EventKind, JobState, PathEntry, Repository, SourceState

from .world import ARCH, CONFIG, World, off, on, one_repository, worked_example


@pytest.fixture
def world(tmp_path):
    return one_repository(tmp_path)


def jobs_of(world, package):
    with world.records.read() as unit:
        row = unit.packages.get("demo", package)
        builds = unit.builds.list_for(row.project_id, row.id, newest_first=False)
        return [job for build in builds for job in unit.jobs.of_build(build.id)]


def latest_build(world, package):
    with world.records.read() as unit:
        return unit.builds.latest(unit.packages.get("demo", package).id)


# --- one package ---


def test_newer_sources_cancel_a_waiting_job(world):
    world.spec("site", more="# one")
    world.settle()
    (first,) = world.waiting()
    world.spec("site", more="# two")
    world.settle()
    with world.records.read() as unit:
        old = unit.jobs.get(first.id)
    assert (old.state, old.details) == (JobState.CANCELED, "replaced by newer sources")
    (second,) = world.waiting()
    assert second.rev == first.rev + 1
    assert world.run() == [("stable", "site", "source change")]


def test_newer_sources_outdate_a_running_job(world):
    world.spec("site", more="# one")
    world.settle()
    (first,) = world.waiting()
    with world.records.begin() as unit:
        unit.jobs.transition(first.id, (JobState.DISPATCHING,), JobState.BUILDING)
    stopped = []
    world.queue.stop = lambda number, **more: stopped.append(number)
    world.spec("site", more="# two")
    world.settle()
    assert stopped == [first.id]
    with world.records.read() as unit:
        assert unit.jobs.get(first.id).state is JobState.CANCELED
    assert world.code("site")[0] == "scheduled"


def test_every_build_of_a_commit_ends_in_a_job(world):
    world.spec("site")
    world.settle()
    (job,) = [
        job for job in jobs_of(world, "site") if job.build_id == latest_build(world, "site").id
    ]
    assert (job.state, job.details) == (JobState.EXCLUDED, "nothing changed")


def test_build_that_waits_shows_why(world):
    world.spec("libgreet", more="# touched")
    world.spec("site", ["greet", "missing"])
    world.settle()
    job = jobs_of(world, "site")[-1]
    assert (job.state, job.details) == (JobState.UNRESOLVABLE, "nothing provides missing")
    world.spec("site", ["greet"], more="# again")
    world.settle()
    job = jobs_of(world, "site")[-1]
    assert (job.state, job.details) == (JobState.BLOCKED, "greet")
    world.run()
    assert jobs_of(world, "site")[-1].state is JobState.SUCCEEDED


def test_canceled_build_stays_canceled_until_something_changes(world):
    world.spec("site", more="# touched")
    world.settle()
    cancel_build(world.house, latest_build(world, "site").id)
    assert world.run() == []
    assert world.code("site") == ("canceled", "canceled")
    world.downloaded("gcc")
    assert "site" in [package for _, package, _ in world.run()]


def test_aborted_job_counts_as_failed(world):
    world.spec("site", more="# touched")
    world.settle()
    with world.records.read() as unit:
        project = unit.projects.get("demo")
    assert commands.abort(world.house, project, ["site"], user="anna") == 1
    world.settle()
    assert world.code("site") == ("canceled", "aborted by anna")
    assert commands.rebuild(world.house, project, ["site"], user="anna") == 1
    assert world.run() == [("stable", "site", "new build")]


def test_restarted_job_goes_back_into_the_queue(world):
    world.spec("site", more="# touched")
    world.settle()
    (job,) = world.waiting()
    with world.records.begin() as unit:
        unit.jobs.transition(job.id, (JobState.DISPATCHING,), JobState.BUILDING)
        project = unit.projects.get("demo")
    assert commands.restart(world.house, project, codes=["building"]) == 1
    world.settle()
    (again,) = world.waiting()
    assert (again.id, again.attempt) == (job.id, job.attempt + 1)


def test_commands_reach_only_what_they_name(world):
    with world.records.read() as unit:
        project = unit.projects.get("demo")
    assert commands.rebuild(world.house, project, user="anna", codes=["failed"]) == 0
    assert commands.rebuild(world.house, project, user="anna", repositories=["other"]) == 0
    assert commands.rebuild(world.house, project, ["site"], user="anna", codes=["succeeded"]) == 1


def test_rebuild_asked_for_while_a_job_runs_is_that_job(world):
    world.spec("site", more="# touched")
    world.settle()
    (job,) = world.waiting()
    with world.records.read() as unit:
        project = unit.projects.get("demo")
    commands.rebuild(world.house, project, ["site"], user="anna")
    world.settle()
    late = jobs_of(world, "site")[-1]
    assert (late.state, late.details) == (JobState.EXCLUDED, f"the same as build {job.build_id}")
    assert world.run() == [("stable", "site", "source change")]


def test_very_many_errors_are_told_in_part(world):
    world.spec("site", [f"gone{number}" for number in range(500)])
    world.settle()
    details = world.code("site")[1]
    assert details.endswith("nothing provides gone99, ...")


def test_locked_package_keeps_its_results_when_wiped(world):
    world.flags("site", on("lock"))
    world.settle()
    with world.records.read() as unit:
        project = unit.projects.get("demo")
    assert commands.wipe(world.house, project, ["site"], user="anna") == 0
    assert world.target("site").good_job_id is not None


def test_root_that_lacks_something_makes_the_package_unresolvable(world):
    world.spec("site", more="# touched")
    world.settle()
    world.finish(world.waiting()[0], "unresolvable", "x is needed by site")
    world.settle()
    assert world.code("site") == ("unresolvable", "x is needed by site")
    assert world.run() == []
    world.flags("site")
    world.settle()
    assert world.code("site") == ("unresolvable", "x is needed by site")


def test_build_whose_root_broke_is_tried_again_after_hours(world):
    world.spec("site", more="# touched")
    world.settle()
    world.finish(world.waiting()[0], "broken", "no root")
    world.settle()
    world.flags("site")
    world.settle()
    assert world.code("site") == ("failed", "")
    world.clock.now += 5 * 3600
    world.flags("site")
    assert world.run() == [("stable", "site", "retrying bad build")]


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({}, ("broken", "no source uploaded")),
        ({"README": "x"}, ("excluded", "")),
        ({"x.dsc": "Source: x\nVersion: 1\n"}, ("excluded", "")),
        ({"x.spec": "Version: 1\n"}, ("broken", "can not parse name from x.spec")),
        ({"x.spec": "Name: x\nVersion: 1\nExclusiveArch: s390x\n"}, ("excluded", "")),
        (
            {"x.spec": "Name: x\nVersion: 1\nBuildRequires: a\n"},
            ("unresolvable", "nothing provides a"),
        ),
        (
            {"x.spec": "Name: x\nVersion: 1\nBuildRequires: zlib >= 9\n"},
            ("unresolvable", "nothing provides zlib >= 9, (got version 1-1)"),
        ),
    ],
)
def test_state_of_a_package(world, files, state):
    world.package("x")
    for name, text in files.items():
        world.commit("x", name, text)
    world.settle()
    assert world.code("x") == state


def test_broken_beats_disabled_but_not_when_switched_off_everywhere(world):
    world.package("x")
    world.flags("x", off("build"))
    world.settle()
    assert world.code("x") == ("disabled", "")
    world.flags("x", off("build", "stable"), on("build", "other"))
    world.settle()
    assert world.code("x") == ("disabled", "")


# --- repositories ---


def test_repository_without_type_is_broken_and_packages_keep_their_states(world):
    world.config(CONFIG.replace("Type: spec", "").replace("Preinstall: bash rpm", ""))
    world.settle()
    assert world.state() == ("broken", "no build type (Dist)")
    assert world.code("site") == ("succeeded", "")
    world.config("%if 1 +\n%endif\n")
    world.settle()
    assert world.state() == ("broken", "line 1: syntax error in expression (demo)")
    world.config(CONFIG)
    assert world.run() == []
    assert world.state() == ("finished", "")


def test_path_to_nowhere_is_told(world):
    paths = (PathEntry("Gone", "std"), PathEntry("Dist", "other"))
    world.project("demo", Repository("stable", (ARCH,), paths))
    world.settle()
    text = "repository 'Gone/std' is unavailable, repository 'Dist/other' is unavailable"
    assert world.state() == ("broken", text)


def test_missing_preinstall_is_told(world):
    world.config(CONFIG.replace("bash rpm", "bash rpm zypp"))
    world.spec("site", more="# touched")
    world.settle()
    assert world.code("site") == ("unresolvable", "missing pre/vminstalls: zypp")


def test_no_publishing_with_failures_when_the_project_says_so(world):
    world.config(CONFIG + "PublishFlags: nofailedpackages\n")
    world.spec("site", more="# touched")
    world.run(site="failed")
    assert world.state() == ("broken", "not publishing failed packages: site")


def test_removed_repository_loses_its_targets_and_its_tree(world):
    path = (PathEntry("Dist", "std"),)
    world.spec("site", more="# touched")
    world.settle()
    world.project("demo", Repository("fresh", (ARCH,), path))
    world.settle()
    assert world.target("site") is None
    assert ("demo", "stable") in world.published
    built = world.run()
    assert built == [("fresh", name, "new build") for name in ("libgreet", "greet", "site")]


def test_deleted_project_ends_its_jobs_and_breaks_what_builds_on_it(world):
    world.project("top", Repository("std", (ARCH,), (PathEntry("demo", "stable"),)))
    world.settle()
    world.spec("site", more="# touched")
    world.settle()
    (job,) = world.waiting()
    world.storage.delete_project("demo", Author("anna"))
    world.settle()
    with world.records.read() as unit:
        assert unit.jobs.get(job.id).state is JobState.CANCELED
    text = "repository 'demo/stable' is unavailable"
    assert world.state("std", "top") == ("broken", text)


def test_all_architectures_of_a_build_have_one_number(tmp_path):
    path = (PathEntry("Dist", "std"),)
    world = World(tmp_path)
    world.project("Dist", Repository("std", (ARCH, "noarch")))
    world.project("demo", Repository("stable", (ARCH, "aarch64"), path))
    world.config("Type: spec\n")
    world.package("site")
    world.spec("site", [])
    world.settle()
    first = world.job("site")
    world.finish(first)
    world.settle()
    second = world.job("site", arch="aarch64")
    assert (first.build_id, first.bcnt) == (second.build_id, second.bcnt)


# --- dependency cycles ---


@pytest.fixture
def cycle(tmp_path):
    """greet and libgreet need each other for building; site uses greet."""
    world = one_repository(tmp_path)
    world.spec("libgreet", ["zlib-devel", "greet"])
    world.run()
    return world


def test_cycle_comes_to_rest_after_each_member_was_built(cycle):
    cycle.spec("libgreet", ["zlib-devel", "greet"], more="# touched")
    cycle.settle()
    assert cycle.codes("libgreet", "greet", "site") == [
        ("scheduled", ""),
        ("blocked", "cycle"),
        ("blocked", "greet"),
    ]
    assert cycle.job("libgreet").options["nounchanged"] is True
    assert [package for _, package, _ in cycle.run()] == ["libgreet", "greet", "site"]
    assert cycle.run() == []


# --- other projects ---


def test_other_projects_wake_on_the_file_not_on_the_source(world):
    """A plain rebuild wakes nobody inside, but everybody outside."""
    world.project("top", Repository("std", (ARCH,), (PathEntry("demo", "stable"),)))
    world.config("Type: spec\n", project="top")
    world.package("app", "top")
    world.spec("app", ["libgreet"], project="top")
    assert world.run() == [("std", "app", "new build")]
    with world.records.read() as unit:
        project = unit.projects.get("demo")
    commands.rebuild(world.house, project, ["libgreet"], user="anna")
    world.settle()
    assert world.code("app", "std", project="top") == ("blocked", "libgreet")
    assert world.run() == [
        ("stable", "libgreet", "new build"),
        ("std", "app", "meta change: md5sum libgreet"),
    ]


@pytest.mark.parametrize(("block", "code"), [("local", "succeeded"), ("never", "succeeded")])
def test_block_attribute_limits_who_holds_up_whom(world, block, code):
    path = (PathEntry("demo", "stable"),)
    world.project("top", Repository("std", (ARCH,), path, block=block))
    world.config("Type: spec\n", project="top")
    world.package("app", "top")
    world.spec("app", ["libgreet"], project="top")
    world.run()
    world.spec("libgreet", more="# touched")
    world.settle()
    assert world.code("app", "std", project="top")[0] == code


def test_hidden_project_serves_its_own_family_only(world):
    paths = (PathEntry("demo", "stable"),)
    repository = Repository("stable", (ARCH,), (PathEntry("Dist", "std"),))
    world.project("demo", repository, flags=[off("access")])
    world.project("demo:sub", Repository("std", (ARCH,), paths))
    world.project("stranger", Repository("std", (ARCH,), paths))
    world.settle()
    assert world.state("std", "demo:sub") == ("finished", "")
    assert world.state("std", "stranger") == ("broken", "repository 'demo/stable' is unavailable")


# --- builds of the Copr dialect ---


def submit(world, package, **options):
    """A build of what the package holds, as the Copr door records it."""
    with world.records.begin() as unit:
        row = unit.packages.get("demo", package)
        revision = unit.revisions.latest(row.id)
        build = unit.builds.create(
            Build(
                id=0,
                project_id=row.project_id,
                project="demo",
                package_id=row.id,
                package=package,
                commit=revision.commit,
                rev=revision.number,
                srcmd5=revision.srcmd5,
                cause="copr",
                submitter="anna",
                created_at=0,
                options=options,
            )
        )
        payload = {"package_id": row.id, "build_id": build.id}
        unit.events.append(EventKind.REBUILD_ASKED, "demo", package, payload)
    return build


def test_build_for_some_chroots_touches_no_other(tmp_path):
    path = (PathEntry("Dist", "std"),)
    repositories = [Repository(name, (ARCH,), path) for name in ("one", "two")]
    world = worked_example(tmp_path, *repositories)
    world.run()
    build = submit(world, "site", chroots=[f"two-{ARCH}"], timeout=60)
    assert world.run() == [("two", "site", "new build")]
    with world.records.read() as unit:
        (job,) = unit.jobs.of_build(build.id)
    assert (job.owner, job.options) == ("anna", {"timeout": 60})


def test_build_whose_sources_are_not_there_yet_has_no_jobs(world):
    build = submit(world, "site")
    with world.records.begin() as unit:
        unit.builds.update(build.id, source_state=SourceState.PENDING, srcmd5="")
    world.settle()
    with world.records.read() as unit:
        assert unit.jobs.of_build(build.id) == []


def test_copr_projects_keep_the_release_of_their_sources(world):
    with world.records.begin() as unit:
        project = unit.projects.get("demo")
        unit.projects.update_copr(project.id, {"chroots": {}})
    world.spec("site", more="# touched")
    world.settle()
    assert "release" not in world.job("site").install


# --- crashes ---


@pytest.mark.parametrize("moment", ["take", "check", "write", "done"])
def test_scheduler_that_dies_anywhere_is_replaced_by_another(world, monkeypatch, moment):
    world.spec("libgreet", more="# touched")
    places = {
        "take": "builder.planner.results.announce",
        "check": "builder.planner.check.Checker.check",
        "write": "builder.planner.write.Writer.write",
        "done": "storage.records.stores.events.Events.done",
    }
    seen = []
    for _ in range(60):

        def die(*args, **more):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(places[moment], die)
            try:
                world.step()
            except KeyboardInterrupt:
                world.scheduler = world.new_scheduler()
        world.step()
        for job in world.waiting():
            seen.append(job.package)
            world.finish(job)
    assert seen == ["libgreet", "greet", "site"]
    assert world.codes("libgreet", "greet", "site") == [("succeeded", "")] * 3


def test_what_one_repository_holds_does_not_stop_the_others(world, monkeypatch, caplog):
    world.project("top", Repository("std", (ARCH,), (PathEntry("demo", "stable"),)))
    world.settle()
    check = world.scheduler.checker.check

    def fails(unit, project, scope, wanted):
        if scope.project == "top":
            raise ZeroDivisionError
        return check(unit, project, scope, wanted)

    monkeypatch.setattr(world.scheduler.checker, "check", fails)
    world.config("Type: spec\n", project="top")
    world.spec("site", more="# touched")
    assert world.run() == [("stable", "site", "source change")]
    assert world.state("std", "top") == ("broken", "internal error: ZeroDivisionError")
    monkeypatch.undo()
    world.config("Type: spec\n# again\n", project="top")
    world.settle()
    assert world.state("std", "top") == ("finished", "")


def test_unreadable_event_is_passed_over(world):
    with world.records.begin() as unit:
        unit.events.append(EventKind.PACKAGE_DELETED, "demo", "site", {"package_id": "x"})
        unit.events.append(EventKind.REBUILD_ASKED, "demo", "nobody", {})
        unit.events.append(EventKind.CHECK_ASKED, "nowhere", None, {})
    world.settle()
    with world.records.read() as unit:
        assert unit.events.pending() == 0


def test_new_scheduler_rebuilds_nothing(world):
    for _ in range(2):
        world.scheduler = world.new_scheduler()
        assert world.run() == []


# --- size ---


def test_commit_looks_at_users_only(world):
    """Whatever a project holds: one package and those that use it, also after a start."""
    for number in range(30):
        world.package(f"other{number}")
        world.spec(f"other{number}", ["zlib-devel"])
    world.run()
    world.scheduler = world.new_scheduler()
    world.spec("greet", more="# touched")
    world.settle()
    # greet itself, site behind it, and nothing of the other thirty; perhaps more than once.
    assert world.scheduler.checker.assessed <= 6
    assert [package for _, package, _ in world.run()] == ["greet", "site"]
    assert world.scheduler.checker.assessed <= 16


def test_waiting_packages_are_not_looked_at_again_and_again(tmp_path):
    """Of many that cannot be resolved, a result only concerns those that wait for it."""
    world = World(tmp_path)
    world.project("Dist", Repository("std", (ARCH,)))
    world.project("demo", Repository("stable", (ARCH,), (PathEntry("Dist", "std"),)))
    world.config("Type: spec\n")
    for number in range(20):
        world.package(f"lib{number:02}")
        world.spec(f"lib{number:02}", [])
        world.package(f"app{number:02}")
        world.spec(f"app{number:02}", [f"lib{number:02}"])
    world.settle()
    before = world.scheduler.checker.assessed
    assert len(world.run()) == 40
    assert world.scheduler.checker.assessed - before < 40 * 5
