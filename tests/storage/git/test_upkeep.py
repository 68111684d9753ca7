"""fsck finds what is wrong, sweep removes what nobody needs, and neither does more."""

from __future__ import annotations

import os
import time

import pytest

from storage.model import PackageMeta

from .houses import ANNA, SmallHouse, content, raw_of

DAY_S = 86_400


def age(path: os.PathLike[str], seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_sound_house_has_no_findings(house: SmallHouse) -> None:
    hello = house.hello()
    for number in range(5):
        house.put(hello, f"f{number}", b"x" * number)
    house.put(hello, "big", b"\0" * (2 << 20))
    assert house.storage.fsck() == []


def test_a_damaged_object_is_found(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "f", b"content")
    blob = hello.listing()[1].entries[0].blob
    path = hello.repository.objects.loose_path(blob)
    path.chmod(0o644)
    path.write_bytes(b"")
    findings = house.storage.fsck()
    assert any(f"loose object {blob} is empty" in line for line in findings)
    assert any(f"blob {blob} is missing" in line for line in findings)


def test_a_missing_object_is_found(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "f", b"content")
    blob = hello.listing()[1].entries[0].blob
    hello.repository.objects.loose_path(blob).unlink()
    (finding,) = house.storage.fsck()
    assert finding.startswith(hello.package.container) and blob in finding


def test_a_ref_the_index_does_not_know_is_found_by_fsck_and_refused_by_writers(
    house: SmallHouse,
) -> None:
    from storage.errors import Damaged

    hello = house.hello()
    first = house.put(hello, "f", b"1").revision.commit
    second = house.put(hello, "f", b"2").revision.commit
    hello.repository.refs.move("refs/heads/main", second, first)
    assert any("refs/heads/main names" in line for line in house.storage.fsck())
    with pytest.raises(Damaged, match="indexed"):
        house.put(hello, "f", b"3")
    assert content(house.storage.package("home:anna", "hello"), "f") == b"2"


def test_a_row_without_repository_is_found(house: SmallHouse) -> None:
    hello = house.hello()
    hello.repository.path.rename(house.path / "stolen")
    assert any("is gone" in line for line in house.storage.fsck())


def test_an_altered_large_file_is_found(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "big", b"\0" * (2 << 20))
    path = hello.file("big").path
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"\1" * (2 << 20))
    (finding,) = house.storage.fsck()
    assert "does not have its checksum" in finding


def test_a_repository_left_by_a_killed_creation_goes_to_the_trash(house: SmallHouse) -> None:
    house.hello()
    meta = PackageMeta("lost", "home:anna")
    house.storage.put_package_meta(raw_of(meta), meta, ANNA)
    lost = house.storage.package("home:anna", "lost")
    with house.records.begin() as unit:
        unit.packages._tx.write(  # the row is lost, as if never written
            __import__("sqlalchemy").text(
                f"DELETE FROM revisions WHERE package_id = {lost.package.id}"
            )
        )
        unit.packages._tx.write(
            __import__("sqlalchemy").text(f"DELETE FROM packages WHERE id = {lost.package.id}")
        )
    assert house.storage.sweep(containers=True) == 0
    age(lost.repository.path, 2 * DAY_S)
    assert house.storage.sweep(containers=True) == 1
    assert not lost.repository.path.exists()
    assert list((house.path / "data" / "trash").glob("*/*/*.git"))


def test_sources_nobody_knows_are_never_put_away(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "f", b"x")
    house.records.close()
    for path in house.path.glob("packhouse.db*"):
        path.unlink()
    wrong = house.reopened()
    for path in (house.path / "data" / "repos").glob("*/*/*.git"):
        age(path, 2 * DAY_S)
    assert wrong.storage.sweep(containers=True) == 0
    wrong.project("another")
    wrong.storage.sweep(containers=True)
    assert hello.repository.path.exists()
    wrong.records.close()


def test_an_interrupted_move_to_the_trash_is_finished(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "f", b"x")
    house.storage.delete_package("home:anna", "hello", ANNA)
    deleted = house.storage.deleted_package("home:anna", "hello")
    living = (
        house.path
        / "data"
        / "repos"
        / deleted.repository.path.relative_to(house.path / "data" / "trash")
    )
    deleted.repository.path.rename(living)
    assert content(house.storage.deleted_package("home:anna", "hello"), "f") == b"x"
    assert house.storage.sweep(containers=True) == 1
    assert deleted.repository.path.exists() and not living.exists()


def test_drafts_of_repositories_are_removed_when_old(house: SmallHouse) -> None:
    draft = house.storage.tmp / "new-0123"
    (draft / "objects").mkdir(parents=True)
    assert house.storage.sweep() == 0
    age(draft, 2 * 3600)
    assert house.storage.sweep() == 1
    assert not draft.exists()
