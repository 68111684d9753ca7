"""Refs: a checked compare-and-swap that a killed writer cannot jam."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import AlreadyExists, Damaged, InvalidName, StaleTip
from storage.git.refs import Refs, check_ref_name
from tests.support import need

from .houses import git

A, B = "a" * 40, "b" * 40


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    need.program("git")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "r.git")
    return tmp_path / "r.git"


@pytest.fixture
def refs(repository: Path) -> Refs:
    return Refs(repository)


def commits(repository: Path, count: int) -> list[str]:
    tree = git(repository, "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    identity = ("-c", "user.name=x", "-c", "user.email=x@y")
    return [
        git(repository, *identity, "commit-tree", tree, "-m", f"c{n}").strip() for n in range(count)
    ]


def test_a_ref_is_made_moved_and_removed(repository: Path, refs: Refs) -> None:
    one, two = commits(repository, 2)
    refs.move("refs/heads/main", None, one)
    assert git(repository, "rev-parse", "main").strip() == one
    refs.move("refs/heads/main", one, two)
    assert refs.read("refs/heads/main") == two
    refs.move("refs/heads/main", two, None)
    assert refs.read("refs/heads/main") is None
    assert git(repository, "for-each-ref") == ""


def test_a_move_from_a_stale_value_is_refused_and_changes_nothing(refs: Refs) -> None:
    refs.move("refs/heads/main", None, A)
    with pytest.raises(StaleTip):
        refs.move("refs/heads/main", B, B)
    with pytest.raises(StaleTip):
        refs.move("refs/heads/main", None, B)
    assert refs.read("refs/heads/main") == A


def test_a_lock_left_by_a_killed_writer_is_removed(repository: Path, refs: Refs) -> None:
    refs.move("refs/heads/main", None, A)
    (repository / "refs" / "heads" / "main.lock").write_text("half")
    refs.move("refs/heads/main", A, B)
    assert refs.read("refs/heads/main") == B
    assert not (repository / "refs" / "heads" / "main.lock").exists()


def test_refs_packed_by_git_are_read_moved_and_removed(repository: Path, refs: Refs) -> None:
    one, two, three = commits(repository, 3)
    for name, oid in (("refs/heads/main", one), ("refs/heads/old", two)):
        refs.move(name, None, oid)
    git(repository, "pack-refs", "--all")
    assert not (repository / "refs" / "heads" / "main").exists()
    assert refs.all() == {"refs/heads/main": one, "refs/heads/old": two}
    refs.move("refs/heads/main", one, three)
    refs.move("refs/heads/old", two, None)
    assert refs.all() == {"refs/heads/main": three}
    assert git(repository, "for-each-ref", "--format=%(objectname) %(refname)") == (
        f"{three} refs/heads/main\n"
    )


def test_a_packed_annotated_tag_stays_readable_when_another_ref_is_removed(
    repository: Path, refs: Refs
) -> None:
    (one,) = commits(repository, 1)
    identity = ("-c", "user.name=x", "-c", "user.email=x@y")
    git(repository, *identity, "tag", "-a", "-m", "t", "v1", one)
    refs.move("refs/heads/gone", None, one)
    git(repository, "pack-refs", "--all")
    refs.move("refs/heads/gone", one, None)
    assert git(repository, "rev-parse", "v1^{commit}").strip() == one


def test_a_name_cannot_be_both_a_ref_and_a_folder_of_refs(refs: Refs) -> None:
    refs.move("refs/heads/a", None, A)
    with pytest.raises(AlreadyExists):
        refs.move("refs/heads/a/b", None, A)
    refs.move("refs/heads/a", A, None)
    refs.move("refs/heads/a/b", None, A)
    with pytest.raises(AlreadyExists):
        refs.move("refs/heads/a", None, A)
    refs.move("refs/heads/a/b", A, None)
    refs.move("refs/heads/a", None, A)
    assert refs.all() == {"refs/heads/a": A}


def test_internal_refs_are_hidden_from_clients(refs: Refs) -> None:
    refs.move("refs/heads/main", None, A)
    refs.move("refs/packhouse/upload", None, B)
    assert refs.visible() == {"refs/heads/main": A}
    assert set(refs.all()) == {"refs/heads/main", "refs/packhouse/upload"}


def test_a_ref_file_with_something_else_in_it_is_damage(repository: Path, refs: Refs) -> None:
    (repository / "refs" / "heads" / "main").write_text("")
    with pytest.raises(Damaged):
        refs.read("refs/heads/main")


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "HEAD",
        "config",
        "refs/heads/../../config",
        "refs/heads/..",
        "refs/../packed-refs",
        "refs/heads/a//b",
        "/refs/heads/a",
        "refs/heads/a.lock",
        "refs/heads/a.lock/b",
        "refs/heads/.a",
        "refs/heads/a b",
        "refs/heads/a\n",
        "refs/heads/a\0",
        "refs/heads/a~1",
        "refs/heads/",
        "refs/heads/@{",
        "refs/heads/" + "a" * 300,
        "refs/heads/\udcff",
    ],
)
def test_a_bad_ref_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        check_ref_name(name)
