"""commitfilelist: what is new, what must be proven, what is committed."""

from __future__ import annotations

import hashlib
import threading

import pytest

from storage.errors import ChecksumMismatch, InvalidContent, InvalidName
from storage.model import CommitResult, MissingFile, WantedFile

from .houses import ANNA, SmallHouse, content, fsck_is_clean, names


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_unknown_content_is_asked_for_then_committed(house: SmallHouse) -> None:
    hello = house.hello()
    wanted = [WantedFile("a", md5(b"a")), WantedFile("b", md5(b"b"))]
    assert hello.commit_files(wanted, ANNA, "m", validate=True) == [
        MissingFile("a", md5(b"a"), "new"),
        MissingFile("b", md5(b"b"), "new"),
    ]
    proven = [WantedFile("a", md5(b"a"), sha256(b"a")), WantedFile("b", md5(b"b"), sha256(b"b"))]
    missing = hello.commit_files(proven, ANNA, "m", validate=False)
    assert isinstance(missing, list) and len(missing) == 2
    house.store(hello, "a", b"a")
    house.store(hello, "b", b"b")
    result = hello.commit_files(proven, ANNA, "m", validate=False)
    assert isinstance(result, CommitResult)
    assert (result.revision.number, result.revision.comment) == (1, "m")
    assert names(hello) == ["a", "b"]


def test_files_left_out_are_deleted_and_unchanged_ones_are_not_sent(house: SmallHouse) -> None:
    hello = house.hello()
    for name in ("a", "b", "c"):
        house.put(hello, name, name.encode())
    wanted = [WantedFile("a", md5(b"a")), WantedFile("c", md5(b"c"))]
    result = hello.commit_files(wanted, ANNA, "less", validate=True)
    assert isinstance(result, CommitResult)
    assert names(hello) == ["a", "c"]


def test_old_content_must_be_proven_when_validation_is_wanted(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"old")
    house.put(hello, "a", b"new")
    old = WantedFile("a", md5(b"old"))
    assert hello.commit_files([old], ANNA, "", validate=True) == [
        MissingFile("a", md5(b"old"), "missing")
    ]
    proven = WantedFile("a", md5(b"old"), sha256(b"old"))
    assert isinstance(hello.commit_files([proven], ANNA, "", validate=False), CommitResult)
    assert content(hello, "a") == b"old"


def test_content_of_the_expanded_link_needs_no_proof(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"old")
    expanded = hello.listing()[1]
    house.put(hello, "a", b"new")
    wanted = [WantedFile("a", md5(b"old"))]
    result = hello.commit_files(wanted, ANNA, "", validate=True, also_known=expanded)
    assert isinstance(result, CommitResult)


