"""A packager's day with osc: make, change, look back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.facade.houses import Caller, Street

from .osc import Osc

Desks = Callable[[str], Osc]
SPEC = "Name: hello\nVersion: {version}\nRelease: 0\nSummary: x\nLicense: MIT\n%description\nx\n"


DATA = bytes(range(256)) * 40


@pytest.fixture
def anna(street: Street, osc: Desks) -> Osc:
    """Anna, who has an empty home project."""
    anna = osc("anna")
    street.project("home:anna", "<person userid='anna' role='maintainer'/>")
    return anna


@pytest.fixture
def hello(street: Street, anna: Osc) -> Path:
    """A package with three revisions, as a working copy at the last."""
    caller = Caller(street.app, "anna")
    street.package("home:anna", "hello", by=caller)
    for name, content, comment in (
        ("hello.spec", SPEC.format(version="1.0"), "first words"),
        ("data with space.bin", DATA, "data"),
        ("hello.spec", SPEC.format(version="1.1"), "second words%0Awith a line"),
    ):
        caller.put(f"/source/home:anna/hello/{name}?comment={comment}", content)
    anna("checkout", "home:anna", "hello")
    return anna.desk / "home:anna" / "hello"


def test_a_new_package_travels_to_another_desk(anna: Osc, osc: Desks) -> None:
    anna("checkout", "home:anna")
    anna("mkpac", "hello", at="home:anna")
    copy = anna.desk / "home:anna" / "hello"
    (copy / "hello.spec").write_text(SPEC.format(version="1.0"))
    (copy / "data with space.bin").write_bytes(DATA)
    anna("add", "hello.spec", "data with space.bin", at="home:anna/hello")
    said = anna("commit", "-m", "first words", at="home:anna/hello")
    assert "Committed revision 1." in said
    (copy / "hello.spec").write_text(SPEC.format(version="1.1"))
    said = anna("commit", "-m", "second words", at="home:anna/hello")
    assert "Committed revision 2." in said
    bert = osc("bert")
    bert("checkout", "home:anna", "hello")
    copy = bert.desk / "home:anna" / "hello"
    assert (copy / "hello.spec").read_text() == SPEC.format(version="1.1")
    assert (copy / "data with space.bin").read_bytes() == DATA
    assert bert("status", at="home:anna/hello") == ""


def test_lists_show_projects_packages_and_files(anna: Osc, hello: Path) -> None:
    assert anna("ls").split() == ["home:anna"]
    assert anna("ls", "home:anna").split() == ["hello"]
    assert anna("ls", "home:anna", "hello").splitlines() == ["data with space.bin", "hello.spec"]
    long = anna("ls", "-l", "home:anna", "hello")
    assert "10240" in long
    assert anna("ls", "-R", "1", "home:anna", "hello").splitlines() == ["hello.spec"]


def test_status_tells_what_changed_here(anna: Osc, hello: Path) -> None:
    (hello / "hello.spec").write_text("changed")
    (hello / "new").write_text("new")
    (hello / "stray").write_text("stray")
    (hello / "data with space.bin").unlink()
    anna("add", "new", at="home:anna/hello")
    lines = sorted(anna("status", at="home:anna/hello").splitlines())
    assert lines == ["!    data with space.bin", "?    stray", "A    new", "M    hello.spec"]


def test_a_removed_file_is_gone_for_all(anna: Osc, hello: Path, osc: Desks) -> None:
    anna("rm", "data with space.bin", at="home:anna/hello")
    assert "Committed revision 4." in anna("commit", "-m", "less", at="home:anna/hello")
    assert osc("bert")("ls", "home:anna", "hello").splitlines() == ["hello.spec"]


def test_an_update_brings_what_others_did(
    anna: Osc, hello: Path, street: Street, osc: Desks
) -> None:
    other = osc("anna", "second desk")
    other("checkout", "home:anna", "hello")
    (hello / "NEWS").write_text("news\n")
    (hello / "hello.spec").write_text(SPEC.format(version="2"))
    anna("add", "NEWS", at="home:anna/hello")
    anna("rm", "data with space.bin", at="home:anna/hello")
    anna("commit", "-m", "third", at="home:anna/hello")
    said = other("update", at="home:anna/hello")
    assert "At revision 4." in said
    copy = other.desk / "home:anna" / "hello"
    assert sorted(p.name for p in copy.iterdir() if p.name != ".osc") == ["NEWS", "hello.spec"]
    assert (copy / "hello.spec").read_text() == SPEC.format(version="2")


def test_an_outdated_copy_is_not_committed(anna: Osc, hello: Path, osc: Desks) -> None:
    other = osc("anna", "second desk")
    other("checkout", "home:anna", "hello")
    (hello / "hello.spec").write_text(SPEC.format(version="2"))
    anna("commit", "-m", "third", at="home:anna/hello")
    copy = other.desk / "home:anna" / "hello"
    (copy / "hello.spec").write_text(SPEC.format(version="3"))
    assert "out of date" in other.fails("commit", "-m", "late", at="home:anna/hello")


def test_a_project_is_updated_as_a_whole(
    anna: Osc, hello: Path, osc: Desks, street: Street
) -> None:
    bert = osc("bert")
    bert("checkout", "home:anna")
    (hello / "hello.spec").write_text(SPEC.format(version="2"))
    anna("commit", "-m", "third", at="home:anna/hello")
    street.package("home:anna", "second")
    bert("update", at="home:anna")
    assert (bert.desk / "home:anna/hello/hello.spec").read_text() == SPEC.format(version="2")
    assert (bert.desk / "home:anna/second").is_dir()


def test_the_log_tells_who_did_what(anna: Osc, hello: Path) -> None:
    said = anna("log", at="home:anna/hello")
    assert "r3 | anna |" in said
    assert "second words\nwith a line" in said
    assert " 1.1 " in said
    assert "r1 | anna |" in said
    assert "first words" not in anna("log", "-r", "3", "home:anna", "hello")


def test_old_content_is_shown(anna: Osc, hello: Path) -> None:
    assert anna("cat", "home:anna", "hello", "hello.spec") == SPEC.format(version="1.1")
    assert anna("cat", "-r", "1", "home:anna", "hello", "hello.spec") == SPEC.format(version="1.0")
    anna("checkout", "-r", "1", "home:anna", "hello", "-o", "old")
    assert (anna.desk / "old" / "hello.spec").read_text() == SPEC.format(version="1.0")


def test_a_file_comes_back_after_a_revert(anna: Osc, hello: Path) -> None:
    anna("rm", "data with space.bin", at="home:anna/hello")
    anna("commit", "-m", "gone", at="home:anna/hello")
    (hello / "data with space.bin").write_bytes(DATA)
    anna("add", "data with space.bin", at="home:anna/hello")
    assert "Committed revision 5." in anna("commit", "-m", "back", at="home:anna/hello")


def test_strangers_read_but_do_not_commit(anna: Osc, hello: Path, osc: Desks) -> None:
    bert = osc("bert")
    bert("checkout", "home:anna", "hello")
    copy = bert.desk / "home:anna" / "hello"
    (copy / "hello.spec").write_text("mine")
    said = bert.fails("commit", "-m", "try", at="home:anna/hello")
    assert "403" in said or "no permission" in said
    assert anna("cat", "home:anna", "hello", "hello.spec") == SPEC.format(version="1.1")


def test_a_wrong_password_is_said_so(anna: Osc, server) -> None:
    intruder = Osc(server.url, anna.desk / "elsewhere", "anna", "wrong")
    assert "401" in intruder.fails("ls")


def test_packages_are_deleted_and_brought_back(anna: Osc, hello: Path) -> None:
    anna("rdelete", "-m", "away", "home:anna", "hello")
    assert anna("ls", "home:anna").split() == []
    assert anna("ls", "--deleted", "home:anna").split() == ["hello"]
    anna("undelete", "-m", "back", "home:anna", "hello")
    assert anna("ls", "home:anna").split() == ["hello"]
    assert "r5 | anna |" in anna("log", "home:anna", "hello")


def test_a_large_file_goes_both_ways(anna: Osc, hello: Path, osc: Desks, street: Street) -> None:
    content = bytes(range(251)) * 20_000
    (hello / "big.tar").write_bytes(content)
    anna("add", "big.tar", at="home:anna/hello")
    anna("commit", "-m", "big", at="home:anna/hello")
    bert = osc("bert")
    bert("checkout", "home:anna", "hello")
    assert (bert.desk / "home:anna/hello/big.tar").read_bytes() == content


def test_a_lock_holds_until_it_is_taken_off(anna: Osc, hello: Path) -> None:
    anna("lock", "home:anna", "hello")
    (hello / "hello.spec").write_text("x")
    anna.fails("commit", "-m", "locked", at="home:anna/hello")
    anna("unlock", "-m", "done", "home:anna", "hello")
    anna("commit", "-m", "open", at="home:anna/hello")
