"""Pushing through the door."""

import io
import os
import threading

import pytest

from facade import tokens
from hooks.receive import Receiver
from storage.git.lock import repository_lock
from storage.git.packscan import PackLimits
from storage.git.wire_dulwich import DulwichPackIngest
from storage.model import Author, EventKind
from tests.facade.git.conftest import BUILDING, open_door
from tests.facade.git.handmade import BLOB, BLOB_ID, ZERO, command, objects_pack
from tests.gitclient import Git


def test_a_push_becomes_a_revision(door, work):
    tip = work.commit("first\n\nwith a body", hello__spec="Name: hello\n", hello__txt="text\n")
    said = work.run("push", door.url("anna"), "main")
    assert said.returncode == 0, said.stderr
    assert (
        "remote: packhouse: revision 1, nothing to build: the project has no repositories"
        in said.stderr
    )
    [revision] = door.house.revisions()
    assert (revision.commit, revision.user) == (tip, "anna")
    assert revision.comment == "first\n\nwith a body"
    assert door.house.names() == ["hello.spec", "hello.txt"]
    assert door.house.leftovers() == []


def test_a_push_to_a_project_with_repositories_queues_a_build(native_door, work):
    native_door.house.project(native_door.house.home, repositories=BUILDING)
    work.commit(hello__spec="Name: hello\n")
    said = work.run("push", native_door.url("anna"), "main").stderr
    with native_door.house.records.read() as unit:
        build = unit.builds.latest(native_door.house.store().package.id)
    assert f"remote: packhouse: revision 1, build {build.id} queued" in said
    with native_door.house.records.begin() as unit:
        events = unit.events.claim(10_000, "test", 60, 0)
    mine = [event.kind for event in events if event.project == native_door.house.home]
    assert mine[-1] is EventKind.SOURCE_CHANGED


def test_every_pushed_commit_becomes_a_revision(door, work):
    commits = [work.commit(f"change {n}", hello__spec=f"Version: {n}\n") for n in range(5)]
    assert "revision 5" in work.run("push", door.url("anna"), "main").stderr
    assert [revision.commit for revision in door.house.revisions()] == commits


def test_pushes_and_commits_over_http_alternate(door, clone):
    door.house.put("hello.spec", b"Version: 1\n")
    copy = clone(door.url("anna"))
    copy.commit("by git", hello__spec="Version: 2\n")
    copy("push", "--quiet", "origin", "main")
    door.house.put("hello.txt", b"by http\n")
    copy("pull", "--quiet", "--ff-only")
    assert (copy.directory / "hello.txt").read_text() == "by http\n"
    assert [revision.number for revision in door.house.revisions()] == [1, 2, 3]


def test_a_push_of_megabytes_arrives_in_chunks(door, work, clone):
    data = os.urandom(5 << 20)
    work.commit(data__bin=data)
    trace = work.run("push", door.url("anna"), "main", GIT_CURL_VERBOSE="1").stderr
    assert "Transfer-Encoding: chunked" in trace
    assert (clone(door.url()).directory / "data.bin").read_bytes() == data


def test_a_push_of_many_commits_keeps_one_pack(door, work):
    for number in range(40):
        work.commit(f"{number}", hello__spec=f"Version: {number}\n")
    work("push", "--quiet", door.url("anna"), "main")
    packs = list((door.house.store().repository.path / "objects" / "pack").glob("pack-*.pack"))
    assert packs
    Git(door.house.store().repository.path)("fsck", "--strict")
    assert len(door.house.revisions()) == 40


def test_a_small_push_is_unpacked(door, work):
    work.commit(hello__spec="Name: hello\n")
    before = list((door.house.store().repository.path / "objects" / "pack").iterdir())
    work("push", "--quiet", door.url("anna"), "main")
    assert list((door.house.store().repository.path / "objects" / "pack").iterdir()) == before
    Git(door.house.store().repository.path)("fsck", "--strict")


def test_a_thin_pack_is_completed(door, work):
    lines = "".join(f"line {n}\n" for n in range(20_000))
    work.commit(big__txt=lines)
    work("push", "--quiet", door.url("anna"), "main")
    for number in range(40):
        work.commit(big__txt=lines + f"{number}\n")
    work("push", "--quiet", "--thin", door.url("anna"), "main")
    Git(door.house.store().repository.path)("fsck", "--strict")
    assert len(door.house.revisions()) == 41


