"""Projects made through Copr are whole projects, and the other way round."""

import pytest
from lxml import etree

from .conftest import error, ok


def where(name="demo", owner="alice"):
    return {"ownername": owner, "projectname": name}


def test_a_new_project_is_a_complete_project_for_osc(alice, street):
    alice.project("demo", ["debian-12-x86_64", "fedora-42-x86_64", "fedora-42-aarch64"])
    meta = street.admin.xml("/source/home:alice:demo/_meta")
    targets = {
        repository.get("name"): (
            [arch.text for arch in repository.findall("arch")],
            [(path.get("project"), path.get("repository")) for path in repository.findall("path")],
        )
        for repository in meta.findall("repository")
    }
    assert targets == {
        "debian-12": (["x86_64"], [("Debian:12", "standard")]),
        "fedora-42": (["x86_64", "aarch64"], [("Fedora:42", "standard")]),
    }
    assert [(p.get("userid"), p.get("role")) for p in meta.findall("person")] == [
        ("alice", "maintainer")
    ]


def test_a_project_made_by_osc_is_seen_by_copr(alice, anybody, street):
    target = "<repository name='standard'><arch>x86_64</arch><arch>i586</arch></repository>"
    street.project("home:alice:other", target, by=street.admin)
    shown = ok(anybody.get("/project", **where("other")))
    assert list(shown["chroot_repos"]) == ["standard-x86_64", "standard-i586"]
    assert shown["enable_net"] is False


def test_a_project_of_nobody_is_owned_by_its_first_part(anybody, street):
    street.project("Base:Tools")
    assert ok(anybody.get("/project", **where("Tools", "Base")))["full_name"] == "Base/Tools"


def test_projects_that_copr_cannot_say_are_invisible(anybody, street):
    for name in ("home:alice", "a:b:c", "home:alice:demo:sub"):
        street.project(name)
    assert ok(anybody.get("/project/list"))["items"] == []


def test_description_and_homepage_are_the_ones_of_the_meta(alice, street):
    alice.project(description="Tools\x00 & more", homepage="https://example.org/?a&b")
    meta = street.admin.xml("/source/home:alice:demo/_meta")
    assert meta.findtext("description") == "Tools & more"
    assert meta.findtext("url") == "https://example.org/?a&b"
    ok(alice.put("/project/edit/alice/demo", {"description": "Other"}))
    assert street.admin.xml("/source/home:alice:demo/_meta").findtext("description") == "Other"


def test_an_edit_keeps_what_it_does_not_name(alice):
    alice.project(instructions="Enable it", enable_net=True, additional_repos=["http://r.example/"])
    shown = ok(alice.put("/project/edit/alice/demo", {"contact": "me", "repo_priority": "22"}))
    assert (shown["instructions"], shown["enable_net"], shown["contact"]) == (
        "Enable it",
        True,
        "me",
    )
    assert shown["additional_repos"] == ["http://r.example/"]
    assert shown["repo_priority"] == 22


def test_chroots_are_replaced_by_an_edit_and_paths_kept(alice, street):
    alice.project("demo", ["debian-12-x86_64", "epel-9-x86_64"])
    meta = street.admin.get("/source/home:alice:demo/_meta").text
    custom = meta.replace('project="Debian:12"', 'project="home:alice:demo"').replace(
        '"home:alice:demo" repository="standard"', '"home:alice:demo" repository="epel-9"', 1
    )
    assert street.admin.put("/source/home:alice:demo/_meta", custom).status_code == 200
    shown = ok(
        alice.put("/project/edit/alice/demo", {"chroots": ["debian-12-x86_64", "fedora-42-x86_64"]})
    )
    assert list(shown["chroot_repos"]) == ["debian-12-x86_64", "fedora-42-x86_64"]
    after = etree.fromstring(street.admin.get("/source/home:alice:demo/_meta").data)
    assert after.find("repository[@name='debian-12']/path").get("project") == "home:alice:demo"


