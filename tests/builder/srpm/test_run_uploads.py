"""The source part of builds whose SRPM or spec came as a file."""

import json
import os

import pytest

from builder.srpm.cancel import cancel_build
from storage.git.transaction import Transaction
from storage.model import EventKind, SourceState
from storage.names import LATEST
from tests.support import need

from . import craft
from .conftest import ANNA, PROJECT
from .test_fetch import web


@pytest.fixture
def srpm(tmp_path):
    path = tmp_path / "hello-1.0-1.src.rpm"
    path.write_bytes(craft.with_files({"hello.spec": craft.SPEC, "data.txt": b"content"}))
    return path


def test_an_uploaded_package_becomes_one_commit_of_the_same_build(shop, srpm):
    build = shop.run(shop.upload(srpm))
    assert build.source_state is SourceState.SUCCEEDED
    assert (build.package, build.source_version, build.rev) == ("hello", "1.0-1", 1)
    revision = shop.house.storage.package(PROJECT, "hello").revision(LATEST)
    assert revision.commit == build.commit
    assert revision.user == "anna"
    assert revision.comment == f"Import hello-1.0-1.src.rpm (copr build {build.id})"
    assert shop.files("hello") == {"hello.spec": craft.SPEC, "data.txt": b"content"}
    told = [e for e in shop.events() if e.kind is EventKind.SOURCE_CHANGED]
    assert [event.payload["build_id"] for event in told] == [build.id]
    with shop.house.records.read() as unit:
        assert [b.id for b in unit.builds.list_for(build.project_id)] == [build.id]


def test_what_the_source_part_made_is_kept_for_readers(shop, srpm):
    build = shop.run(shop.upload(srpm))
    assert shop.kept(build) == {
        srpm.name,
        "hello.spec",
        "results.json",
        "success",
        "builder-live.log.gz",
    }
    assert "was imported into package hello" in shop.log(build)
    assert build.options["srpm"] == srpm.name
    directory = shop.house.settings.data_dir / "srpm-builds" / str(build.id)
    assert json.loads((directory / "results.json").read_text())["version"] == "1.0"
    assert not (shop.house.settings.data_dir / "srpm-uploads" / str(build.id)).exists()


def test_an_implicit_package_remembers_where_it_came_from(shop, srpm):
    build = shop.run(shop.upload(srpm))
    with shop.house.records.read() as unit:
        package = unit.packages.get(PROJECT, "hello")
    assert package.copr == {"source_type": "upload", "source": build.source_dict}


def test_an_existing_package_is_replaced_and_keeps_its_settings(shop, srpm):
    shop.package("hello", hello__spec="old", gone__patch="old")
    build = shop.run(shop.upload(srpm))
    assert (build.source_state, build.rev) == (SourceState.SUCCEEDED, 2)
    assert set(shop.files("hello")) == {"hello.spec", "data.txt"}
    with shop.house.records.read() as unit:
        assert unit.packages.get(PROJECT, "hello").copr == {}


def test_a_repeated_attempt_does_nothing(shop, srpm):
    build = shop.run(shop.upload(srpm))
    assert shop.run(build) == build
    assert shop.house.storage.package(PROJECT, "hello").revision(LATEST).number == 1


def test_an_attempt_that_was_lost_before_its_end_is_made_up_for(shop, srpm):
    build = shop.upload(srpm)
    with shop.house.records.begin() as unit:
        # A worker took it and died; the reconciler gave it a new attempt number.
        unit.builds.update(build.id, source_attempt=1)
    assert shop.run(build, 0).source_state is SourceState.PENDING
    assert shop.run(build, 1).source_state is SourceState.SUCCEEDED


def test_a_worker_lost_again_and_again_ends_the_build(shop, srpm):
    limit = shop.house.settings.lost_limit
    build = shop.upload(srpm, source_attempt=limit + 1)
    build = shop.run(build, limit + 1)
    assert build.source_state is SourceState.FAILED
    assert "lost" in build.source_details


def test_a_canceled_build_is_not_started(shop, srpm):
    build = shop.upload(srpm)
    cancel_build(shop.house, build.id)
    build = shop.run(build)
    assert build.canceled
    assert build.source_state is SourceState.CANCELED
    with shop.house.records.read() as unit:
        assert unit.packages.find(PROJECT, "hello") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is no package", "truncated RPM"),
        (b"x" * 4096, "not an RPM package"),
        (craft.with_files({"../evil.spec": b""}), "invalid file name"),
        (craft.with_files({"a.txt": b""}), "no spec file"),
        (craft.with_files({"a.spec": b""}, tags={1000: "_project"}), "cannot be the name"),
        (craft.with_files({"a.spec": b""}, tags={1000: "a:b"}), "invalid package name"),
        (craft.with_files({"a.spec": b""}, tags={1044: "a-1-1.src.rpm"}), "not a source package"),
    ],
)
def test_a_bad_package_fails_the_source_part_with_a_reason(shop, tmp_path, content, reason):
    path = tmp_path / "bad.src.rpm"
    path.write_bytes(content)
    build = shop.run(shop.upload(path))
    assert build.source_state is SourceState.FAILED
    assert reason in build.source_details
    assert reason in shop.log(build)
    with shop.house.records.read() as unit:
        assert unit.packages.list(build.project_id) == []


