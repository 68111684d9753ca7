"""Starting builds: what is recorded for the builder."""

import pytest

from storage.model import EventKind, SourceState

from .conftest import error, ok

WHERE = {"ownername": "alice", "projectname": "demo"}
CHROOTS = ("debian-12-x86_64", "epel-9-x86_64", "fedora-42-x86_64")


@pytest.fixture
def demo(alice):
    alice.project("demo", CHROOTS)
    return alice


def row(street, number):
    with street.house.records.read() as unit:
        return unit.builds.get(number)


def test_an_uploaded_file_waits_for_its_build(demo, street):
    shown = ok(demo.upload("/build/create/upload", WHERE, pkgs=("a-1-1.src.rpm", b"content")))
    build = row(street, shown["id"])
    assert (build.source_type, build.source_state) == ("upload", SourceState.PENDING)
    kept = street.settings.data_dir / "srpm-uploads" / str(build.id) / "a-1-1.src.rpm"
    assert kept.read_bytes() == b"content"
    assert build.source_dict["pkg"] == "a-1-1.src.rpm"
    assert shown["chroots"] == []


@pytest.mark.parametrize("name", ["../a.src.rpm", "a/b.src.rpm", ".src.rpm", "a\nb.spec", "x.tar"])
def test_a_file_name_that_cannot_be_used_is_refused(demo, name):
    status, text = error(demo.upload("/build/create/upload", WHERE, pkgs=(name, b"x")))
    assert status == 400
    assert text.startswith("Bad request parameters: {'pkgs': [")


def test_an_upload_without_a_file_is_refused(demo):
    assert error(demo.upload("/build/create/upload", WHERE)) == (
        400,
        "Bad request parameters: {'pkgs': ['This field is required.']}",
    )


def test_each_url_becomes_a_build(demo, street):
    urls = ["http://x.example/a-1-1.src.rpm", "http://x.example/b.spec"]
    shown = ok(demo.post("/build/create/url", {**WHERE, "pkgs": urls}))
    assert [row(street, b["id"]).source_dict for b in shown["items"]] == [
        {"url": url} for url in urls
    ]
    assert shown["items"][0]["source_package"]["url"] == urls[0]
    assert shown["items"][1]["source_package"]["url"] is None
    assert set(shown["meta"].values()) == {None}


def test_options_are_kept_with_the_build(demo, street):
    demo.scm(timeout=900)
    build = row(street, demo.build(background=True, enable_net=True)["id"])
    assert build.options == {
        "background": True,
        "enable_net": True,
        "chroots": list(CHROOTS),
        "timeout": 900,
    }
    assert row(street, demo.build(timeout="50")["id"]).options["timeout"] == 50


def test_the_source_is_copied_at_submission(demo, street):
    demo.scm()
    number = demo.build()["id"]
    body = {"package_name": "hello", "committish": "later"}
    ok(demo.post("/package/edit/alice/demo/hello/scm", body))
    assert row(street, number).source_dict["committish"] is None


def test_patterns_choose_and_exclude_chroots(demo):
    demo.scm(chroot_denylist="epel-*")
    assert demo.build()["chroots"] == ["debian-12-x86_64", "fedora-42-x86_64"]
    assert demo.build(chroots=["epel-*"])["chroots"] == ["epel-9-x86_64"]
    assert demo.build(exclude_chroots=["fedora-*", "epel-*"])["chroots"] == ["debian-12-x86_64"]


def test_a_package_of_another_door_is_built_from_its_own_repository(demo, street):
    street.package("home:alice:demo", "tool")
    shown = ok(demo.get("/package", **WHERE, packagename="tool"))
    assert shown["source_type"] == "scm"
    url = "https://copr.example.com/git/home:alice:demo/tool.git"
    assert shown["source_dict"]["clone_url"] == url
    assert error(demo.post("/package/build", {**WHERE, "package_name": "tool"}))[0] == 400
    street.file("home:alice:demo/tool/tool.spec", "Name: tool\n")
    build = row(street, demo.build("tool")["id"])
    assert (build.source_state, build.rev) == (SourceState.SUCCEEDED, 1)
    with street.house.records.begin() as unit:
        told = [e for e in unit.events.claim(99, "t", 9, 0) if e.kind is EventKind.REBUILD_ASKED]
    assert told[-1].payload["build_id"] == build.id