def test_devel_mode_is_the_publish_flag(alice, street):
    alice.project(devel_mode=True)
    meta = street.admin.xml("/source/home:alice:demo/_meta")
    assert meta.find("publish/disable") is not None
    assert ok(alice.put("/project/edit/alice/demo", {"devel_mode": False}))["devel_mode"] is False
    assert street.admin.xml("/source/home:alice:demo/_meta").find("publish") is None


def test_a_deleted_project_is_gone_for_everybody_and_can_come_back(alice, street):
    alice.project()
    alice.scm()
    assert ok(alice.delete("/project/delete/alice/demo", {"verify": True}))["name"] == "demo"
    assert street.admin.get("/source/home:alice:demo").status_code == 404
    assert alice.get("/project", **where()).status_code == 404
    assert street.admin.post("/source/home:alice:demo?cmd=undelete").status_code == 200
    assert ok(alice.get("/package/list", **where()))["items"][0]["name"] == "hello"


def test_a_project_with_a_running_build_stays(alice):
    alice.project()
    alice.scm()
    alice.build()
    assert error(alice.delete("/project/delete/alice/demo")) == (
        400,
        "Build(s) 1 are still running.\n",
    )


def test_only_an_owner_edits_and_deletes(alice, bob):
    alice.project()
    assert error(bob.put("/project/edit/alice/demo", {"description": "x"})) == (
        403,
        "Only owners and admins may update their projects.",
    )
    assert bob.delete("/project/delete/alice/demo").status_code == 403


def test_an_administrator_makes_projects_for_others(alice, person):
    root = person("root", is_admin=True)
    body = {"name": "gift", "chroots": ["epel-9-x86_64"], "persistent": True, "auto_prune": False}
    shown = ok(root.post("/project/add/alice", body))
    assert (shown["persistent"], shown["auto_prune"]) == (True, False)
    ok(alice.put("/project/edit/alice/gift", {"description": "mine"}))
    assert alice.put("/project/edit/alice/gift", {"auto_prune": True}).status_code == 403


def test_a_group_has_projects_of_its_own(alice, bob, street):
    with street.house.records.begin() as unit:
        unit.groups.create("qa", "", ["alice"])
    body = {"name": "tools", "chroots": ["epel-9-x86_64"]}
    assert ok(alice.post("/project/add/@qa", body))["full_name"] == "@qa/tools"
    assert bob.post("/project/add/@qa", body).status_code == 403
    assert alice.post("/project/add/@nobody", body).status_code == 404
    meta = street.admin.xml("/source/group:qa:tools/_meta")
    assert meta.find("group").get("groupid") == "qa"
    assert [p["name"] for p in ok(bob.get("/project/list", ownername="@qa"))["items"]] == ["tools"]


def test_a_hidden_project_is_not_there_for_others(alice, bob, anybody, street):
    alice.project()
    inside = "<person userid='alice' role='maintainer'/><access><disable/></access>"
    street.project("home:alice:demo", inside)
    assert alice.get("/project", **where()).status_code == 200
    for client in (bob, anybody):
        assert client.get("/project", **where()).status_code == 404
        assert client.get("/package/list", **where()).status_code == 404
        assert ok(client.get("/project/list"))["items"] == []
    # Nor can it be taken over by making it again.
    body = {"name": "demo", "chroots": ["epel-9-x86_64"]}
    assert bob.post("/project/add/alice", body).status_code == 403


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"chroots": ["nope-1-x86_64"]}, "chroots: 'nope-1-x86_64' is not a valid choice"),
        ({"chroots": []}, "chroots: '[]' is not a valid choice for this field."),
        ({"name": ""}, "name: Name must contain only letters"),
        ({"name": "a/b"}, "name: Name must contain only letters"),
        ({"name": "_x"}, "name: Name must start with a letter or digit"),
        ({"delete_after_days": "800"}, "delete_after_days: Number must be between -1 and 720."),
        ({"isolation": "none"}, "isolation: Not a valid choice."),
        ({"additional_repos": "nonsense"}, "additional_repos: A list of URLs"),
    ],
)
def test_a_form_with_mistakes_is_refused_line_by_line(alice, body, text):
    status, told = error(
        alice.post("/project/add/alice", {"name": "x", "chroots": ["epel-9-x86_64"], **body})
    )
    assert status == 400
    assert text in told