def test_a_nosrc_package_is_refused(shop, tmp_path):
    path = tmp_path / "a-1-1.nosrc.rpm"
    path.write_bytes(craft.with_files({"a.spec": b""}))
    build = shop.run(shop.upload(path))
    assert "nosrc" in build.source_details


def test_a_package_of_another_name_does_not_replace_the_one_that_was_built(shop, srpm):
    shop.package("other", other__spec="x")
    with shop.house.records.read() as unit:
        package = unit.packages.get(PROJECT, "other")
    build = shop.run(shop.upload(srpm, package_id=package.id, package="other"))
    assert build.source_state is SourceState.FAILED
    assert "called 'hello'" in build.source_details
    assert set(shop.files("other")) == {"other.spec"}


def test_a_project_deleted_meanwhile_fails_the_source_part(shop, srpm):
    build = shop.upload(srpm)
    shop.house.storage.delete_project(PROJECT, ANNA)
    build = shop.run(build)
    assert build.source_state is SourceState.FAILED
    assert "project" in build.source_details


def test_a_build_waits_for_the_batch_before_it(shop, srpm):
    first = shop.upload(srpm)
    second = shop.upload(srpm, options={"after_batch": first.id})
    assert shop.run(second).source_state is SourceState.PENDING
    cancel_build(shop.house, first.id)
    assert shop.run(second).source_state is SourceState.SUCCEEDED


def test_a_package_behind_a_url_is_fetched(shop, srpm):
    with web({"/f/hello-1.0-1.src.rpm": (200, {}, srpm.read_bytes())}) as server:
        url = f"{server.url}/f/hello-1.0-1.src.rpm"
        build = shop.run(shop.submit("link", {"url": url}))
    assert build.source_state is SourceState.SUCCEEDED
    assert build.options["srpm"] == "hello-1.0-1.src.rpm"


def test_a_url_that_answers_nothing_useful_fails_with_its_status(shop):
    with web({}) as server:
        build = shop.run(shop.submit("link", {"url": f"{server.url}/x.src.rpm"}))
    assert build.source_state is SourceState.FAILED
    assert "answered 404" in build.source_details


def test_a_real_package_of_rpmbuild_is_imported(shop, tmp_path):
    need.program("rpmbuild")
    path = craft.rpmbuild_source(tmp_path / "made", "greet", "2.0", "Epoch: 3")
    build = shop.run(shop.upload(path))
    assert (build.package, build.source_version) == ("greet", "3:2.0-1")
    assert shop.files("greet")["greeting.txt"] == b"hello from greet 2.0\n"


def test_types_without_a_generator_say_which_program_is_missing(shop):
    build = shop.run(shop.submit("rubygems", {"gem_name": "rake"}))
    assert build.source_details == "Please, install gem2rpm"
    build = shop.run(shop.submit("pypi", {"spec_generator": "pyp2spec"}))
    assert build.source_details == "Please, install pyp2spec"


def test_a_worker_killed_in_the_middle_of_its_commit_is_made_up_for(shop, srpm, monkeypatch):
    shop.package("hello", hello__spec="old")
    build = shop.upload(srpm)
    move = Transaction._move_refs

    def move_and_die(change):
        move(change)
        os._exit(9)

    with monkeypatch.context() as killing:
        killing.setattr(Transaction, "_move_refs", move_and_die)
        assert shop.run(build).source_state is SourceState.IMPORTING
    # Whoever opens the package next finds the commit, and the build it was made for.
    assert shop.house.storage.package(PROJECT, "hello").revision(LATEST).number == 2
    assert shop.look(build).rev == 2
    with shop.house.records.begin() as unit:
        unit.builds.update(build.id, source_state=SourceState.PENDING, source_attempt=1)
    build = shop.run(build, 1)
    assert (build.source_state, build.rev) == (SourceState.SUCCEEDED, 2)
    with shop.house.records.read() as unit:
        assert unit.builds.latest(build.package_id) == build


def test_handing_in_the_same_sources_again_asks_for_a_rebuild(shop, srpm):
    shop.run(shop.upload(srpm))
    build = shop.run(shop.upload(srpm))
    assert build.rev == 2
    asked = [e.payload["build_id"] for e in shop.events() if e.kind is EventKind.REBUILD_ASKED]
    assert asked[-1] == build.id


def test_nothing_of_a_finished_source_part_is_left_in_scratch(shop, srpm, tmp_path):
    bad = tmp_path / "bad-1-1.src.rpm"
    bad.write_bytes(b"nonsense")
    (shop.house.storage.tmp / "source-1-of-a-dead-worker").mkdir()
    for path in (srpm, bad):
        build = shop.run(shop.upload(path))
        assert not (shop.house.settings.data_dir / "srpm-uploads" / str(build.id)).exists()
    assert list(shop.house.storage.tmp.iterdir()) == []
