"""The upload area: shared, visible, and closed by whatever becomes a revision."""

from __future__ import annotations

import pytest

from storage.errors import UnknownFile
from storage.names import LATEST, RevisionSpec

from .houses import ANNA, SmallHouse, content, fsck_is_clean, git, names

UPLOAD = RevisionSpec("upload")


def test_it_starts_as_a_copy_of_the_last_commit(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    listing = house.upload(hello, "b", b"b")
    assert [e.name for e in listing.entries] == ["a", "b"]
    assert hello.upload_is_open()
    assert names(hello) == ["a"]


def test_it_is_what_reads_without_revision_see(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"old")
    listing = house.upload(hello, "a", b"new")
    revision, shown = hello.listing()
    assert revision is not None and revision.number == 0
    assert shown == listing
    assert hello.file("a").read() == b"new"
    assert content(hello, "a") == b"old"
    assert hello.file("a", RevisionSpec.parse(listing.srcmd5)).read() == b"new"


def test_committing_it_makes_one_revision(house: SmallHouse) -> None:
    hello = house.hello()
    house.upload(hello, "a", b"a")
    house.upload(hello, "b", b"b")
    result = hello.commit_upload(ANNA, "both")
    assert (result.revision.number, result.revision.comment) == (1, "both")
    assert names(hello) == ["a", "b"]
    assert not hello.upload_is_open()
    assert "refs/packhouse" not in git(hello.repository.path, "for-each-ref")


def test_committing_without_one_repeats_the_latest_tree(house: SmallHouse) -> None:
    hello = house.hello()
    first = house.put(hello, "a", b"a")
    second = hello.commit_upload(ANNA, "again")
    assert second.revision.number == 2
    assert second.revision.tree == first.revision.tree


def test_a_direct_write_takes_it_along(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    house.upload(hello, "b", b"b")
    house.put(hello, "c", b"c")
    assert names(hello) == ["a", "b", "c"]
    assert not hello.upload_is_open()


def test_dropping_it_forgets_the_changes(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    house.upload(hello, "b", b"b")
    hello.drop_upload()
    hello.drop_upload()
    assert not hello.upload_is_open()
    assert [e.name for e in hello.listing()[1].entries] == ["a"]


def test_a_file_can_be_removed_from_it(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    house.put(hello, "b", b"b")
    assert [e.name for e in hello.upload_delete("a", ANNA).entries] == ["b"]
    with pytest.raises(UnknownFile):
        hello.upload_delete("a", ANNA)
    assert names(hello) == ["a", "b"]


def test_an_area_over_an_older_tip_counts_as_closed(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"1")
    house.upload(hello, "a", b"stale")
    stale = hello.repository.refs.read("refs/packhouse/upload")
    assert stale is not None
    house.put(hello, "a", b"2")
    # As a crash right before the area is dropped would leave it.
    hello.repository.refs.move("refs/packhouse/upload", None, stale)
    assert not hello.upload_is_open()
    assert hello.file("a").read() == b"2"
    house.upload(hello, "b", b"b")
    hello.commit_upload(ANNA, "")
    assert content(hello, "a") == b"2"


def test_a_large_file_goes_through_it(house: SmallHouse) -> None:
    hello = house.hello()
    big = b"\0" * (2 << 20)
    house.upload(hello, "big.bin", big)
    assert hello.file("big.bin", UPLOAD).read() == big
    hello.commit_upload(ANNA, "big")
    assert content(hello, "big.bin") == big
    assert fsck_is_clean(hello.repository.path)


def test_its_trees_are_not_revisions(house: SmallHouse) -> None:
    hello = house.hello()
    house.upload(hello, "a", b"a")
    assert hello.history() == []
    assert hello.revision(LATEST) is None
    with house.records.read() as unit:
        assert unit.builds.latest(hello.package.id) is None