def test_lists_of_projects_are_paged_and_ordered(alice, anybody):
    for name in ("c", "a", "b"):
        alice.project(name)

    def names(**query):
        return [p["name"] for p in ok(anybody.get("/project/list", **query))["items"]]

    assert names() == ["c", "a", "b"]
    assert names(limit=2, offset=1) == ["a", "b"]
    assert names(order="name") == ["a", "b", "c"]
    assert names(order="name", order_type="DESC", limit=1) == ["c"]
    assert ok(anybody.get("/project/search", query="ALICE/b"))["items"][0]["name"] == "b"


def test_chroots_of_a_project_have_settings_of_their_own(alice, anybody):
    alice.project("demo", ["epel-9-x86_64", "debian-12-x86_64"])
    path = "/project-chroot/edit/alice/demo/epel-9-x86_64"
    shown = ok(alice.put(path, {"additional_packages": ["gcc", "make"], "with_opts": "a b"}))
    assert shown["additional_packages"] == ["gcc", "make"]
    query = {**where(), "chrootname": "epel-9-x86_64"}
    assert ok(anybody.get("/project-chroot", **query))["with_opts"] == ["a", "b"]
    query["chrootname"] = "debian-12-x86_64"
    assert ok(anybody.get("/project-chroot", **query))["with_opts"] == []


def test_permissions_make_maintainers_and_builders(alice, bob, person, street):
    alice.project()
    alice.scm()
    carol = person("carol")
    ok(bob.put("/project/permissions/request/alice/demo", {"builder": True, "admin": True}))
    assert bob.post("/package/build", {**where(), "package_name": "hello"}).status_code == 403
    body = {"bob": {"builder": "approved", "admin": "nothing"}, "carol": {"admin": "approved"}}
    assert ok(alice.put("/project/permissions/set/alice/demo", body)) == {
        "updated": ["bob", "carol"]
    }
    assert ok(alice.get("/project/permissions/get/alice/demo")) == {
        "permissions": {
            "bob": {"admin": "nothing", "builder": "approved"},
            "carol": {"admin": "approved", "builder": "nothing"},
        }
    }
    people = street.admin.xml("/source/home:alice:demo/_meta").findall("person")
    assert {(p.get("userid"), p.get("role")) for p in people} == {
        ("alice", "maintainer"),
        ("carol", "maintainer"),
    }
    ok(bob.post("/package/build", {**where(), "package_name": "hello"}))
    assert bob.post("/package/add/alice/demo/x/rubygems", {"package_name": "x"}).status_code == 403
    ok(carol.put("/project/edit/alice/demo", {"description": "mine too"}))
    ok(alice.put("/project/permissions/set/alice/demo", {"carol": {"admin": "nothing"}}))
    assert carol.put("/project/edit/alice/demo", {"description": "x"}).status_code == 403


def test_a_maintainer_made_by_osc_is_an_approved_administrator(alice, bob, street):
    alice.project()
    inside = "<person userid='alice' role='maintainer'/><person userid='bob' role='maintainer'/>"
    street.project("home:alice:demo", inside)
    shown = ok(bob.get("/project/permissions/get/alice/demo"))
    assert shown["permissions"] == {"bob": {"admin": "approved", "builder": "nothing"}}
    who = ok(alice.get("/project/permissions/can_build_in/bob/alice/demo"))
    assert who["can_build_in"] is True
