"""Results are taken from a tree that the build prepared against us."""

import os
import re

import pytest

from builder.artifacts import BadResults, Place, collect, same_content
from builder.materials import put_file
from storage.model import Binary

PLACES = (Place("out", re.compile(r".*\.rpm"), subdirectories=True),)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home/out/noarch").mkdir(parents=True)
    return tmp_path / "home"


def take(home, **limits):
    limits = {"max_files": 10, "max_bytes": 10_000, **limits}
    return collect(home, PLACES, home.parent / "results", **limits)


def test_files_of_the_right_name_are_copied_with_their_checksums(home):
    (home / "out/noarch/a.rpm").write_bytes(b"abc")
    (home / "out/b.rpm").write_bytes(b"")
    (home / "out/c.txt").write_bytes(b"no")

    rows = take(home)

    assert [(row.filename, row.size) for row in rows] == [("a.rpm", 3), ("b.rpm", 0)]
    assert rows[0].md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert (home.parent / "results/a.rpm").read_bytes() == b"abc"


@pytest.mark.parametrize("at", ["out", "out/noarch/x.rpm", "out/linked"])
def test_links_are_never_followed(home, tmp_path, at):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.rpm").write_text("secret")
    path = home / at
    if path.is_dir():
        (path / "noarch").rmdir()
        path.rmdir()
    path.symlink_to(secret / "key.rpm" if at.endswith(".rpm") else secret)

    assert take(home) == []


def test_special_files_are_left_out(home):
    os.mkfifo(home / "out/fifo.rpm")
    (home / "out/directory.rpm").mkdir()

    assert take(home) == []


@pytest.mark.parametrize(
    "name", ["_log.rpm", ".x.rpm", "a b.rpm", "-x.rpm", "a\nb.rpm", "x" * 252 + ".rpm"]
)
def test_strange_names_are_left_out(home, name):
    try:
        (home / "out" / name).write_text("x")
    except OSError:
        return

    assert take(home) == []


def test_a_hard_link_becomes_a_copy(home):
    (home / "out/a.rpm").write_bytes(b"abc")
    os.link(home / "out/a.rpm", home / "out/b.rpm")

    take(home)

    assert (home.parent / "results/a.rpm").stat().st_nlink == 1


def test_too_many_or_too_large_leave_nothing(home):
    for number in range(4):
        (home / f"out/{number}.rpm").write_bytes(b"x" * 100)

    for limits in ({"max_files": 3}, {"max_bytes": 399}):
        with pytest.raises(BadResults):
            take(home, **limits)
        assert sorted(path.name for path in home.parent.iterdir()) == ["home"]


def test_a_sparse_file_counts_in_full(home):
    with (home / "out/big.rpm").open("wb") as stream:
        stream.truncate(1 << 40)

    with pytest.raises(BadResults, match="larger than allowed"):
        take(home)


def test_two_results_of_one_name_are_refused(home):
    (home / "out/a.rpm").write_text("1")
    (home / "out/noarch/a.rpm").write_text("2")

    with pytest.raises(BadResults, match="two results"):
        take(home)


def binary(filename, sha256="1", **header):
    return Binary(1, filename, 1, "m", sha256, 1, header)


def test_the_same_packages_are_the_same_content():
    rpm = {"type": "rpm", "name": "a", "arch": "noarch", "fingerprint": "f"}
    old = [binary("a-1-1.noarch.rpm", "x", **rpm), binary("a.changes", "1")]

    assert same_content([binary("a-1-2.noarch.rpm", "y", **rpm), binary("a.changes", "2")], old)
    assert not same_content([binary("a-1-2.noarch.rpm", "y", **rpm | {"fingerprint": "g"})], old)
    assert not same_content([*old, binary("more.deb")], old)
    assert not same_content([], [])


def test_a_file_is_put_into_a_prepared_home_without_following(tmp_path):
    target = tmp_path / "target"
    target.write_text("mine")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".rpmmacros").symlink_to(target)

    put_file(home, ".rpmmacros", b"%x 1\n")

    assert target.read_text() == "mine"
    assert (home / ".rpmmacros").read_bytes() == b"%x 1\n"
