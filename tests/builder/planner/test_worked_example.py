"""The worked example of the build semantics, moment by moment."""

import pytest

from .world import worked_example

PACKAGES = ("libgreet", "greet", "site")


@pytest.fixture
def world(tmp_path):
    return worked_example(tmp_path)


def test_first_build_of_everything(world):
    assert world.state() == ("unknown", "")
    world.settle()
    assert world.state() == ("building", "")
    assert world.codes(*PACKAGES) == [
        ("scheduled", ""),
        ("unresolvable", "nothing provides libgreet-devel"),
        ("unresolvable", "nothing provides greet"),
    ]
    built = world.run()
    assert [(r, p, why) for r, p, why in built if r == "stable"] == [
        ("stable", "libgreet", "new build"),
        ("stable", "greet", "new build"),
        ("stable", "site", "new build"),
    ]
    assert world.codes(*PACKAGES) == [("succeeded", "")] * 3
    assert world.codes(*PACKAGES, repository="next") == [("succeeded", "")] * 3
    assert world.state() == ("finished", "")
    assert ("demo", "stable") in world.published
    job = world.job("libgreet")
    assert (job.versrel, job.bcnt, job.recipe) == ("1.0-1", 1, "libgreet.spec")
    assert job.install["release"] == "<CI_CNT>.<B_CNT>"


def test_one_change_moves_through_both_repositories(world):
    world.run()
    before = world.job("libgreet")
    world.spec("libgreet", more="# touched")
    world.settle()
    for repository in ("stable", "next"):
        assert world.codes(*PACKAGES, repository=repository) == [
            ("scheduled", ""),
            ("blocked", "libgreet, libgreet-devel"),
            ("blocked", "greet"),
        ]
    job = world.job("libgreet")
    assert job.reason["explain"] == "source change"
    assert job.reason["oldsource"] == before.srcmd5
    assert (job.versrel, job.bcnt) == ("1.0-2", 1)
    built = world.run()
    assert [(p, why) for r, p, why in built if r == "stable"] == [
        ("libgreet", "source change"),
        ("greet", "meta change: md5sum libgreet, md5sum libgreet-devel"),
        ("site", "meta change: md5sum greet/libgreet, md5sum greet/libgreet-devel"),
    ]
    assert [(p, why) for r, p, why in built if r == "next"] == [
        ("libgreet", "source change"),
        ("greet", "meta change: md5sum libgreet, md5sum libgreet-devel"),
    ]
    assert (world.job("greet").versrel, world.job("greet").bcnt) == ("2.0-1", 2)
    assert world.codes(*PACKAGES) == [("succeeded", "")] * 3


def test_package_that_was_never_built_leaves_its_users_unresolvable(world):
    world.settle()
    job = next(job for job in world.waiting() if job.repository == "stable")
    world.finish(job, "failed")
    world.settle()
    assert world.codes(*PACKAGES) == [
        ("failed", ""),
        ("unresolvable", "nothing provides libgreet-devel"),
        ("unresolvable", "nothing provides greet"),
    ]


def test_failure_blocks_nobody_and_keeps_the_old_binaries(world):
    world.run()
    world.spec("libgreet", more="# touched")
    good = world.target("greet").good_job_id
    built = world.run(greet="failed")
    assert ("stable", "site", "") not in [(r, p, "") for r, p, _ in built]
    assert world.codes(*PACKAGES) == [("succeeded", ""), ("failed", ""), ("succeeded", "")]
    assert world.target("greet").good_job_id == good
    assert world.state() == ("finished", "")
    assert world.run() == []


def test_blocked_package_holds_publishing_back(world):
    world.run()
    world.published.clear()
    world.spec("libgreet", more="# touched")
    world.settle()
    assert world.published == []
    world.finish(next(job for job in world.waiting() if job.repository == "stable"))
    world.settle()
    assert world.published == []
    world.run()
    assert ("demo", "stable") in world.published


def test_counters_survive_and_failed_builds_take_no_number(world):
    world.run()
    world.spec("libgreet", more="# touched")
    world.run(libgreet="failed")
    world.downloaded("zlib")
    world.run()
    job = world.job("libgreet")
    assert (job.versrel, job.bcnt) == ("1.0-2", 1)
