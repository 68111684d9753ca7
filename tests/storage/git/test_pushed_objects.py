"""Commits, trees and tags of strangers; what refs lead to."""

import pytest

from storage.errors import Busy, Damaged, InvalidContent
from storage.git.child import Deadline
from storage.git.objects import ObjectStore
from storage.git.parsing import check_safe_name, commit_links, tag_target, tree_entries
from storage.git.reach import Reachable
from tests.gitclient import init
from tests.support import need

A, B = "a" * 40, "b" * 40
PERSON = "Eve <eve@example.org> 1700000000 +0100"


def commit(*lines, message="text\n"):
    return ("\n".join(lines) + "\n\n" + message).encode()


def tree(*entries):
    return b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(A)) for mode, name in entries)


def test_a_commit_names_its_tree_and_parents():
    data = commit(
        f"tree {A}",
        f"parent {B}",
        f"parent {A}",
        f"author {PERSON}",
        f"committer {PERSON}",
        "gpgsig -----BEGIN",
        " parent " + "c" * 40,
        "encoding latin-1",
        message="parent " + "d" * 40 + "\n",
    )
    assert commit_links(data) == (A, (B, A))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"tree",
        commit(f"parent {B}", f"tree {A}", f"author {PERSON}", f"committer {PERSON}"),
        commit(f"tree {A}", f"author {PERSON}"),
        commit(f"tree {A}", f"author {PERSON}", f"committer {PERSON}", message="nul\0"),
        commit(f"tree {A[:39]}", f"author {PERSON}", f"committer {PERSON}"),
        commit(f"tree {A.upper()}", f"author {PERSON}", f"committer {PERSON}"),
        commit(f"tree {A}", "author Eve eve@example.org 1 +0000", f"committer {PERSON}"),
        commit(f"tree {A}", "author <a> <b> 1 +0000", f"committer {PERSON}"),
        commit(f"tree {A}", "author Eve <e> 99999999999999999999 +0000", f"committer {PERSON}"),
        commit(f"tree {A}", "author Eve <e> -5 +0000", f"committer {PERSON}"),
    ],
)
def test_malformed_commits_are_refused(data):
    with pytest.raises(InvalidContent):
        commit_links(data)


def test_a_tag_names_its_object():
    data = f"object {A}\ntype commit\ntag v1\ntagger {PERSON}\n\ntext\n".encode()
    assert tag_target(data) == (A, "commit")
    with pytest.raises(InvalidContent):
        tag_target(data.replace(b"commit", b"nothing"))


def test_a_tree_is_read_in_order():
    data = tree((b"100644", b"a"), (b"100755", b"a.b"), (b"40000", b"a0"), (b"120000", b"b"))
    assert [entry.name for entry in tree_entries(data)] == [b"a", b"a.b", b"a0", b"b"]


@pytest.mark.parametrize(
    "data",
    [
        b"100644",
        b"100644 a",
        b"100644 a\0short",
        tree((b"100644", b"b"), (b"100644", b"a")),
        tree((b"100644", b"a"), (b"100644", b"a")),
        tree((b"100644", b"a"), (b"40000", b"a")),
        tree((b"100644", b"a"), (b"100644", b"a.b"), (b"40000", b"a")),
        tree((b"40000", b"a"), (b"100644", b"a.b")),
        tree((b"0100644", b"a")),
        tree((b"644", b"a")),
        tree((b"+100644", b"a")),
        tree((b"1_00644", b"a")),
        tree((b"", b"a")),
    ],
)
def test_malformed_trees_are_refused(data):
    with pytest.raises(InvalidContent):
        list(tree_entries(data))


@pytest.mark.parametrize(
    "name",
    [
        b"",
        b".",
        b"..",
        b"a/b",
        b".git",
        b".GiT",
        b"git~1",
        b"GIT~1",
        b".git ",
        b".git...",
        b".git . .",
        b".git::$INDEX_ALLOCATION",
        ".g\u200cit".encode(),
        "\ufeff.git".encode(),
    ],
)
def test_names_that_become_something_else_on_a_client_are_refused(name):
    with pytest.raises(InvalidContent, match="entry named"):
        check_safe_name(name)


@pytest.mark.parametrize("name", [b".gitattributes", b"git", b"a.git", b"...", b"git~10", b"\xff"])
def test_harmless_names_pass(name):
    check_safe_name(name)


@pytest.fixture
def git(tmp_path):
    need.program("git")
    return init(tmp_path / "git")


def reachable(git, *tips, seconds=60.0):
    store = ObjectStore(git.directory / ".git" / "objects")
    return Reachable(store, [git("rev-parse", tip) for tip in tips], Deadline(seconds))


def test_everything_below_a_ref_is_reachable_and_nothing_else(git):
    for number in range(4):
        (git.directory / "sub").mkdir(exist_ok=True)
        (git.directory / "sub" / "file").write_text(f"{number}\n")
        git.commit(f"{number}", top=f"{number}\n")
    git("tag", "-a", "-m", "tag", "v1")
    git("checkout", "--quiet", "-b", "other", "HEAD~1")
    git.commit("other", other="other\n")
    everything = git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    inside = set(git("rev-list", "--objects", "--no-object-names", "v1").split())
    reached = reachable(git, "v1")
    for line in everything:
        oid, kind, _ = line.split()
        assert reached.kind(oid) == (kind if oid in inside else None)
        assert reachable(git, "v1").has(oid, kind) == (oid in inside)


def test_an_object_of_another_kind_is_not_the_one_asked_for(git):
    tip = git.commit("one", top="text\n")
    assert reachable(git, "main").has(tip, "commit")
    assert not reachable(git, "main").has(tip, "tree")


def test_a_search_has_an_end(git):
    git.commit("one", top="text\n")
    with pytest.raises(Busy):
        reachable(git, "main", seconds=0.0).has("1" * 40, "blob")


def test_a_ref_to_a_missing_object_is_damage(git):
    git.commit("one", top="text\n")
    store = ObjectStore(git.directory / ".git" / "objects")
    with pytest.raises(Damaged):
        Reachable(store, ["1" * 40], Deadline(1.0))