def test_batches_follow_one_another(demo, street):
    demo.scm()
    first = demo.build()["id"]
    second = demo.build(after_build_id=first)["id"]
    third = demo.build(with_build_id=second)["id"]
    assert row(street, second).options["after_batch"] == first
    assert row(street, third).options["batch"] == second
    assert row(street, third).options["after_batch"] == first


def test_a_batch_of_somebody_elses_hidden_project_is_unknown(demo, bob, street):
    demo.scm()
    number = demo.build()["id"]
    inside = "<person userid='alice' role='maintainer'/><access><disable/></access>"
    street.project("home:alice:demo", inside)
    bob.project("own")
    bob.scm(project="own")
    body = {"ownername": "bob", "projectname": "own", "package_name": "hello"}
    status, text = error(bob.post("/package/build", {**body, "after_build_id": number}))
    assert (status, text) == (400, f"after_build_id: Build {number} not found")


def test_a_side_directory_is_a_project_below(demo, street, anybody):
    demo.scm()
    shown = demo.build(project_dirname="demo:pr:12")
    assert shown["project_dirname"] == "demo:pr:12"
    assert shown["repo_url"] == "https://copr.example.com/results/alice/demo"
    meta = street.admin.xml("/source/home:alice:demo:pr:12/_meta")
    path = meta.find("repository[@name='epel-9']/path")
    assert (path.get("project"), path.get("repository")) == ("home:alice:demo", "epel-9")
    number = shown["id"]
    assert ok(anybody.get(f"/build/{number}")) == shown
    assert ok(anybody.get("/build/list", **WHERE))["items"] == [shown]
    assert len(ok(anybody.get("/project/list", ownername="alice"))["items"]) == 1
    ok(demo.put(f"/build/cancel/{number}"))
    ok(demo.delete("/project/delete/alice/demo"))
    assert street.admin.get("/source/home:alice:demo:pr:12").status_code == 404


@pytest.mark.parametrize("dirname", ["demo:x", "demo:custom:a:b", "other", "demo:pr:x", "demo:"])
def test_other_directories_are_refused_with_a_hint(demo, dirname):
    demo.scm()
    body = {**WHERE, "package_name": "hello", "project_dirname": dirname}
    status, text = error(demo.post("/package/build", body))
    assert status == 400
    assert text.startswith("Please use directory format demo:custom:<SUFFIX_OF_CHOICE>")


def test_a_project_without_chroots_builds_nothing(alice, street):
    street.project("home:alice:demo", "<person userid='alice' role='maintainer'/>")
    alice.scm()
    status, text = error(alice.post("/package/build", {**WHERE, "package_name": "hello"}))
    assert status == 400
    assert "no active chroot" in text


def test_a_locked_project_says_so(demo, street):
    demo.scm()
    inside = "<person userid='alice' role='maintainer'/><lock><enable/></lock>"
    street.project("home:alice:demo", inside)
    status, text = error(
        demo.post("/package/add/alice/demo/x/rubygems", {"package_name": "x", "gem_name": "x"})
    )
    assert status == 403
    assert "locked" in text


def test_strangers_start_nothing(demo, bob):
    demo.scm()
    for path, body in (
        ("/package/build", {"package_name": "hello"}),
        ("/build/create/url", {"pkgs": ["http://x.example/a.src.rpm"]}),
        ("/build/create/scm", {"clone_url": "https://x.example/a.git"}),
    ):
        assert error(bob.post(path, {**WHERE, **body})) == (
            403,
            "You don't have permissions to build in this copr.",
        )
    assert bob.upload("/build/create/upload", WHERE, pkgs=("a.spec", b"x")).status_code == 403