def test_a_wrong_proof_is_refused(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    wrong = [WantedFile("a", md5(b"a"), sha256(b"something else"))]
    with pytest.raises(ChecksumMismatch, match="SHA mismatch for same md5sum"):
        hello.commit_files(wrong, ANNA, "", validate=False)
    assert len(hello.history()) == 1


def test_content_under_another_name_is_new(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"same")
    missing = hello.commit_files([WantedFile("b", md5(b"same"))], ANNA, "", validate=True)
    assert missing == [MissingFile("b", md5(b"same"), "new")]


def test_content_of_another_package_is_new(house: SmallHouse) -> None:
    house.put(house.hello(), "a", b"secret")
    other = house.package("other")
    missing = other.commit_files([WantedFile("a", md5(b"secret"))], ANNA, "", validate=True)
    assert missing == [MissingFile("a", md5(b"secret"), "new")]


def test_content_whose_object_was_lost_is_asked_for_again(house: SmallHouse) -> None:
    hello = house.hello()
    house.store(hello, "a", b"lost")
    for path in (hello.repository.path / "objects").glob("??/*"):
        path.unlink()
    missing = hello.commit_files([WantedFile("a", md5(b"lost"))], ANNA, "", validate=False)
    assert missing == [MissingFile("a", md5(b"lost"), "new")]


def test_an_open_upload_area_becomes_a_revision_of_its_own_first(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    house.upload(hello, "b", b"b")
    result = hello.commit_files([WantedFile("a", md5(b"a"))], ANNA, "list", validate=False)
    assert isinstance(result, CommitResult)
    assert [(r.number, r.comment) for r in hello.history()] == [
        (1, ""),
        (2, "autocommit update revision"),
        (3, "list"),
    ]
    assert [e.name for e in hello.listing()[1].entries] == ["a"]
    assert not hello.upload_is_open()
    with house.records.read() as unit:
        builds = unit.builds.list_for(hello.package.project_id, hello.package.id, 10, 0)
    assert sorted(build.rev for build in builds) == [1, 3]


def test_missing_content_leaves_the_upload_area_alone(house: SmallHouse) -> None:
    hello = house.hello()
    house.upload(hello, "b", b"b")
    assert hello.commit_files([WantedFile("x", md5(b"x"))], ANNA, "", validate=False)
    assert hello.upload_is_open()
    assert hello.history() == []


def test_results_of_services_are_dropped_from_the_list(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    wanted = [
        WantedFile("a", md5(b"a")),
        WantedFile("_service:tar:x", md5(b"x")),
        WantedFile("_service_result", "not even a sum"),
    ]
    assert isinstance(hello.commit_files(wanted, ANNA, "", validate=True), CommitResult)
    assert names(hello) == ["a"]


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        ([WantedFile("a", "a" * 32), WantedFile("a", "b" * 32)], InvalidContent, "listed twice"),
        ([WantedFile("a", "xyz")], InvalidContent, "not a md5 sum"),
        ([WantedFile("a", "A" * 32)], InvalidContent, "not a md5 sum"),
        ([WantedFile("a", "a" * 32, "123")], InvalidContent, "not a sha256 sum"),
        ([WantedFile("../a", "a" * 32)], InvalidName, "invalid file name"),
        ([WantedFile(".gitattributes", "a" * 32)], InvalidName, "invalid file name"),
    ],
)
def test_a_bad_list_is_refused(
    house: SmallHouse, wanted: list[WantedFile], error: type[Exception], says: str
) -> None:
    hello = house.hello()
    with pytest.raises(error, match=says):
        hello.commit_files(wanted, ANNA, "", validate=True)


def test_the_empty_list_empties_the_package(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    assert isinstance(hello.commit_files([], ANNA, "", validate=True), CommitResult)
    assert names(hello) == []


def test_a_repeated_list_with_the_same_operation_is_one_revision(house: SmallHouse) -> None:
    hello = house.hello()
    house.store(hello, "a", b"a")
    wanted = [WantedFile("a", md5(b"a"))]
    results = [
        hello.commit_files(wanted, ANNA, "", validate=False, operation="op", request_id="7")
        for _ in range(2)
    ]
    assert isinstance(results[0], CommitResult) and isinstance(results[1], CommitResult)
    assert results[0].revision == results[1].revision
    assert results[0].revision.request_id == "7"


def test_concurrent_lists_are_committed_one_after_the_other(house: SmallHouse) -> None:
    hello = house.hello()
    for number in range(6):
        house.store(hello, "a", b"%d" % number)

    def work(number: int) -> None:
        wanted = [WantedFile("a", md5(b"%d" % number))]
        hello.commit_files(wanted, ANNA, str(number), validate=False)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = hello.history()
    assert [r.number for r in history] == [1, 2, 3, 4, 5, 6]
    assert sorted(r.comment for r in history) == list("012345")
    assert content(hello, "a").decode() == history[-1].comment
    assert fsck_is_clean(hello.repository.path)


def test_a_large_file_can_be_listed_and_proven(house: SmallHouse) -> None:
    hello = house.hello()
    big = b"\0" * (2 << 20)
    house.store(hello, "big", big)
    wanted = [WantedFile("big", md5(big), sha256(big))]
    assert isinstance(hello.commit_files(wanted, ANNA, "", validate=False), CommitResult)
    assert content(hello, "big") == big
    with pytest.raises(ChecksumMismatch):
        bad = [WantedFile("big", md5(big), "0" * 64)]
        hello.commit_files(bad, ANNA, "", validate=False)
