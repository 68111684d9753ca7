"""The index is a cache of git: thrown away, it comes back the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from storage.git.context import ReadEntry
from storage.model import Author, Listing, PackageMeta, Revision
from storage.names import LATEST
from storage.records import Records

from .houses import ANNA, READERS, SmallHouse, content, open_house, raw_of
from .pushing import clone


def version_of(listing: Listing, read: ReadEntry) -> str:
    spec = listing.find("hello.spec")
    return "unknown" if spec is None else read(spec).decode().split()[0]


def busy_house(path: Path) -> SmallHouse:
    """A house in which everything has happened at least once."""
    house = open_house(path, parse_version=version_of)
    hello = house.hello()
    house.put(hello, "hello.spec", b"1.0", "first")
    house.put(hello, "hello.spec", b"1.0 again", "second\n\nPackhouse-User: eve")
    house.put(hello, "big.bin", b"\0" * (2 << 20), "", operation="op")
    house.upload(hello, "u", b"u")
    hello.commit_files([], Author("carl"), "emptied", validate=False, request_id="42")
    work = clone(hello, path / "work")
    work.commit("pushed one", **{"hello.spec": "1.1"})
    work.commit("pushed two\n\nPackhouse-User: eve", a="a")
    work.push(author=Author("dora"))
    house.put(hello, "b", b"b", "on top")
    work.pull()
    work.commit("pushed again", c="c")
    work.push(author=Author("emil"))
    other = house.package("other")
    house.put(other, "b", b"b", "a tree of its own")
    meta = PackageMeta("other", "home:anna", title="changed")
    house.storage.put_package_meta(raw_of(meta), meta, ANNA, "title")
    gone = house.package("gone")
    house.put(gone, "x", b"x")
    house.storage.delete_package("home:anna", "gone", ANNA)
    back = house.package("back")
    house.put(back, "x", b"x")
    house.storage.delete_package("home:anna", "back", ANNA)
    house.storage.undelete_package("home:anna", "back", ANNA)
    house.put(house.storage.package("home:anna", "_project"), "_config", b"Type: spec\n")
    house.project("doomed")
    house.put(house.package("k", "doomed"), "f", b"f")
    house.storage.delete_project("doomed", ANNA)
    return house


def everything(
    house: SmallHouse,
) -> dict[tuple[str, str, str], list[tuple[Revision, str | None, Listing | None]]]:
    """All revisions with their operations and listings, by project, package and kind."""
    found = {}
    with house.records.read() as unit:
        for container in sorted(_containers(house)):
            package = unit.packages.by_container(container)
            assert package is not None
            for kind in ("source", "meta"):
                revisions = unit.revisions.history(package.id, kind)
                found[(package.project, package.name, kind)] = [
                    (r, _operation(unit, package.id, r), unit.listings.get(r.tree))
                    for r in revisions
                ]
    return found


def _without_upload_times(found: dict[tuple[str, str, str], list[Any]]) -> object:
    """Git cannot tell that content came to the upload area a while before it was committed."""

    def plain(listing: Listing | None) -> object:
        entries = () if listing is None else listing.entries
        return [replace(e, mtime=0) if e.name == "u" else e for e in entries]

    return {key: [(r, op, plain(li)) for r, op, li in rows] for key, rows in found.items()}


def _operation(unit: object, package_id: int, revision: Revision) -> str | None:
    found = unit.revisions.by_operation(package_id, "op")  # type: ignore[attr-defined]
    return "op" if found == revision else None


def _containers(house: SmallHouse) -> list[str]:
    data = house.path / "data"
    return [p.name.removesuffix(".git") for p in data.glob("*/??/??/*.git")]


def test_reindexing_a_sound_house_changes_nothing(tmp_path: Path) -> None:
    house = busy_house(tmp_path)
    before = everything(house)
    assert house.storage.reindex(READERS.project, READERS.package) == []
    assert everything(house) == before
    assert house.storage.fsck() == []
    house.records.close()


def test_revisions_thrown_away_come_back_the_same(tmp_path: Path) -> None:
    house = busy_house(tmp_path)
    before = everything(house)
    with house.records.begin() as unit:
        for container in _containers(house):
            package = unit.packages.by_container(container)
            assert package is not None
            unit.revisions.truncate(package.id, "source")
            unit.revisions.truncate(package.id, "meta")
    house.storage.reindex(READERS.project, READERS.package)
    assert everything(house) == before
    house.records.close()


def test_a_lost_database_is_rebuilt_from_the_repositories(tmp_path: Path) -> None:
    house = busy_house(tmp_path)
    before = everything(house)
    house.records.close()
    for path in tmp_path.glob("packhouse.db*"):
        path.unlink()
    again = open_house(tmp_path, clock=house.clock, parse_version=version_of)
    assert again.storage.reindex(READERS.project, READERS.package) == []
    assert _without_upload_times(everything(again)) == _without_upload_times(before)
    assert content(again.storage.package("home:anna", "hello"), "c") == b"c"
    assert again.storage.package("home:anna", "other").package.meta.title == "changed"
    assert content(again.storage.deleted_package("home:anna", "gone"), "x") == b"x"
    assert content(again.storage.deleted_package("doomed", "k"), "f") == b"f"
    with again.records.read() as unit:
        assert unit.projects.find("doomed") is None
        assert unit.packages.find("home:anna", "gone") is None
    again.put(again.storage.package("home:anna", "hello"), "new", b"new")
    assert again.storage.fsck() == []
    again.records.close()


def test_reindexing_makes_no_events_and_no_builds(tmp_path: Path) -> None:
    house = busy_house(tmp_path)
    with house.records.read() as unit:
        before = unit.events.pending()
    house.storage.reindex(READERS.project, READERS.package)
    with house.records.read() as unit:
        assert unit.events.pending() == before
    house.records.close()


def test_a_broken_repository_is_reported_and_the_others_are_done(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    hello = house.hello()
    house.put(hello, "f", b"x")
    other = house.package("other")
    house.put(other, "f", b"y")
    shutil.rmtree(other.repository.path / "objects")
    (other.repository.path / "objects").mkdir()
    findings = house.storage.reindex(READERS.project, READERS.package)
    assert len(findings) == 1 and other.package.container in findings[0]
    assert house.storage.package("home:anna", "hello").revision(LATEST) is not None
    house.records.close()


def test_records_of_a_second_program_see_the_same(tmp_path: Path) -> None:
    house = busy_house(tmp_path)
    second = Records.open(f"sqlite:///{tmp_path / 'packhouse.db'}", migrate=False)
    with second.read() as unit:
        assert unit.packages.get("home:anna", "hello").name == "hello"
    second.close()
    house.records.close()


def test_a_crash_gap_met_while_reindexing_is_told_to_the_builder(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    hello = house.hello()
    house.put(hello, "f", b"1")
    newest = house.put(hello, "f", b"2").revision
    with house.records.begin() as unit:
        first = unit.revisions.get(hello.package.id, "source", 1)
        unit.revisions.truncate(hello.package.id, "source")
        unit.revisions.append(hello.package.id, first)
        before = unit.events.pending()
    house.storage.reindex(READERS.project, READERS.package)
    assert hello.history()[-1] == newest
    with house.records.read() as unit:
        assert unit.events.pending() == before + 1
    house.records.close()
