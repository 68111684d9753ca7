"""The recorded life of one package, told again to this server."""

import pytest

from tests.facade.houses import Caller, Street

from .golden import agrees, recorded

_CODE = frozenset({"code"})


def _spec(version: str) -> str:
    lines = [f"line {n}" for n in range(40)]
    if version == "1.1":
        lines[30] = "line thirty"
    head = f"Name: hello\nVersion: {version}\nRelease: 0\nSummary: x\nLicense: MIT\n"
    return head + "%description\nx\n" + "\n".join(lines) + "\n"


FULL_META = recorded("GET_source_PRJ__meta.xml")


@pytest.fixture
def alice(street: Street) -> Caller:
    alice = street.person("alice", is_admin=True)
    street.person("zoe")
    street.admin.put("/group/g1", "<group><title>g1</title></group>")
    assert alice.put("/source/base/_meta", FULL_META).status_code == 200
    body = recorded("GET_source_PRJ_PKG__meta.xml")
    assert alice.put("/source/base/hello/_meta", body).status_code == 200
    return alice


def test_metas_come_back_byte_for_byte(alice: Caller) -> None:
    assert alice.get("/source/base/_meta").data == FULL_META
    expected = recorded("GET_source_PRJ_PKG__meta.xml")
    assert alice.get("/source/base/hello/_meta").data == expected


def test_a_package_without_commits(alice: Caller) -> None:
    agrees(alice.get("/source/base/hello"), "GET_source_PRJ_PKG.empty.xml")
    agrees(alice.get("/source/base/hello?rev=0"), "GET_source_PRJ_PKG.rev0.xml")
    agrees(alice.get("/source/base/hello/_history"), "GET_source_PRJ_PKG__history.empty.xml")


def test_two_commits_of_the_same_content(alice: Caller) -> None:
    url = "/source/base/hello/hello.spec?comment="
    agrees(alice.put(url + "first%20one", _spec("1.0")), "PUT_source_PRJ_PKG_FILE.direct.xml")
    agrees(
        alice.put(url + "again", _spec("1.0")), "PUT_source_PRJ_PKG_FILE.direct_same_content.xml"
    )
    agrees(alice.get("/source/base/hello?rev=1"), "GET_source_PRJ_PKG.rev1.xml")


def test_what_is_not_there(alice: Caller) -> None:
    alice.put("/source/base/hello/hello.spec", _spec("1.0"))
    for url, name, status in (
        ("/source/base/hello/nofile", "GET_source_PRJ_PKG_FILE.unknown.xml", 404),
        ("/source/base/hello?rev=99", "GET_source_PRJ_PKG.rev99.xml", 404),
        ("/source/base/hello?rev=abc", "GET_source_PRJ_PKG.rev_text.xml", 400),
        ("/source/nope", "GET_source_PRJ.unknown.xml", 404),
    ):
        response = alice.get(url)
        assert response.status_code == status
        from lxml import etree

        expected = etree.fromstring(recorded(name)).findtext("summary")
        assert etree.fromstring(response.data).findtext("summary") == expected


def test_content_stored_without_a_revision(alice: Caller) -> None:
    response = alice.put("/source/base/hello/README?rev=repository", "read me\n")
    agrees(response, "PUT_source_PRJ_PKG_FILE.repository.xml")


def test_the_vrev_counts_within_one_version(alice: Caller) -> None:
    for version in ("1.0", "1.0", "1.1", "1.0"):
        alice.put("/source/base/hello/hello.spec", _spec(version))
    history = alice.xml("/source/base/hello/_history")
    found = [(r.get("rev"), r.get("vrev"), r.findtext("version")) for r in history]
    assert found == [("1", "1", "1.0"), ("2", "2", "1.0"), ("3", "1", "1.1"), ("4", "3", "1.0")]


def test_the_configuration_of_a_project(alice: Caller) -> None:
    config = recorded("GET_source_PRJ__config.txt")
    assert alice.get("/source/base/_config").data == b""
    assert alice.put("/source/base/_config", config).status_code == 200
    response = alice.get("/source/base/_config")
    assert response.data == config
    assert response.content_type.startswith("text/plain")


def test_nonsense_in_a_meta_is_named(alice: Caller) -> None:
    response = alice.put("/source/base/_meta", "<project name='base'><nonsense/></project>")
    assert response.status_code == 400
    assert b"unknown element: nonsense" in response.data
