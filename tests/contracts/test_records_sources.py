"""Revisions, listings, contents and file locks in the records."""

from dataclasses import replace

import pytest

from storage.errors import AlreadyExists, InvalidName, NotFound, StaleTip, UnknownRevision
from storage.model import Entry, Listing
from storage.records import Content
from tests.contracts.making import listing, package, project, revision


@pytest.fixture
def hello(records):
    with records.begin() as unit:
        return package(unit, project(unit, "a"), "hello")


def test_revisions_are_found_by_number_commit_sources_and_operation(records, hello):
    with records.begin() as unit:
        for number in range(1, 10):
            unit.revisions.append(hello.id, revision(number), f"op-{number}")
    with records.read() as unit:
        assert unit.revisions.get(hello.id, "source", 3) == revision(3)
        assert unit.revisions.latest(hello.id, "source") == revision(9)
        assert unit.revisions.by_commit(hello.id, "source", f"{4:040x}") == revision(4)
        assert unit.revisions.by_srcmd5(hello.id, "source", f"{1:032x}") == revision(8)
        assert unit.revisions.by_operation(hello.id, "op-5") == revision(5)


def test_what_is_not_there_is_none_or_unknown(records, hello):
    with records.read() as unit:
        assert unit.revisions.latest(hello.id, "source") is None
        assert unit.revisions.by_commit(hello.id, "source", "f" * 40) is None
        assert unit.revisions.by_srcmd5(hello.id, "source", "f" * 32) is None
        assert unit.revisions.by_operation(hello.id, "x") is None
        assert unit.revisions.history(hello.id, "source") == []
        for number in (0, 1, 2**63, 10**30):
            with pytest.raises(UnknownRevision):
                unit.revisions.get(hello.id, "source", number)


def test_source_and_meta_are_numbered_apart(records, hello):
    with records.begin() as unit:
        unit.revisions.append(hello.id, revision(1), None)
        unit.revisions.append(hello.id, revision(1, "meta", comment="m"), None)
        unit.revisions.truncate(hello.id, "source")
        assert unit.revisions.latest(hello.id, "source") is None
        assert unit.revisions.latest(hello.id, "meta").comment == "m"


@pytest.mark.parametrize("again", [revision(1, commit="e" * 40), revision(2, commit=f"{1:040x}")])
def test_a_number_or_commit_is_recorded_once(records, hello, again):
    with records.begin() as unit:
        unit.revisions.append(hello.id, revision(1), None)
        with pytest.raises(StaleTip):
            unit.revisions.append(hello.id, again, None)
        assert unit.revisions.history(hello.id, "source") == [revision(1)]


def test_a_repeated_operation_key_keeps_the_first_revision(records, hello):
    with records.begin() as unit:
        unit.revisions.append(hello.id, revision(1), "same")
        unit.revisions.append(hello.id, revision(2), "same")
        assert unit.revisions.by_operation(hello.id, "same").number == 1


def test_history_gives_the_last_ones_oldest_first(records, hello):
    with records.begin() as unit:
        for number in range(1, 8):
            unit.revisions.append(hello.id, revision(number), None)

        def numbers(**bounds):
            return [r.number for r in unit.revisions.history(hello.id, "source", **bounds)]

        assert numbers() == [1, 2, 3, 4, 5, 6, 7]
        assert numbers(limit=3) == [5, 6, 7]
        assert numbers(limit=2, before=5) == [3, 4]
        assert numbers(before=1) == []
        assert numbers(before=10**30, limit=1) == [7]


def test_the_check_in_counter_counts_within_a_version(records, hello):
    with records.begin() as unit:
        unit.revisions.append(hello.id, revision(1, version="1.0", vrev=1), None)
        unit.revisions.append(hello.id, revision(2, version="1.0", vrev=2), None)
        unit.revisions.append(hello.id, revision(3, version="2.0", vrev=1), None)
        unit.revisions.append(hello.id, revision(1, "meta", version="1.0", vrev=9), None)
        assert unit.revisions.max_vrev(hello.id, "1.0") == 2
        assert unit.revisions.max_vrev(hello.id, "2.0") == 1
        assert unit.revisions.max_vrev(hello.id, "3.0") == 0


def test_whatever_bytes_a_client_sends_can_be_recorded(records, hello):
    odd = revision(1, version="9" * 100_000, comment="nul \0 lone \udc80 ä 🐘", user="\0")
    with records.begin() as unit:
        unit.revisions.append(hello.id, odd, "k" * 100_000)
        found = unit.revisions.latest(hello.id, "source")
        assert found.comment == "nul \ufffd lone \ufffd ä 🐘"
        assert found.user == "\ufffd"
        assert unit.revisions.max_vrev(hello.id, "9" * 100_000) == 1
        assert unit.revisions.by_operation(hello.id, "k" * 100_000).number == 1


def test_a_listing_never_changes(records):
    large = Entry("übergroß \t.tar", "a" * 32, 5 << 40, 7, "b" * 40, "c" * 64)
    kept = Listing("d" * 40, "e" * 32, (large, *listing(1).entries))
    with records.begin() as unit:
        unit.listings.put(kept)
        unit.listings.put(replace(kept, entries=()))
        assert unit.listings.get("d" * 40) == kept
        assert unit.listings.get("f" * 40) is None


