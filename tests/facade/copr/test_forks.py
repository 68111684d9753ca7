"""A fork has the packages and sources of its origin, and builds of its own."""

import pytest

from .conftest import error, ok

FORK = "/project/fork/alice/demo"


@pytest.fixture
def demo(alice, street):
    alice.project("demo", ["epel-9-x86_64"], description="Tools", instructions="Use it")
    alice.scm()
    street.package("home:alice:demo", "tool")
    street.file("home:alice:demo/tool/tool.spec", "Name: tool\n")
    return alice


def test_settings_packages_and_sources_are_copied(demo, bob, street):
    shown = ok(bob.post(FORK, {"name": "mine", "ownername": "bob", "confirm": False}))
    assert (shown["full_name"], shown["instructions"]) == ("bob/mine", "Use it")
    where = {"ownername": "bob", "projectname": "mine"}
    names = [p["name"] for p in ok(bob.get("/package/list", **where))["items"]]
    assert names == ["hello", "tool"]
    assert street.admin.get("/source/home:bob:mine/tool/tool.spec").text == "Name: tool\n"
    (build,) = ok(bob.get("/build/list", **where))["items"]
    assert (build["source_package"]["name"], build["submitter"]) == ("tool", "bob")
    people = street.admin.xml("/source/home:bob:mine/_meta").findall("person")
    assert [p.get("userid") for p in people] == ["bob"]


def test_an_existing_target_is_added_to_when_confirmed(demo, bob):
    bob.project("mine", ["epel-9-x86_64"])
    body = {"name": "mine", "ownername": "bob", "confirm": False}
    status, text = error(bob.post(FORK, body))
    assert status == 400
    assert text.startswith("You are about to fork into existing project: mine")
    ok(bob.put(FORK, {**body, "confirm": True}))
    assert bob.get("/package", ownername="bob", projectname="mine", packagename="tool").json["name"]


def test_a_fork_into_itself_or_for_others_is_refused(demo, bob):
    body = {"name": "demo", "ownername": "alice", "confirm": True}
    assert error(demo.post(FORK, body))[0] == 400
    assert error(bob.post(FORK, {**body, "name": "x"}))[0] == 403
    assert error(bob.post(FORK, {}))[0] == 400


def test_closed_sources_cannot_be_forked(demo, bob, street):
    street.package("home:alice:demo", "tool", "<sourceaccess><disable/></sourceaccess>")
    assert error(bob.post(FORK, {"name": "mine", "ownername": "bob"}))[0] == 403
    assert bob.get("/project", ownername="bob", projectname="mine").status_code == 404


def test_the_page_of_a_build_leads_to_its_files(demo, anybody):
    number = demo.build()["id"]
    response = anybody.client.get(f"/coprs/build/{number}")
    assert response.status_code == 302
    where = f"https://copr.example.com/results/alice/demo/srpm-builds/{number:08d}/"
    assert response.headers["Location"] == where
