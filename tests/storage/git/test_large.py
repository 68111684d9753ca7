"""Large files: real content over HTTP, pointers and attributes in git."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import Damaged
from storage.git.attributes import attributes_line, merged_attributes
from storage.git.largefiles import Pointer, parse_pointer
from storage.house import StorageLimits

from .houses import ANNA, SmallHouse, content, fsck_is_clean, git, names, open_house
from .pushing import clone

MIB = 1 << 20
BINARY = b"\0\1" * (600 * 1024)


def test_a_big_binary_leaves_git_and_looks_the_same_over_http(house: SmallHouse) -> None:
    hello = house.hello()
    entry = house.put(hello, "hello.tar.xz", BINARY).listing.find("hello.tar.xz")
    assert entry is not None
    assert (entry.size, entry.md5) == (len(BINARY), hashlib.md5(BINARY).hexdigest())
    assert content(hello, "hello.tar.xz") == BINARY
    pointer = parse_pointer(git(hello.repository.path, "show", "main:hello.tar.xz").encode())
    assert pointer == Pointer(hashlib.sha256(BINARY).hexdigest(), len(BINARY))
    path = hello.file("hello.tar.xz").path
    assert path is not None and path.read_bytes() == BINARY
    assert b"".join(hello.file("hello.tar.xz").chunks(5, 3)) == BINARY[5:8]
    size = sum(f.stat().st_size for f in hello.repository.path.rglob("*") if f.is_file())
    assert size < 20_000


def test_text_stays_in_git_until_it_is_really_big(house: SmallHouse) -> None:
    limits = StorageLimits(large_binary_bytes=1000, large_text_bytes=10_000)
    house = open_house(house.path, limits=limits, clock=house.clock)
    hello = house.hello()
    sizes = {"text": b"t" * 10_000, "bigtext": b"t" * 10_001, "bin": b"\0" * 1000}
    for name, data in sizes.items():
        house.put(hello, name, data)
    house.put(hello, "bigbin", b"\0" * 1001)
    large = [e.name for e in hello.listing()[1].entries if e.sha256 is not None]
    assert large == ["bigbin", "bigtext"]
    house.records.close()


def test_attributes_stand_in_git_and_are_hidden_from_listings(house: SmallHouse) -> None:
    hello = house.hello()
    plain = house.put(hello, "a", b"a").listing
    big = house.put(hello, "big one.bin", BINARY).listing
    assert [e.name for e in big.entries] == ["a", "big one.bin"]
    repository = hello.repository.path
    tree = git(repository, "ls-tree", "--name-only", "main").splitlines()
    assert tree == [".gitattributes", "a", "big one.bin"]
    hello.delete_file("big one.bin", ANNA)
    assert git(repository, "ls-tree", "--name-only", "main").splitlines() == ["a"]
    assert hello.listing()[1].srcmd5 == plain.srcmd5


@pytest.mark.parametrize(
    "name", ["plain.tar", "with blank", "*", "[a]", "a?b", "#x", "!x", 'q"uote', "back\\slash", "ü"]
)
def test_git_reads_the_attribute_of_exactly_that_file(tmp_path: Path, name: str) -> None:
    git(tmp_path, "init", "-q", ".")
    (tmp_path / ".gitattributes").write_text(attributes_line(name) + "\n")
    others = ["plain.tar2", "x", "a", "axb", "withblank"]
    said = git(tmp_path, "check-attr", "-z", "filter", "--", name, *others).split("\0")
    values = dict(zip(said[0::3], said[2::3], strict=False))
    assert values[name] == "lfs"
    assert {values[other] for other in others} == {"unspecified"}


def test_lines_of_other_people_survive() -> None:
    before = b"*.spec text\n/gone filter=lfs diff=lfs merge=lfs -text\n*.iso filter=lfs"
    after = merged_attributes(before, ["new.bin"])
    assert after == (
        b"*.spec text\n*.iso filter=lfs\n/new.bin filter=lfs diff=lfs merge=lfs -text\n"
    )
    assert merged_attributes(b"\xff\xfe odd\n", []) == b"\xff\xfe odd\n"


def test_the_same_content_in_two_packages_is_kept_once(house: SmallHouse) -> None:
    house.project()
    for name in ("one", "two"):
        house.put(house.package(name), "big", BINARY)
    assert len(list(house.storage.large.ids())) == 1


def test_a_pointer_of_content_the_package_never_received_is_refused(
    house: SmallHouse, tmp_path: Path
) -> None:
    house.put(house.hello(), "secret", BINARY)
    work = clone(house.package("thief"), tmp_path / "work")
    pointer = Pointer(hashlib.sha256(BINARY).hexdigest(), len(BINARY))
    work.write("loot", pointer.text())
    work.commit("steal")
    error = work.push().refs[0].error
    assert error is not None and "was not uploaded" in error.message


def test_a_pushed_pointer_shows_the_content_its_package_received(
    house: SmallHouse, tmp_path: Path
) -> None:
    hello = house.hello()
    work = clone(hello, tmp_path / "work")
    pointer = Pointer(hashlib.sha256(BINARY).hexdigest(), len(BINARY))
    assert hello.large_size(pointer.sha256) is None
    with house.storage.stage([BINARY]) as staged:
        hello.accept_large(staged)
    assert hello.large_size(pointer.sha256) == len(BINARY)
    work.write("big", pointer.text())
    work.commit("pointer")
    assert work.push().refs[0].error is None
    entry = hello.listing()[1].find("big")
    assert entry is not None
    assert (entry.md5, entry.size) == (hashlib.md5(BINARY).hexdigest(), len(BINARY))
    assert content(hello, "big") == BINARY


def test_a_pointer_with_a_wrong_size_is_refused(house: SmallHouse, tmp_path: Path) -> None:
    hello = house.hello()
    house.put(hello, "big", BINARY)
    work = clone(hello, tmp_path / "work")
    work.write("lie", Pointer(hashlib.sha256(BINARY).hexdigest(), 5).text())
    work.commit("lie")
    error = work.push().refs[0].error
    assert error is not None and "wrong size" in error.message


def test_content_lost_from_the_store_is_damage_and_found_by_fsck(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "big", BINARY)
    (sha256,) = house.storage.large.ids()
    house.storage.large.remove(sha256)
    with pytest.raises(Damaged):
        content(hello, "big")
    assert any(sha256 in line for line in house.storage.fsck())
    house.put(hello, "big", BINARY, "again")
    assert content(hello, "big") == BINARY
    assert house.storage.fsck() == []


def test_the_threshold_of_a_running_house_can_change(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "data", b"\0" * 5000)
    small = house.reopened(replace(StorageLimits(), large_binary_bytes=1000))
    same = small.storage.package("home:anna", "hello")
    small.put(same, "data", b"\0" * 5000, "again")
    assert names(same) == ["data"]
    entry = same.listing()[1].find("data")
    assert entry is not None and entry.sha256 is not None and entry.size == 5000
    assert fsck_is_clean(hello.repository.path)
    small.records.close()
