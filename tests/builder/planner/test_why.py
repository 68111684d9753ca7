"""Why?: the answer for people and programs."""

import pytest

from builder.planner.why import explain

from .world import ARCH, one_repository


@pytest.fixture
def world(tmp_path):
    return one_repository(tmp_path)


def ask(world, package):
    with world.records.read() as unit:
        project = unit.projects.get("demo")
        row = unit.packages.get("demo", package)
    return explain(world.house, project, row, "stable", ARCH)


def test_commit_is_named_with_its_author(world):
    world.spec("libgreet", more="# touched")
    world.settle()
    answer = ask(world, "libgreet")
    assert (answer.code, answer.explain, answer.cause) == ("scheduled", "source change", "commit")
    assert answer.submitter == "anna"
    assert answer.sentences[0] == "its last job, source change, came from a commit by anna"


def test_blocked_package_names_who_it_waits_for(world):
    world.spec("libgreet", more="# touched")
    world.settle()
    answer = ask(world, "greet")
    assert [(w.binary, w.package) for w in answer.waits_for] == [
        ("libgreet", "libgreet"),
        ("libgreet-devel", "libgreet"),
    ]
    assert answer.sentences[0] == "it waits for demo/libgreet"


def test_changed_inputs_are_told_with_the_way_they_came(world):
    world.downloaded("zlib")
    world.run()
    answer = ask(world, "site")
    assert answer.explain == "meta change"
    assert "zlib changed below greet and libgreet-devel" in answer.sentences


def test_missing_dependency_is_told(world):
    world.spec("site", ["greet", "gone >= 2"])
    world.settle()
    answer = ask(world, "site")
    assert answer.errors == ("nothing provides gone >= 2",)
    assert answer.sentences[0] == "it cannot be built: nothing provides gone >= 2"


def test_package_nobody_looked_at(world):
    world.package("new")
    assert ask(world, "new").sentences == ("new was not looked at yet",)


def test_answer_is_plain_json(world):
    assert ask(world, "greet").as_json()["package"] == "greet"