def test_two_racing_pushes_one_wins_and_the_other_is_told_to_fetch(door, work, clone):
    work.commit(hello__spec="Version: 0\n")
    work("push", "--quiet", door.url("anna"), "main")
    clones = [clone(door.url("anna"), f"clone{n}") for n in range(4)]
    for number, copy in enumerate(clones):
        copy.commit(f"by {number}", **{f"file{number}": f"{number}\n"})
    barrier = threading.Barrier(len(clones))
    outcomes = []

    def push(copy):
        barrier.wait()
        outcomes.append(copy.run("push", "origin", "main"))

    threads = [threading.Thread(target=push, args=(copy,)) for copy in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    losers = [done.stderr for done in outcomes if done.returncode != 0]
    assert len(losers) == len(clones) - 1
    assert all("fetch first" in said for said in losers), losers
    assert len(door.house.revisions()) == 2
    assert door.house.leftovers() == []


def test_rewriting_main_is_refused_also_by_force(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    tip = work.commit(hello__spec="Version: 2\n")
    work("push", "--quiet", native_door.url("anna"), "main")
    work("reset", "--quiet", "--hard", "HEAD~1")
    work.commit(hello__spec="Version: other\n")
    said = work.fails("push", "--force", native_door.url("anna"), "main")
    assert "[remote rejected] main -> main (non-fast-forward)" in said
    assert "pull --rebase" in said
    assert native_door.house.revisions()[-1].commit == tip


def test_a_merge_with_main_as_second_parent_is_refused(native_door, work, clone):
    work.commit(hello__spec="Version: 1\n")
    work("push", "--quiet", native_door.url("anna"), "main")
    copy = clone(native_door.url("anna"))
    copy.commit("theirs", theirs__txt="theirs\n")
    copy("push", "--quiet", "origin", "main")
    work.commit("mine", mine__txt="mine\n")
    work("pull", "--quiet", "--no-rebase", "--no-edit", native_door.url("anna"), "main")
    said = work.fails("push", native_door.url("anna"), "main")
    assert "non-fast-forward" in said
    assert "second parent" in said


def test_a_merge_of_a_branch_into_main_is_one_revision(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    work("push", "--quiet", native_door.url("anna"), "main")
    work("checkout", "--quiet", "-b", "topic")
    work.commit("one", one__txt="1\n")
    work.commit("two", two__txt="2\n")
    work("checkout", "--quiet", "main")
    work("merge", "--quiet", "--no-ff", "--no-edit", "topic")
    work("push", "--quiet", native_door.url("anna"), "main")
    assert len(native_door.house.revisions()) == 2
    assert native_door.house.names() == ["hello.spec", "one.txt", "two.txt"]


def test_main_cannot_be_deleted(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    work("push", "--quiet", native_door.url("anna"), "main")
    said = work.fails("push", native_door.url("anna"), ":main")
    assert "main cannot be deleted" in said
    assert len(native_door.house.revisions()) == 1


def test_other_branches_and_tags_come_and_go_without_revisions(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    work("tag", "-a", "-m", "annotated", "v1")
    work("tag", "light")
    (work.directory / "sub").mkdir()
    (work.directory / "sub" / "nested.txt").write_text("fine on a branch\n")
    work("checkout", "--quiet", "-b", "topic/one")
    work.commit("nested")
    said = work.run("push", native_door.url("anna"), "topic/one", "v1", "light").stderr
    assert "only the branch main becomes revisions" in said
    refs = native_door.house.store().repository.refs.all()
    assert {"refs/heads/topic/one", "refs/tags/v1", "refs/tags/light"} <= refs.keys()
    assert native_door.house.revisions() == []
    work("push", "--quiet", native_door.url("anna"), ":topic/one", ":v1", ":light")
    assert not native_door.house.store().repository.refs.all().keys() - {"refs/meta/config"}


def test_a_branch_can_be_rewritten_by_force(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    work("checkout", "--quiet", "-b", "topic")
    work("push", "--quiet", native_door.url("anna"), "topic")
    work("commit", "--quiet", "--amend", "--message", "other")
    work("push", "--quiet", "--force", native_door.url("anna"), "topic")
    tip = native_door.house.store().repository.refs.read("refs/heads/topic")
    assert tip == work("rev-parse", "HEAD")


@pytest.mark.parametrize("ref", ["refs/packhouse/upload", "refs/meta/config", "refs/notes/x"])
def test_internal_refs_cannot_be_written(native_door, work, ref):
    work.commit(hello__spec="Version: 1\n")
    before = native_door.house.store().repository.refs.all()
    said = work.fails("push", "--force", native_door.url("anna"), f"main:{ref}")
    assert "only branches and tags can be pushed" in said or "fetch first" in said
    assert native_door.house.store().repository.refs.all() == before


def test_branches_that_are_file_and_folder_are_refused(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    work("push", "--quiet", native_door.url("anna"), "main:refs/heads/a")
    said = work.fails("push", native_door.url("anna"), "main:refs/heads/a/b")
    assert "collides" in said


def test_one_refused_ref_does_not_hold_up_the_others(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    said = work.fails("push", native_door.url("anna"), "main", "main:refs/meta/x")
    assert "[new branch]" in said
    assert len(native_door.house.revisions()) == 1


def test_an_atomic_push_is_all_or_nothing(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    said = work.fails("push", "--atomic", native_door.url("anna"), "main", "main:refs/meta/x")
    assert "[new branch]" not in said
    assert native_door.house.revisions() == []
    work("push", "--quiet", "--atomic", native_door.url("anna"), "main", "main:refs/heads/side")
    assert len(native_door.house.revisions()) == 1


def test_a_stranger_cannot_push(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    assert "403" in work.fails("push", native_door.url("bert"), "main")
    assert "Authentication failed" in work.fails(
        "push", native_door.url("anna", password="x"), "main"
    )
    assert "could not read Username" in work.fails("push", native_door.url(), "main")
    assert native_door.house.revisions() == []


def test_an_api_token_works_as_the_password(native_door, work):
    with native_door.house.records.begin() as unit:
        account = unit.accounts.get("anna")
        reading = tokens.issue(unit, account.id, "api", scopes=("read",)).secret
        writing = tokens.issue(unit, account.id, "api", scopes=("write",)).secret
    work.commit(hello__spec="Version: 1\n")
    assert "403" in work.fails("push", native_door.url("anna", password=reading), "main")
    work("push", "--quiet", native_door.url("anna", password=writing), "main")
    assert len(native_door.house.revisions()) == 1


def test_push_options_are_taken(native_door, work):
    work.commit(hello__spec="Version: 1\n")
    work("push", "--quiet", "-o", "ci.skip", native_door.url("anna"), "main")
    assert len(native_door.house.revisions()) == 1


def test_a_shallow_clone_can_push_on_top(door, work, clone):
    for number in range(4):
        work.commit(hello__spec=f"Version: {number}\n")
    work("push", "--quiet", door.url("anna"), "main")
    copy = clone(door.url("anna"), "shallow", "--depth=1")
    copy.commit(hello__spec="Version: next\n")
    copy("push", "--quiet", "origin", "main")
    assert len(door.house.revisions()) == 5


def test_a_shallow_clone_cannot_push_a_cut_off_history(door, work, clone, tmp_path):
    for number in range(4):
        work.commit(hello__spec=f"Version: {number}\n")
    Git(tmp_path)("clone", "--quiet", "--depth=1", f"file://{work.directory}", "shallow")
    copy = Git(tmp_path / "shallow")
    said = copy.fails("push", door.url("anna"), "main")
    assert "was not sent and is not in the repository" in said
    assert door.house.revisions() == []
    assert door.house.leftovers() == []


def test_a_revert_is_pushed_without_sending_the_old_content_again(door, work):
    """Content of an old revision need not be sent again."""
    work.commit(hello__spec="Version: 1\n")
    work.commit(hello__spec="Version: 2\n")
    work("push", "--quiet", door.url("anna"), "main")
    work("revert", "--no-edit", "HEAD")
    work("push", "--quiet", door.url("anna"), "main")
    assert len(door.house.revisions()) == 3


def test_a_push_that_meets_a_long_write_is_told_to_try_again(tmp_path, work):
    with open_door(tmp_path / "data", limits={"lock_timeout_s": 0.1}) as door:
        work.commit(hello__spec="Version: 1\n")
        with repository_lock(door.house.store().repository.path, 1.0):
            said = work.fails("push", door.url("anna"), "main")
        assert "another write to this package takes too long" in said
        assert "remote: packhouse: try again" in said
        work("push", "--quiet", door.url("anna"), "main")


def test_a_package_deleted_under_a_push_is_reported(tmp_path, work):
    with open_door(tmp_path / "data") as door:
        work.commit(hello__spec="Version: 1\n")
        store = door.house.store()
        door.house.storage.delete_package(door.house.home, "hello", Author("anna"))
        receiver = Receiver(door.house.storage, DulwichPackIngest(), PackLimits())
        request = command(ZERO, BLOB_ID, "refs/tags/x") + objects_pack((3, BLOB))
        answer = b"".join(receiver.receive(store, Author("anna"), io.BytesIO(request)))
        assert b"ng refs/tags/x package 'hello'" in answer
        assert b"was deleted" in answer
        assert door.house.leftovers() == []
