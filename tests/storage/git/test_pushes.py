"""Pushes: the same transaction as any other door, one revision per first-parent commit."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from storage.errors import Conflict, InvalidContent, NotAllowed, StaleTip
from storage.git.refs import MAIN
from storage.git.transaction import RefMove
from storage.house import StorageLimits
from storage.model import EventKind
from storage.names import RevisionSpec

from .houses import BERT, START, SmallHouse, content, fsck_is_clean, git, names, open_house
from .pushing import Clone, clone


@pytest.fixture
def work(house: SmallHouse, tmp_path: Path) -> Clone:
    return clone(house.hello(), tmp_path / "work")


def test_every_pushed_commit_is_a_revision_by_the_pusher(house: SmallHouse, work: Clone) -> None:
    commits = [work.commit(f"commit {n}", f=f"{n}\n") for n in range(3)]
    result = work.push()
    assert [item.revision.commit for item in result.revisions] == commits
    history = work.store.history()
    assert [(r.number, r.comment, r.user) for r in history] == [
        (1, "commit 0", "bert"),
        (2, "commit 1", "bert"),
        (3, "commit 2", "bert"),
    ]
    assert content(work.store, "f") == b"2\n"
    assert git(work.store.repository.path, "log", "-1", "--format=%an", "main") == "Pusher\n"
    assert git(work.store.repository.path, "reflog", "main").count("push") == 1
    assert fsck_is_clean(work.store.repository.path)


def test_only_the_newest_commit_of_a_push_is_built(house: SmallHouse, work: Clone) -> None:
    work.commit("one", f="1")
    work.commit("two", f="2")
    result = work.push()
    assert [item.build_id is not None for item in result.revisions] == [False, True]
    with house.records.begin() as unit:
        kinds = [e.kind for e in unit.events.claim(100, "t", 60, START)]
    assert kinds.count(EventKind.SOURCE_CHANGED) == 1


def test_pushes_and_http_commits_share_one_numbering(house: SmallHouse, work: Clone) -> None:
    work.commit("pushed", a="1")
    work.push()
    house.put(work.store, "b", b"2", "by http")
    work.pull()
    work.commit("pushed again", c="3")
    work.push()
    assert [(r.number, r.comment, r.user) for r in work.store.history()] == [
        (1, "pushed", "bert"),
        (2, "by http", "anna"),
        (3, "pushed again", "bert"),
    ]
    assert names(work.store) == ["a", "b", "c"]
    revision = work.store.revision(RevisionSpec.parse("1"))
    assert revision is not None and work.store.listing(RevisionSpec.parse("1"))[1].find("a")


def test_trailers_in_a_pushed_commit_are_only_text(house: SmallHouse, work: Clone) -> None:
    work.commit("evil\n\nPackhouse-User: admin\nPackhouse-Operation: op", f="1")
    work.push()
    (revision,) = work.store.history()
    assert revision.user == "bert"
    assert "Packhouse-User: admin" in revision.comment
    assert house.put(work.store, "g", b"x", operation="op").revision.number == 2


def test_a_rewritten_main_is_refused(work: Clone) -> None:
    work.commit("one", f="1")
    work.push()
    work.git("commit", "-q", "--amend", "-m", "other")
    result = work.push()
    assert isinstance(result.refs[0].error, Conflict)
    assert [r.comment for r in work.store.history()] == ["one"]


def test_a_merge_that_makes_main_its_second_parent_is_refused(work: Clone) -> None:
    work.commit("one", f="1")
    work.push()
    work.git("checkout", "-q", "--orphan", "side")
    work.commit("side", g="1")
    work.git("merge", "-q", "--allow-unrelated-histories", "-s", "ours", "-m", "swap", "main")
    result = work.push()
    assert isinstance(result.refs[0].error, Conflict)
    assert "rebase" in result.refs[0].error.hint


def test_a_merge_into_main_is_one_revision(work: Clone) -> None:
    work.commit("one", f="1")
    work.push()
    work.git("checkout", "-q", "-b", "side")
    work.commit("side 1", g="1")
    work.commit("side 2", g="2")
    work.git("checkout", "-q", "main")
    work.git("merge", "-q", "--no-ff", "-m", "merged", "side")
    result = work.push()
    assert [item.revision.comment for item in result.revisions] == ["merged"]


def test_a_push_from_a_stale_tip_is_refused(house: SmallHouse, work: Clone) -> None:
    work.commit("one", f="1")
    work.push()
    old = work.head()
    new = work.commit("two", f="2")
    house.put(work.store, "g", b"x")
    moves = [RefMove(MAIN, old, new)]
    result = work.store.apply_push(moves, work.install, BERT)
    assert isinstance(result.refs[0].error, StaleTip)
    assert len(work.store.history()) == 2


def test_nothing_is_installed_when_no_ref_can_move(work: Clone) -> None:
    new = work.commit("one", f="1")

    def install() -> None:
        raise AssertionError("must not be called")

    moves = [RefMove("refs/heads/x", "1" * 40, new), RefMove("refs/packhouse/x", None, new)]
    result = work.store.apply_push(moves, install, BERT)
    assert [type(r.error) for r in result.refs] == [StaleTip, NotAllowed]


@pytest.mark.parametrize(
    "ref", ["refs/packhouse/upload", "refs/meta/config", "refs/notes/x", "refs/heads/../../config"]
)
def test_refs_of_the_house_cannot_be_pushed(work: Clone, ref: str) -> None:
    new = work.commit("one", f="1")
    result = work.store.apply_push([RefMove(ref, None, new)], work.install, BERT)
    assert result.refs[0].error is not None
    assert MAIN not in work.store.repository.refs.all()


def test_main_cannot_be_deleted_but_branches_can(work: Clone) -> None:
    one = work.commit("one", f="1")
    work.push()
    work.push("refs/heads/side")
    moves = [RefMove(MAIN, one, None), RefMove("refs/heads/side", one, None)]
    result = work.store.apply_push(moves, lambda: None, BERT)
    assert isinstance(result.refs[0].error, NotAllowed)
    assert result.refs[1].error is None
    assert work.store.repository.refs.read("refs/heads/side") is None


def test_other_branches_and_tags_are_plain_refs(house: SmallHouse, work: Clone) -> None:
    work.commit("one", f="1")
    work.push()
    two = work.commit("two", **{"dir/f": "2"})
    tag = RefMove("refs/tags/v1", None, two)
    result = work.push("refs/heads/side", more=(tag,))
    assert [r.error for r in result.refs] == [None, None]
    assert result.revisions == ()
    assert len(work.store.history()) == 1
    work.git("checkout", "-q", "--orphan", "fresh")
    work.commit("rewritten", g="1")
    assert work.push("refs/heads/side").refs[0].error is None


def test_one_bad_ref_does_not_hold_back_the_others(work: Clone) -> None:
    new = work.commit("one", f="1")
    result = work.push(more=(RefMove("refs/packhouse/x", None, new),))
    assert [r.error is None for r in result.refs] == [True, False]
    assert len(work.store.history()) == 1


def test_one_bad_ref_of_an_atomic_push_refuses_them_all(work: Clone) -> None:
    new = work.commit("one", f="1")
    result = work.push(more=(RefMove("refs/heads/x", "1" * 40, new),), atomic=True)
    assert [r.error is None for r in result.refs] == [False, False]
    bad_tree = work.commit("two", **{"dir/f": "x"})
    assert bad_tree
    result = work.push(more=(RefMove("refs/heads/y", None, new),), atomic=True)
    assert [r.error is None for r in result.refs] == [False, False]
    assert work.store.history() == []
    assert "refs/heads/y" not in work.store.repository.refs.all()


def test_a_colliding_ref_name_rolls_back_what_was_moved_before(work: Clone) -> None:
    new = work.commit("one", f="1")
    more = (RefMove("refs/heads/main/sub", None, new),)
    with pytest.raises(Conflict):
        work.push(more=more)
    assert MAIN not in work.store.repository.refs.all()
    assert work.store.history() == []
    assert [r.error for r in work.push().refs] == [None]


def test_a_push_closes_the_upload_area(house: SmallHouse, work: Clone) -> None:
    house.upload(work.store, "u", b"u")
    work.commit("one", f="1")
    work.push()
    assert not work.store.upload_is_open()
    assert [e.name for e in work.store.listing()[1].entries] == ["f"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda w: w.write("dir/file", b"x"), "directory"),
        (lambda w: (w.path / "link").symlink_to("/etc/passwd"), "symbolic link"),
        (lambda w: w.write(".hidden", b"x"), "invalid file name"),
        (lambda w: w.write("bad\nname", b"x"), "invalid file name"),
        (lambda w: (w.path / "s\udcff").write_bytes(b"x"), "invalid file name"),
        (lambda w: w.write("big", bytes(2000)), "larger than 1000 bytes"),
        (
            lambda w: w.write(
                "ptr",
                b"version https://git-lfs.github.com/spec/v1\noid sha256:"
                + b"1" * 64
                + b"\nsize 5\n",
            ),
            "was not uploaded",
        ),
    ],
)
def test_a_tree_that_is_no_package_is_refused(tmp_path: Path, make: object, says: str) -> None:
    house = open_house(tmp_path, limits=StorageLimits(push_blob_bytes=1000))
    work = clone(house.hello(), tmp_path / "work")
    make(work)  # type: ignore[operator]
    work.commit("bad")
    result = work.push()
    error = result.refs[0].error
    assert isinstance(error, InvalidContent)
    assert says in error.message
    assert work.store.history() == []
    house.records.close()


def test_a_bad_tree_hidden_below_a_good_tip_is_refused(work: Clone) -> None:
    work.commit("bad", **{"dir/f": "x"})
    work.git("rm", "-q", "-r", "dir")
    work.commit("good", f="1")
    assert isinstance(work.push().refs[0].error, InvalidContent)


def test_a_submodule_and_a_name_git_itself_would_not_make_are_refused(work: Clone) -> None:
    blob = work.git("hash-object", "-w", "--stdin").strip()
    for line, says in (
        (f"160000 commit {'1' * 40}\tsub", "submodule"),
        (f"100644 blob {blob}\t..", "invalid file name"),
    ):
        tree = git(work.path, "mktree", "--missing", data=(line + "\n").encode()).strip()
        commit = work.git("commit-tree", tree, "-m", "bad").strip()
        work.git("update-ref", "HEAD", commit)
        error = work.push(new=commit).refs[0].error
        assert isinstance(error, InvalidContent) and says in error.message


def test_too_many_commits_in_one_push_are_refused(tmp_path: Path) -> None:
    house = open_house(tmp_path, limits=StorageLimits(push_commits=3))
    work = clone(house.hello(), tmp_path / "work")
    for number in range(4):
        work.commit(str(number))
    assert isinstance(work.push().refs[0].error, InvalidContent)
    assert work.push(new=work.git("rev-parse", "HEAD~1").strip()).refs[0].error is None
    assert work.push().refs[0].error is None
    assert len(work.store.history()) == 4
    house.records.close()


def test_the_executable_bit_is_tolerated_and_kept_by_http(house: SmallHouse, work: Clone) -> None:
    work.write("run.sh", b"#!/bin/sh\n")
    (work.path / "run.sh").chmod(0o755)
    work.commit("script")
    assert work.push().refs[0].error is None
    house.put(work.store, "run.sh", b"#!/bin/sh\n:\n")
    assert git(work.store.repository.path, "ls-tree", "main").startswith("100755")


def test_an_object_that_was_not_sent_is_noticed(work: Clone) -> None:
    work.commit("one", f="1")
    moves = [RefMove(MAIN, None, work.head()), RefMove("refs/heads/x", None, "1" * 40)]
    result = work.store.apply_push(moves, lambda: None, BERT)
    assert all(isinstance(r.error, InvalidContent) for r in result.refs)


def test_too_many_files_over_all_commits_of_a_push_are_refused(tmp_path: Path) -> None:
    house = open_house(tmp_path, limits=StorageLimits(push_files=5))
    work = clone(house.hello(), tmp_path / "work")
    for number in range(3):
        work.commit(str(number), **{f"f{number}": "x"})
    error = work.push().refs[0].error
    assert isinstance(error, InvalidContent) and "several steps" in error.hint
    house.records.close()


def test_a_branch_must_name_a_commit(work: Clone) -> None:
    work.commit("one", f="1")
    tree = work.git("rev-parse", "HEAD^{tree}").strip()
    for ref in (MAIN, "refs/heads/x"):
        error = work.push(ref, new=tree).refs[0].error
        assert isinstance(error, InvalidContent) and "not a commit" in error.message
    assert work.push("refs/tags/tree", new=tree).refs[0].error is None


def test_concurrent_pushes_and_puts_end_in_one_line(house: SmallHouse, tmp_path: Path) -> None:
    hello = house.hello()
    house.put(hello, "f", b"0")
    stop = threading.Event()
    errors: list[BaseException] = []

    def put() -> None:
        try:
            for number in range(10):
                house.put(hello, "http", b"%d" % number, f"http {number}")
        except BaseException as error:
            errors.append(error)
        stop.set()

    writer = threading.Thread(target=put)
    work = clone(hello, tmp_path / "work")
    writer.start()
    pushed = refused = 0
    while not stop.is_set() or not pushed:
        work.pull()
        work.commit(f"push {pushed}", pushed=str(pushed))
        if work.push().refs[0].error is None:
            pushed += 1
        else:
            refused += 1
            work.git("reset", "-q", "--hard", "HEAD~1")
    writer.join()
    assert errors == []
    history = hello.history()
    assert [r.number for r in history] == list(range(1, 12 + pushed))
    assert sum(r.comment.startswith("push") for r in history) == pushed
    assert fsck_is_clean(hello.repository.path)
    assert house.storage.fsck() == []


def test_a_ref_named_twice_in_one_push_is_refused(work: Clone) -> None:
    one = work.commit("one", f="1")
    two = work.commit("two", f="2")
    moves = [RefMove(MAIN, None, one), RefMove(MAIN, None, two), RefMove("refs/tags/t", None, one)]
    result = work.store.apply_push(moves, work.install, BERT)
    assert [r.error is None for r in result.refs] == [False, False, True]
    assert work.store.history() == []
