"""Metas, people and the rest of what osc asks a server."""

from collections.abc import Callable

import pytest

from tests.facade.houses import Street
from tests.support import need

from .osc import Osc

Desks = Callable[[str], Osc]


@pytest.fixture
def anna(street: Street, osc: Desks) -> Osc:
    anna = osc("anna")
    street.project(
        "home:anna",
        "<person userid='anna' role='maintainer'/>"
        "<repository name='standard'><arch>x86_64</arch></repository>",
    )
    return anna


def test_a_project_meta_is_read_and_written(anna: Osc) -> None:
    meta = anna("meta", "prj", "home:anna")
    assert '<project name="home:anna">' in meta
    (anna.desk / "new").write_text(meta.replace("<title></title>", "<title>Mine</title>"))
    anna("meta", "prj", "home:anna", "-F", "new", "-m", "a title")
    assert "<title>Mine</title>" in anna("meta", "prj", "home:anna")
    assert "<title></title>" in anna("meta", "prj", "-r", "1", "home:anna")


def test_a_package_meta_is_read_and_written(anna: Osc) -> None:
    (anna.desk / "new").write_text(
        "<package name='p' project='home:anna'><title>P</title><description/></package>"
    )
    anna("meta", "pkg", "home:anna", "p", "-F", "new")
    assert "<title>P</title>" in anna("meta", "pkg", "home:anna", "p")


def test_a_project_configuration_is_read_and_written(anna: Osc) -> None:
    assert anna("meta", "prjconf", "home:anna") == ""
    for text in ("Type: spec\n", "Type: dsc\n"):
        (anna.desk / "new").write_text(text)
        anna("meta", "prjconf", "home:anna", "-F", "new")
    assert anna("meta", "prjconf", "home:anna") == "Type: dsc\n"
    assert anna("meta", "prjconf", "-r", "1", "home:anna") == "Type: spec\n"


def test_meta_history_is_shown(anna: Osc, street: Street) -> None:
    body = "<package name='p' project='home:anna'><title>{}</title><description/></package>"
    for title in ("one", "two"):
        street.admin.put(f"/source/home:anna/p/_meta?comment=made {title}", body.format(title))
    said = anna("log", "--meta", "home:anna", "p")
    assert "r2 | Admin" in said
    assert "made two" in said


def test_a_refusal_is_printed(anna: Osc) -> None:
    (anna.desk / "new").write_text("<project name='Top'><title/><description/></project>")
    said = anna.fails("meta", "prj", "Top", "-F", "new")
    assert "no permission to create project 'Top'" in said
    (anna.desk / "bad").write_text("<project name='home:anna'><frob/></project>")
    assert "unknown element: frob" in anna.fails("meta", "prj", "home:anna", "-F", "bad")


def test_people_and_groups_are_shown(anna: Osc, street: Street) -> None:
    street.admin.put(
        "/group/qa", "<group><title>qa</title><person><person userid='anna'/></person></group>"
    )
    assert "<login>anna</login>" in anna("meta", "user", "anna")
    assert "<title>qa</title>" in anna("meta", "group", "qa")
    assert "anna" in anna("whois", "anna")
    assert "anna" in anna("maintainer", "home:anna")


def test_questions_about_builds_are_answered(anna: Osc, street: Street) -> None:
    street.package("home:anna", "p")
    assert "standard" in anna("repositories", "home:anna")
    assert "p" in anna("results", "home:anna", "p")
    anna("prjresults", "home:anna")
    assert "no logfile" in anna.fails("remotebuildlog", "home:anna", "p", "standard", "x86_64")
    anna("jobhistory", "home:anna", "p", "standard", "x86_64")
    anna("buildhistory", "home:anna", "p", "standard", "x86_64")
    anna("list", "-b", "home:anna", "p")


def test_searching(anna: Osc, street: Street) -> None:
    street.package("home:anna", "hello")
    assert "hello" in anna("search", "hello")
    assert "home:anna" in anna("my", "projects")
    assert "home:anna" in anna("api", "/search/project/id?match=contains(@name,'anna')")


def test_a_key_is_made_and_shown(anna: Osc) -> None:
    need.program("gpg")
    anna("signkey", "--create", "home:anna")
    assert "BEGIN PGP PUBLIC KEY BLOCK" in anna("signkey", "home:anna")
