"""What is published, when it changes, and what is recorded of it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from builder.publish import generations, recover, remove, remove_project, withdraw
from builder.publishers import PackageCache
from builder.signers import Keyring, NoSigner
from storage.model import EventKind, FlagRule, Publication


def off(flag, **where):
    return FlagRule(flag, False, **where)


HELLO = "noarch/hello-1.0-1.noarch.rpm"


def test_results_of_all_kinds_lie_in_their_places(bench, built):
    bench.project(title="Anna's packages")
    bench.succeed("hello", [built["hello"], built["hello-src"]])
    bench.succeed("machine", [built["machine"]])
    bench.succeed("deb", [built[n] for n in ("hello-deb", "tool-deb", "dsc", "tarball")])
    state = bench.publish()
    assert (state.state, state.dirty, state.details) == ("published", False, "")
    assert bench.packages_in() == {
        HELLO,
        "src/hello-1.0-1.src.rpm",
        "x86_64/machine-1.0-1.x86_64.rpm",
        "all/hello_1.0_all.deb",
        "amd64/tool_1.0_amd64.deb",
        "hello_1.0.dsc",
        "hello_1.0.tar.xz",
    }
    assert {"repodata/repomd.xml.asc", "InRelease", "home:anna.repo"} <= bench.tree()


def test_a_tree_hangs_below_the_parts_of_its_project(bench, built):
    bench.project("home:anna:tools")
    bench.succeed("hello", [built["hello"]], "home:anna:tools")
    bench.publish("home:anna:tools")
    assert (bench.published / "home:/anna:/tools/standard" / HELLO).is_file()


def test_logs_and_other_records_of_a_build_stay_inside(bench, built, tmp_path):
    for name in ("_log", "rpmlint.log", "_statistics", "hello.changes", "hello.buildinfo", ".x"):
        (tmp_path / name).write_text("x")
    names = ("_log", "rpmlint.log", "_statistics", "hello.changes", "hello.buildinfo")
    bench.project()
    bench.succeed("hello", [built["hello"], *(tmp_path / name for name in names)])
    bench.publish()
    assert not {n for n in bench.tree() if n.endswith(tuple(names))}


def test_equal_contents_are_published_once(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    first = bench.publish()
    again = bench.publish()
    bench.succeed("hello", [built["hello"]])
    rebuilt = bench.publish()
    assert first.generation == again.generation == rebuilt.generation
    assert [e.kind for e in bench.events()] == [EventKind.DEPENDENCY_PUBLISHED]


def test_a_change_is_told_to_those_who_depend_on_it(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.succeed("hello", [built["hello-2"]])
    second = bench.publish()
    assert bench.packages_in() == {"noarch/hello-2.0-1.noarch.rpm"}
    events = bench.events()
    assert len(events) == 2
    assert events[1].payload == {"repository": "standard", "generation": second.generation}
    assert events[1].project == "home:anna"


def test_a_failed_build_leaves_its_former_binaries(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.fail("hello")
    bench.publish()
    assert bench.packages_in() == {HELLO}


def test_nofailedpackages_keeps_the_architecture_as_it_is(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.succeed("hello", [built["hello-2"]])
    bench.fail("broken")
    state = bench.publish(config="PublishFlags: nofailedpackages\n")
    assert (state.state, state.details) == ("broken", "not publishing failed packages: broken")
    assert bench.packages_in() == {HELLO}


def test_the_first_package_in_name_order_owns_a_binary_name(bench, built):
    bench.project()
    bench.succeed("zeta", [built["rival"]])
    bench.succeed("alpha", [built["hello"]])
    bench.publish()
    assert bench.packages_in() == {HELLO}


def test_a_package_may_make_several_versions_of_one_binary(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"], built["rival"]])
    bench.publish()
    assert len(bench.packages_in()) == 2


def test_of_two_architectures_the_published_file_stays(bench, built, tmp_path):
    same_name = tmp_path / built["hello"].name
    same_name.write_bytes(built["hello-2"].read_bytes())
    bench.project(arches=("i586", "x86_64"))
    bench.succeed("hello", [built["hello"]], arch="x86_64")
    bench.publish()
    before = (bench.published / "home:/anna/standard" / HELLO).read_bytes()
    bench.succeed("hello", [same_name], arch="i586")
    bench.publish()
    assert (bench.published / "home:/anna/standard" / HELLO).read_bytes() == before


def test_of_two_architectures_the_first_one_of_the_meta_wins(bench, built, tmp_path):
    same_name = tmp_path / built["hello"].name
    same_name.write_bytes(built["hello-2"].read_bytes())
    bench.project(arches=("i586", "x86_64"))
    bench.succeed("hello", [built["hello"]], arch="x86_64")
    job = bench.succeed("hello", [same_name], arch="i586")
    bench.publish()
    current = generations(bench.house).current("home:anna", "standard")
    assert current.manifest().find(HELLO).job_id == job.id


def test_archorder_names_the_preferred_architecture(bench, built, tmp_path):
    same_name = tmp_path / built["hello"].name
    same_name.write_bytes(built["hello-2"].read_bytes())
    bench.project(arches=("i586", "x86_64"))
    bench.succeed("hello", [same_name], arch="i586")
    job = bench.succeed("hello", [built["hello"]], arch="x86_64")
    bench.publish(config="Repotype: rpm-md archorder:x86_64:i586\n")
    current = generations(bench.house).current("home:anna", "standard")
    assert current.manifest().find(HELLO).job_id == job.id


def test_a_package_that_is_not_published_is_left_out(bench, built):
    bench.project()
    bench.package("hello", flags=[off("publish")])
    bench.succeed("hello", [built["hello"]])
    bench.succeed("other", [built["other"]])
    bench.publish()
    assert bench.packages_in() == {"noarch/other-1.0-1.noarch.rpm"}


def test_switching_publishing_off_freezes_what_is_published(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.succeed("other", [built["other"]])
    first = bench.publish()
    bench.package("hello", flags=[off("publish")])
    bench.succeed("hello", [built["hello-2"]])
    second = bench.publish()
    assert second.fingerprint == first.fingerprint
    bench.succeed("other", [built["other"], built["machine"]])
    bench.publish()
    assert bench.packages_in() == {
        HELLO,
        "noarch/other-1.0-1.noarch.rpm",
        "x86_64/machine-1.0-1.x86_64.rpm",
    }


def test_switching_everything_off_is_called_unpublished_and_removes_nothing(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.project(flags=(off("publish"),))
    assert bench.publish().state == "unpublished"
    assert bench.packages_in() == {HELLO}


def test_closed_sources_are_not_published(bench, built):
    bench.project(flags=(off("sourceaccess"),))
    names = ("hello", "hello-src", "hello-debuginfo", "hello-deb", "dsc", "tarball")
    bench.succeed("hello", [built[name] for name in names])
    bench.publish()
    assert bench.packages_in() == {HELLO, "all/hello_1.0_all.deb"}


def test_a_package_more_closed_than_its_project_is_not_in_the_open_tree(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.succeed("other", [built["other"]])
    bench.publish()
    bench.package("hello", flags=[off("binarydownload"), off("publish")])
    bench.publish()
    assert bench.packages_in() == {"noarch/other-1.0-1.noarch.rpm"}
    bench.project(flags=(off("binarydownload"),))
    bench.package("hello", flags=[off("binarydownload")])
    bench.publish()
    assert HELLO in bench.packages_in()


def test_publishfilter_leaves_files_out(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"], built["hello-debuginfo"], built["hello-src"]])
    bench.publish(config="PublishFilter: ^.*-debuginfo-.* \\.src\\.rpm$ [\n")
    assert bench.packages_in() == {HELLO}


def test_splitdebug_makes_a_second_tree_that_goes_with_the_first(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"], built["hello-debuginfo"]])
    split = "Repotype: rpm-md splitdebug:-debuginfo\n"
    bench.publish(config=split)
    debug = {"noarch/hello-debuginfo-1.0-1.noarch.rpm"}
    assert bench.packages_in() == {HELLO}
    assert bench.packages_in(repository="standard-debuginfo") == debug
    bench.publish()
    assert bench.packages_in() == {HELLO} | debug
    assert not bench.tree(repository="standard-debuginfo")
    bench.publish(config=split)
    remove(bench.house, "home:anna", "standard")
    assert not bench.tree(repository="standard-debuginfo")


def test_splitdebug_never_writes_into_another_repository(bench, built):
    bench.project(repositories=("standard", "standard-debuginfo"))
    bench.succeed("hello", [built["hello"], built["hello-debuginfo"]])
    bench.publish(config="Repotype: rpm-md splitdebug:-debuginfo\n")
    assert not bench.tree(repository="standard-debuginfo")
    assert len(bench.packages_in()) == 2


def test_repotype_none_writes_no_metadata(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"], built["hello-deb"]])
    bench.publish(config="Repotype: none\n")
    assert bench.tree() == {HELLO, "all/hello_1.0_all.deb"}


def test_an_empty_result_removes_the_tree(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.fail("hello", good_job_id=None)
    state = bench.publish()
    assert (state.state, state.generation) == ("published", "")
    assert not (bench.published / "home:").exists()
    assert len(bench.events()) == 2


def test_create_empty_publishes_metadata_about_nothing(bench):
    bench.project()
    bench.publish(config="PublishFlags: create_empty\n")
    assert "repodata/repomd.xml" in bench.tree()
    bench.publish(config="PublishFlags: create_empty\nRepotype: debian\n")
    assert "InRelease" in bench.tree()
    assert "repodata/repomd.xml" not in bench.tree()


def test_a_repository_that_never_had_anything_is_published_without_a_tree(bench):
    bench.project()
    assert bench.publish().state == "published"
    assert bench.events() == []
    assert Keyring(bench.house.records, bench.house.signer).own("home:anna") is None


def test_a_removed_repository_loses_its_tree(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.project(repositories=("other",))
    assert bench.publish().state == "unknown"
    assert not (bench.published / "home:").exists()
    assert bench.row() is None


def test_a_deleted_project_loses_its_trees_but_not_its_children(bench, built):
    for name in ("home:anna", "home:anna:tools"):
        bench.project(name, repositories=("standard", "next"))
        for repository in ("standard", "next"):
            bench.succeed("hello", [built["hello"]], name, repository=repository)
            bench.publish(name, repository)
    with bench.house.records.begin() as unit:
        unit.projects.mark_deleted(bench.ids["home:anna"], 1)
    remove_project(bench.house, "home:anna")
    assert not (bench.published / "home:/anna").exists()
    assert bench.packages_in("home:anna:tools", "next") == {HELLO}


def test_withdrawn_files_are_gone_at_once_and_come_back_later(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"], built["hello-deb"]])
    bench.succeed("other", [built["other"]])
    bench.publish()
    withdraw(bench.house, "home:anna", "standard", packages={"hello"})
    assert bench.packages_in() == {"noarch/other-1.0-1.noarch.rpm"}
    assert generations(bench.house).earlier("home:anna", "standard") == []
    bench.publish()
    assert HELLO in bench.packages_in()
    withdraw(bench.house, "home:anna", "standard")
    assert bench.tree() == set()
    assert withdraw(bench.house, "home:anna", "standard") is None


def test_withdrawing_nothing_and_waiting_wishes_change_no_state(bench, built):
    bench.project()
    assert withdraw(bench.house, "home:anna", "standard") is None
    assert withdraw(bench.house, "home:nobody", "standard") is None
    assert bench.row() is None
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    with bench.house.records.begin() as unit:
        unit.publications.put(replace(bench.row(), dirty=True))
    assert withdraw(bench.house, "home:anna", "standard", packages={"other"}).dirty
    assert bench.packages_in() == {HELLO}


def test_withdrawing_from_a_tree_without_metadata_adds_none(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.succeed("other", [built["other"]])
    bench.publish(config="Repotype: none\n")
    withdraw(bench.house, "home:anna", "standard", packages={"other"})
    assert bench.tree() == {HELLO}


def test_the_nearest_project_upwards_signs(bench, built):
    keyring = Keyring(bench.house.records, bench.house.signer)
    for name in ("home:anna", "home:anna:tools"):
        bench.project(name)
        bench.succeed("hello", [built["hello"]], name)
    parent = keyring.create("home:anna")
    bench.publish("home:anna:tools")
    key_file = bench.published / "home:/anna:/tools/standard/repodata/repomd.xml.key"
    assert key_file.read_text() == parent.armored
    own = keyring.create("home:anna:tools")
    bench.publish("home:anna:tools")
    assert key_file.read_text() == own.armored


def test_the_first_publish_makes_the_key_and_records_it(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    with bench.house.records.read() as unit:
        key = unit.keys.get("home:anna")
    assert key.userid == "home:anna OBS Project <home:anna@localhost>"
    assert key == bench.house.signer.public_key("home:anna")


def test_a_key_that_was_not_recorded_is_found_again(bench, built):
    bench.project()
    key = bench.house.signer.create_key("home:anna", "x <x@localhost>")
    assert Keyring(bench.house.records, bench.house.signer).nearest("home:anna") == key
    with bench.house.records.read() as unit:
        assert unit.keys.get("home:anna") == key


def test_a_new_project_does_not_inherit_the_key_of_a_deleted_one(bench, built, monkeypatch):
    keyring = Keyring(bench.house.records, bench.house.signer)
    bench.project()
    former = keyring.create("home:anna")
    with bench.house.records.begin() as unit:
        unit.projects.mark_deleted(bench.ids["home:anna"], 1)
    assert keyring.own("home:anna") is None
    bench.now[0] = former.created_at + 10
    monkeypatch.setattr("builder.signers.keyring.time.time", lambda: bench.now[0])
    bench.project()
    assert keyring.own("home:anna") is None
    assert keyring.for_signing("home:anna").fingerprint != former.fingerprint


def test_a_key_about_to_expire_is_extended(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    keyring = Keyring(bench.house.records, bench.house.signer)
    key = keyring.create("home:anna")
    bench.now[0] = key.expires_at - 10 * 86400
    bench.publish()
    assert keyring.own("home:anna").fingerprint == key.fingerprint
    assert keyring.own("home:anna").expires_at > key.expires_at - 86400
    assert keyring.own("home:anna").armored != key.armored


def test_a_new_key_signs_everything_anew(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    first = bench.publish()
    before = (bench.published / "home:/anna/standard" / HELLO).read_bytes()
    Keyring(bench.house.records, bench.house.signer).create("home:anna")
    assert bench.publish().fingerprint != first.fingerprint
    assert (bench.published / "home:/anna/standard" / HELLO).read_bytes() != before


def test_a_new_or_extended_key_asks_for_a_publish(bench, built):
    bench.project(repositories=("standard", "next"))
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    keyring = Keyring(bench.house.records, bench.house.signer)
    for change in (keyring.create, keyring.extend):
        assert not bench.row().dirty
        change("home:anna")
        assert bench.row().dirty
        bench.publish()
    assert bench.row(repository="next") is None


def test_a_house_without_signatures_publishes_the_results_themselves(bench, built):
    bench.house = replace(bench.house, signer=NoSigner())
    bench.project()
    bench.succeed("hello", [built["hello"], built["hello-deb"]])
    bench.publish()
    tree = bench.published / "home:/anna/standard"
    assert (tree / HELLO).read_bytes() == built["hello"].read_bytes()
    assert "repodata/repomd.xml" in bench.tree()
    assert not {p for p in bench.tree() if p.endswith((".asc", ".key", ".gpg", "InRelease"))}
    assert "gpgcheck=0" in (tree / "home:anna.repo").read_text()


def test_a_damaged_result_is_left_out_and_named(bench, built, tmp_path):
    bench.project()
    job = bench.succeed("hello", [built["hello"], built["hello-deb"]])
    bench.succeed("other", [built["other"]])
    results = bench.house.settings.job_dir(job.id, 1) / "results"
    for file in results.iterdir():
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    state = bench.publish()
    assert bench.packages_in() == {"noarch/other-1.0-1.noarch.rpm"}
    assert (state.state, state.details) == (
        "published",
        "2 files could not be read and are left out",
    )


def test_a_file_that_is_no_package_does_not_stop_the_others(bench, built, tmp_path):
    (tmp_path / "bad-1-1.noarch.rpm").write_bytes(b"\xed\xab\xee\xdb" + b"x" * 500)
    (tmp_path / "bad_1_all.deb").write_bytes(b"!<arch>\nnonsense")
    bench.project()
    bench.succeed("bad", list(tmp_path.glob("bad*")))
    bench.succeed("other", [built["other"]])
    bench.publish()
    assert bench.packages_in() == {"noarch/other-1.0-1.noarch.rpm"}


def test_a_signer_that_fails_breaks_the_state_not_the_tree(bench, built, monkeypatch):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.succeed("hello", [built["hello-2"]])
    monkeypatch.setattr(type(bench.house.signer), "sign_detached", NoSigner.sign_detached)
    state = bench.publish()
    assert (state.state, state.details) == ("broken", "this house does not sign")
    assert bench.packages_in() == {HELLO}
    monkeypatch.undo()
    assert bench.publish().state == "published"


def test_a_full_disk_leaves_the_tree_and_the_wish(bench, built, monkeypatch):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.succeed("hello", [built["hello-2"]])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("builder.publishers.rpmmd.write_file", full)
    with pytest.raises(OSError, match="No space"):
        bench.publish()
    assert bench.packages_in() == {HELLO}
    assert bench.row().dirty
    monkeypatch.undo()
    bench.publish()
    assert bench.packages_in() == {"noarch/hello-2.0-1.noarch.rpm"}


def test_a_name_that_is_too_long_for_the_disk_breaks_only_itself(bench, built):
    name = "home:" + "ä" * 190
    bench.project(name)
    bench.succeed("hello", [built["hello"]], name)
    state = bench.publish(name)
    assert state.state == "broken"
    assert "too long" in state.details


def test_a_wish_that_came_during_the_publish_stays(bench, built, monkeypatch):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.succeed("hello", [built["hello-2"]])
    sign = type(bench.house.signer).sign_detached

    def ask_again(*arguments):
        with bench.house.records.begin() as unit:
            row = unit.publications.get(bench.ids["home:anna"], "standard")
            assert (row.state, row.dirty) == ("publishing", False)
            unit.publications.put(replace(row, dirty=True))
        return sign(*arguments)

    monkeypatch.setattr(type(bench.house.signer), "sign_detached", ask_again)
    assert bench.publish().dirty
    monkeypatch.undo()
    assert not bench.publish().dirty


def test_callers_at_the_same_time_publish_once(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"], built["hello-deb"]])
    with ThreadPoolExecutor(6) as pool:
        states = list(pool.map(lambda _: bench.publish(), range(6)))
    assert {state.state for state in states} == {"published"}
    assert len({state.generation for state in states}) == 1
    assert len(bench.events()) == 1
    shelf = generations(bench.house).current("home:anna", "standard").path.parent
    assert len([path for path in shelf.iterdir() if path.is_dir()]) == 1


def test_processes_at_the_same_time_publish_once(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if bench.publish().state == "published" else 1)
            except BaseException:
                os._exit(2)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert len(bench.events()) == 1
    assert bench.packages_in() == {HELLO}


def test_sweeping_keeps_what_is_offered(bench, built):
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.succeed("hello", [built["hello-2"], built["hello-deb"]])
    bench.publish()
    cache = bench.published / ".packages"
    long_ago = bench.now[0] - 10**8
    for entry in cache.glob("*/*/*"):
        os.utime(entry, (long_ago, long_ago))
    assert PackageCache(bench.published).sweep() == 1, (
        "the paragraph of the .deb; both .rpm are still linked"
    )
    generations(bench.house).forget_earlier("home:anna", "standard")
    assert PackageCache(bench.published).sweep() == 1
    bench.succeed("hello", [built["hello-2"], built["hello-deb"], built["other"]])
    bench.publish()
    assert len(bench.packages_in()) == 3


def test_publishing_sweeps_once_a_day(bench, built, monkeypatch):
    swept = []
    monkeypatch.setattr(PackageCache, "sweep", lambda self: swept.append(self) or 0)
    bench.project()
    bench.succeed("hello", [built["hello"]])
    bench.publish()
    bench.publish()
    assert len(swept) == 1
    yesterday = time.time() - 86500
    os.utime(bench.published / ".packages" / ".swept", (yesterday, yesterday))
    bench.publish()
    assert len(swept) == 2


def test_recovery_publishes_again_what_a_dead_process_had_begun(bench, built):
    bench.project()
    row = Publication(bench.ids["home:anna"], "home:anna", "standard", "", state="publishing")
    with bench.house.records.begin() as unit:
        unit.publications.put(row)
    recover(bench.house)
    with bench.house.records.read() as unit:
        assert [p.repository for p in unit.publications.dirty()] == ["standard"]
