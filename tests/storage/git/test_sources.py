"""Committing over HTTP: revisions, listings, history, and the git repository behind them."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import UTC, datetime

import pytest

from storage.errors import (
    Damaged,
    InvalidContent,
    InvalidName,
    InvalidRevision,
    TooLarge,
    UnknownFile,
    UnknownPackage,
    UnknownProject,
    UnknownRevision,
)
from storage.git.context import ReadEntry
from storage.house import StorageLimits
from storage.model import EMPTY_SRCMD5, EventKind, Listing
from storage.names import LATEST, RevisionSpec

from .houses import ANNA, BERT, START, SmallHouse, content, fsck_is_clean, git, names, open_house

SPEC = b"Name: hello\nVersion: 1.0\n"
TARBALL = b"tarball bytes\n"


def test_the_listing_has_the_sums_of_the_contract(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "hello.spec", SPEC, "initial")
    result = house.put(hello, "hello-1.0.tar.gz", TARBALL)
    revision, listing = hello.listing()
    assert listing == result.listing
    assert revision == result.revision
    assert listing.srcmd5 == "f49658723e5ea17763bbe1555ff05867"
    assert [(e.name, e.md5, e.size) for e in listing.entries] == [
        ("hello-1.0.tar.gz", "5c4f10ac1d8351e7fa850d796de023f1", 14),
        ("hello.spec", "81deaf367eac68962a2f7fe6d1e7a2f0", 25),
    ]


def test_a_package_without_commits_lists_the_empty_tree(house: SmallHouse) -> None:
    hello = house.hello()
    assert hello.revision(LATEST) is None
    revision, listing = hello.listing()
    assert (revision, listing.srcmd5, listing.entries) == (None, EMPTY_SRCMD5, ())
    assert hello.history() == []


def test_git_sees_what_http_committed(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "hello.spec", SPEC, "initial\n\nwith a body: Å")
    house.put(hello, "hello.spec", SPEC + b"Release: 1\n", "second")
    repository = hello.repository.path
    assert fsck_is_clean(repository)
    log = git(repository, "log", "--format=%an|%ae|%cn|%s", "main").splitlines()
    assert log == [
        "Anna Ångström|anna@example.org|packhouse|second",
        "Anna Ångström|anna@example.org|packhouse|initial",
    ]
    assert git(repository, "show", "main:hello.spec").encode() == SPEC + b"Release: 1\n"
    assert git(repository, "log", "-1", "--format=%b", "main~1").splitlines()[0] == (
        "with a body: Å"
    )
    newest = hello.revision(LATEST)
    assert newest is not None
    assert git(repository, "rev-parse", "main").strip() == newest.commit
    when = datetime.fromtimestamp(newest.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert git(repository, "log", "-1", "--format=%cd", "--date=iso-strict-local").strip()
    assert when.startswith("2023-11-14T")


def test_an_author_without_name_and_address_gets_them_from_the_login(house: SmallHouse) -> None:
    hello = house.hello()
    with house.storage.stage([b"x"]) as staged:
        hello.put_file("f", staged, BERT, "by bert")
    assert git(hello.repository.path, "log", "-1", "--format=%an <%ae>", "main").strip() == (
        "bert <bert@localhost>"
    )


def test_committing_the_same_content_again_makes_a_revision(house: SmallHouse) -> None:
    hello = house.hello()
    first = house.put(hello, "f", b"same", "one")
    second = house.put(hello, "f", b"same", "two")
    assert (first.revision.number, second.revision.number) == (1, 2)
    assert first.revision.tree == second.revision.tree
    assert first.revision.commit != second.revision.commit


def test_history_is_oldest_first_and_can_be_cut(house: SmallHouse) -> None:
    hello = house.hello()
    for number in range(1, 6):
        house.put(hello, "f", b"%d" % number, f"commit {number}")
    assert [r.number for r in hello.history()] == [1, 2, 3, 4, 5]
    assert [r.comment for r in hello.history(limit=2)] == ["commit 4", "commit 5"]
    assert [r.comment for r in hello.history(number=3)] == ["commit 3"]
    with pytest.raises(UnknownRevision):
        hello.history(number=9)


def test_every_form_of_revision_selector(house: SmallHouse) -> None:
    hello = house.hello()
    first = house.put(hello, "f", b"1").revision
    second = house.put(hello, "f", b"2").revision

    def found(text: str | None) -> int | None:
        revision = hello.revision(RevisionSpec.parse(text))
        return None if revision is None else revision.number

    assert found(None) == 2
    assert found("latest") == found("build") == found("upload") == 2
    assert found("1") == 1
    assert found(first.srcmd5) == 1
    assert found(second.commit) == 2
    assert found("0") is None
    assert hello.listing(RevisionSpec.parse("0"))[1].entries == ()
    assert hello.listing(RevisionSpec.parse("repository"))[1].entries == ()
    assert hello.listing(RevisionSpec.parse(EMPTY_SRCMD5))[1].entries == ()
    with pytest.raises(UnknownRevision, match="no such revision"):
        found("3")
    with pytest.raises(InvalidRevision, match=r"home:anna/hello/a{32}: not in repository"):
        found("a" * 32)
    with pytest.raises(UnknownRevision):
        found("a" * 40)


def test_a_read_by_srcmd5_stays_the_same_while_others_commit(house: SmallHouse) -> None:
    hello = house.hello()
    old = house.put(hello, "f", b"old").revision
    house.put(hello, "f", b"new")
    assert hello.file("f", RevisionSpec.parse(old.srcmd5)).read() == b"old"
    assert content(hello, "f") == b"new"


def test_mtime_is_when_the_content_first_came_and_stays_over_commits(house: SmallHouse) -> None:
    hello = house.hello()
    first = house.put(hello, "a", b"a").listing.find("a")
    assert first is not None and first.mtime > START
    house.put(hello, "b", b"b")
    hello.delete_file("a", ANNA, "away")
    again = house.put(hello, "a", b"a", "back").listing.find("a")
    assert again == first


def test_deleting_a_file_commits_and_a_missing_one_is_unknown(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    house.put(hello, "b", b"b")
    result = hello.delete_file("a", ANNA, "away")
    assert result.revision.number == 3
    assert names(hello) == ["b"]
    with pytest.raises(UnknownFile, match="file 'a' does not exist"):
        hello.delete_file("a", ANNA)
    with pytest.raises(UnknownFile, match="a: no such file"):
        hello.file("a")


def test_the_last_file_can_be_deleted(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "a", b"a")
    result = hello.delete_file("a", ANNA)
    assert result.revision.srcmd5 == EMPTY_SRCMD5
    assert names(hello) == []
    assert fsck_is_clean(hello.repository.path)


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "a\nb", "x" * 256, "_service:x:y"])
def test_bad_and_generated_names_are_refused(house: SmallHouse, name: str) -> None:
    hello = house.hello()
    with pytest.raises(InvalidName):
        house.put(hello, name, b"x")
    assert hello.history() == []


def test_names_with_blanks_and_other_alphabets_are_kept(house: SmallHouse) -> None:
    hello = house.hello()
    for name in ("with blank", "Ünïcode", "-dash", "~tilde", "日本"):
        house.put(hello, name, name.encode())
    assert names(hello) == sorted(names(hello), key=str.encode)
    assert content(hello, "日本") == "日本".encode()
    assert fsck_is_clean(hello.repository.path)


def test_parts_of_a_file_can_be_read(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "f", b"0123456789")
    file = hello.file("f")
    assert b"".join(file.chunks(3, 4)) == b"3456"
    assert b"".join(file.chunks(8, 100)) == b"89"
    assert b"".join(file.chunks(20)) == b""
    assert file.size == 10


def test_several_imported_files_are_one_commit(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "old", b"old")
    with house.storage.stage([b"1"]) as one, house.storage.stage([b"2"]) as two:
        result = hello.import_tree({"one": one, "two": two}, ANNA, "import")
    assert result.revision.number == 2
    assert names(hello) == ["one", "two"]
    with house.storage.stage([b"3"]) as three:
        hello.import_tree({"three": three}, ANNA, "more", replace=False)
    assert names(hello) == ["one", "three", "two"]


def test_concurrent_puts_of_different_files_all_survive(house: SmallHouse) -> None:
    hello = house.hello()
    house.put(hello, "base", b"base")
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(5):
                house.put(hello, f"f{worker}-{number}", b"x%d" % number, f"{worker}/{number}")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(names(hello)) == 31
    assert [r.number for r in hello.history()] == list(range(1, 32))
    assert fsck_is_clean(hello.repository.path)


def test_a_repeated_call_with_the_same_operation_changes_nothing(house: SmallHouse) -> None:
    hello = house.hello()
    first = house.put(hello, "f", b"1", "one", operation="op-1")
    again = house.put(hello, "f", b"1", "one", operation="op-1")
    assert again.revision == first.revision
    assert [r.number for r in hello.history()] == [1]


def _first_line_version(listing: Listing, read: ReadEntry) -> str | tuple[str, int]:
    spec = listing.find("hello.spec")
    if spec is None:
        return "unknown"
    version, release = read(spec).decode().split()
    return version, int(release)


def test_the_check_in_counter_follows_the_version(house: SmallHouse) -> None:
    house = open_house(house.path, clock=house.clock, parse_version=_first_line_version)
    hello = house.hello()
    seen = []
    for spec in ("1.0 0", "1.0 0", "1.1 0", "1.0 0", "2.0 7", "2.0 9"):
        revision = house.put(hello, "hello.spec", spec.encode()).revision
        seen.append((revision.version, revision.vrev))
    assert seen == [("1.0", 1), ("1.0", 2), ("1.1", 1), ("1.0", 3), ("2.0", 7), ("2.0", 8)]
    linked = house.put(hello, "_link", b"<link/>").revision
    assert (linked.version, linked.vrev) == ("unknown", 1)
    house.records.close()


def test_a_version_parser_that_fails_does_not_keep_anybody_from_committing(
    house: SmallHouse,
) -> None:
    def broken(listing: Listing, read: ReadEntry) -> str:
        raise ZeroDivisionError

    house = open_house(house.path, clock=house.clock, parse_version=broken)
    hello = house.hello()
    assert house.put(hello, "f", b"x").revision.version == "unknown"
    house.records.close()


def test_comments_are_kept_to_the_letter_but_for_control_characters(house: SmallHouse) -> None:
    hello = house.hello()
    comments = [
        "",
        "  \n",
        "one\ntwo\n\nthree",
        "trailing newline\n",
        "Packhouse-User: eve",
        "x\n\nPackhouse-User: eve\nPackhouse-Operation: stolen",
        "tab\there",
    ]
    for comment in comments:
        house.put(hello, "f", b"x", comment)
    assert [r.comment for r in hello.history()] == comments
    assert {r.user for r in hello.history()} == {"anna"}
    assert house.put(hello, "f", b"x", "a\0b\x1bc\udc80").revision.comment == "abc?"
    assert fsck_is_clean(hello.repository.path)


def test_a_commit_tells_the_builder_and_asks_for_a_build(house: SmallHouse) -> None:
    hello = house.hello()
    result = house.put(hello, "f", b"x", "build me")
    assert result.build_id is not None
    with house.records.begin() as unit:
        build = unit.builds.get(result.build_id)
        event = [e for e in unit.events.claim(100, "t", 60, START) if e.package == "hello"][-1]
    assert (build.commit, build.rev, build.submitter, build.cause) == (
        result.revision.commit,
        1,
        "anna",
        "commit",
    )
    assert event.kind is EventKind.SOURCE_CHANGED
    assert event.payload == {
        "project_id": hello.package.project_id,
        "package_id": hello.package.id,
        "rev": 1,
        "commit": result.revision.commit,
        "srcmd5": result.revision.srcmd5,
        "user": "anna",
        "comment": "build me",
        "build_id": result.build_id,
    }


def test_nothing_is_built_in_a_project_without_repositories_or_for_its_config(
    house: SmallHouse,
) -> None:
    house.project("plain", builds=False)
    assert house.put(house.package("k", "plain"), "f", b"x").build_id is None
    house.project("home:anna")
    config = house.storage.package("home:anna", "_project")
    assert house.put(config, "_config", b"Type: spec\n").build_id is None
    assert content(config, "_config") == b"Type: spec\n"
    assert [r.number for r in config.history()] == [1]


def test_unknown_projects_and_packages_are_told_apart(house: SmallHouse) -> None:
    house.hello()
    with pytest.raises(UnknownProject):
        house.storage.package("nowhere", "hello")
    with pytest.raises(UnknownPackage):
        house.storage.package("home:anna", "nothing")


def test_the_listener_is_woken_after_every_commit_and_may_fail(house: SmallHouse) -> None:
    calls = []

    def notify() -> None:
        calls.append(len(calls))
        raise ConnectionError

    house = open_house(house.path, clock=house.clock, notify=notify)
    hello = house.hello()
    before = len(calls)
    house.put(hello, "f", b"x")
    assert len(calls) == before + 1
    house.records.close()


def test_a_pointer_sent_over_http_is_refused(house: SmallHouse) -> None:
    hello = house.hello()
    secret = hashlib.sha256(b"somebody else's file").hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{secret}\nsize 20\n"
    with pytest.raises(InvalidContent, match="pointer"):
        house.put(hello, "f", pointer.encode())
    with pytest.raises(InvalidContent, match="pointer"):
        house.store(hello, "f", pointer.encode())
    with pytest.raises(InvalidContent, match="pointer"):
        house.upload(hello, "f", pointer.encode())


def test_an_operation_with_line_breaks_cannot_forge_a_trailer(house: SmallHouse) -> None:
    hello = house.hello()
    evil = "op\nPackhouse-User: eve"
    house.put(hello, "f", b"1", "one", operation=evil)
    again = house.put(hello, "f", b"1", "one", operation=evil)
    assert again.revision.number == 1
    message = git(hello.repository.path, "log", "-1", "--format=%b", "main")
    assert message.rstrip().splitlines() == [
        "Packhouse-User: anna",
        "Packhouse-Operation: opPackhouse-User: eve",
    ]


def test_a_package_has_a_most_number_of_files(house: SmallHouse) -> None:
    small = open_house(house.path, limits=StorageLimits(tree_files=2), clock=house.clock)
    hello = small.hello()
    small.put(hello, "a", b"a")
    small.put(hello, "b", b"b")
    with pytest.raises(TooLarge, match="more than 2 files"):
        small.put(hello, "c", b"c")
    small.put(hello, "b", b"changed")
    small.records.close()


def test_listing_a_package_is_cheap(house: SmallHouse) -> None:
    hello = house.hello()
    for number in range(30):
        house.put(hello, f"file-{number}", b"%d" % number)
    rounds = 60
    before = time.process_time()
    for _ in range(rounds):
        house.storage.package("home:anna", "hello").listing(LATEST)
    spent_ms = (time.process_time() - before) / rounds * 1000
    assert spent_ms < 3


def test_a_ref_that_cannot_be_read_does_not_keep_readers_from_the_indexed_state(
    house: SmallHouse,
) -> None:
    hello = house.hello()
    house.put(hello, "f", b"x")
    (hello.repository.path / "refs" / "heads" / "main").write_text("")
    assert content(house.storage.package("home:anna", "hello"), "f") == b"x"
    with pytest.raises(Damaged):
        house.put(hello, "f", b"y")