def test_sources_are_known_by_srcmd5_to_the_package_that_has_them(records, hello):
    with records.begin() as unit:
        other = package(unit, project(unit, "b"), "other")
        unit.listings.put(listing(1))
        unit.revisions.append(hello.id, revision(1), None)
        unit.listings.remember(hello.id, listing(20))
        unit.listings.remember(hello.id, listing(20))
        assert unit.listings.known(f"{1:032x}", hello.id) == listing(1)
        assert unit.listings.known(f"{20:032x}", hello.id) == listing(20)
        assert unit.listings.known(f"{1:032x}", other.id) is None
        assert unit.listings.known(f"{20:032x}", other.id) is None


def test_contents_are_found_by_name_and_md5_within_the_package(records, hello):
    small = Content("a.spec", "1" * 32, None, 10, "b" * 40, False, 100)
    large = Content("a.tar", "2" * 32, "3" * 64, 5 << 40, "c" * 40, True, 200)
    with records.begin() as unit:
        unit.contents.put_all(hello.id, [small, large])
        assert unit.contents.find(hello.id, "a.spec", "1" * 32) == small
        assert unit.contents.find(hello.id, "a.tar", "2" * 32) == large
        assert unit.contents.find(hello.id, "b.spec", "1" * 32) is None
        assert unit.contents.find(hello.id + 1, "a.spec", "1" * 32) is None


def test_storing_again_moves_the_place_and_keeps_the_time(records, hello):
    with records.begin() as unit:
        unit.contents.put(hello.id, "f", "1" * 32, None, 10, "b" * 40, False, 100)
        unit.contents.put(hello.id, "f", "1" * 32, "3" * 64, 10, "c" * 40, True, 900)
        found = unit.contents.find(hello.id, "f", "1" * 32)
        assert (found.blob, found.large, found.stored_at) == ("c" * 40, True, 100)


def test_a_blob_s_first_time_is_the_earliest_under_any_name(records, hello):
    with records.begin() as unit:
        unit.contents.put(hello.id, "late", "1" * 32, None, 1, "b" * 40, False, 300)
        unit.contents.put(hello.id, "early", "1" * 32, None, 1, "b" * 40, False, 200)
        asked = ["b" * 40, "d" * 40] + [f"{n:040x}" for n in range(1200)]
        assert unit.contents.first_stored(hello.id, asked) == {"b" * 40: 200}
        assert unit.contents.first_stored(hello.id, []) == {}


def test_large_objects_tell_md5_and_size(records):
    with records.begin() as unit:
        unit.contents.put_large_object("3" * 64, "1" * 32, 5 << 40)
        unit.contents.put_large_object("3" * 64, "f" * 32, 1)
        assert unit.contents.large_object("3" * 64) == ("1" * 32, 5 << 40)
        assert unit.contents.large_object("4" * 64) is None


def test_a_path_is_locked_once(records, hello):
    with records.begin() as unit:
        lock = unit.locks.create(hello.id, "a.tar", "anna", 5)
        with pytest.raises(AlreadyExists) as caught:
            unit.locks.create(hello.id, "a.tar", "bert", 6)
        assert caught.value.facts["lock"] == lock
        assert unit.locks.delete(hello.id, lock.id) == lock
        assert unit.locks.create(hello.id, "a.tar", "bert", 6).owner == "bert"


def test_locks_are_listed_by_path_id_and_page(records, hello):
    with records.begin() as unit:
        locks = [unit.locks.create(hello.id, f"f{n}", "anna", n) for n in range(5)]
        assert unit.locks.list(hello.id) == locks
        assert unit.locks.list(hello.id, path="f3") == [locks[3]]
        assert unit.locks.list(hello.id, id=locks[2].id) == [locks[2]]
        assert unit.locks.list(hello.id, limit=2) == locks[:2]
        assert unit.locks.list(hello.id, limit=2, cursor=locks[1].id) == locks[2:4]
        assert unit.locks.list(hello.id + 1) == []


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 40, "\u0663", "1.5"])
def test_a_lock_id_that_is_none_finds_nothing(records, hello, number):
    with records.begin() as unit:
        unit.locks.create(hello.id, "f", "anna", 1)
        assert unit.locks.list(hello.id, id=number) == []
        with pytest.raises(NotFound):
            unit.locks.delete(hello.id, number)


def test_a_lock_needs_a_sane_path(records, hello):
    with records.begin() as unit:
        for path in ("", "x" * 5000):
            with pytest.raises(InvalidName):
                unit.locks.create(hello.id, path, "anna", 1)


def test_a_large_file_is_shown_by_the_packages_that_held_it(records, hello):
    with records.begin() as unit:
        other = package(unit, project(unit, "b"), "other")
        unit.contents.put_large_object("3" * 64, "1" * 32, 5)
        assert unit.contents.granted_large(hello.id, "3" * 64) is None
        unit.contents.put(hello.id, "f", "1" * 32, "3" * 64, 5, "b" * 40, True, 1)
        assert unit.contents.granted_large(hello.id, "3" * 64) == ("1" * 32, 5)
        assert unit.contents.granted_large(other.id, "3" * 64) is None
        unit.contents.grant_all_large(other.id, hello.id)
        unit.contents.grant_all_large(other.id, hello.id)
        assert unit.contents.granted_large(other.id, "3" * 64) == ("1" * 32, 5)
