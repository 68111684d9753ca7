"""``/published`` as OBS documents (OBS API contract, section 13)."""

import pytest

from storage.model import FlagRule, PathEntry, ProjectMeta, Repository


def entries(root):
    assert root.tag == "directory"
    return [entry.get("name") for entry in root.findall("entry")]


@pytest.fixture
def anna(hello):
    return hello.street.person("anna")


def test_each_level_is_a_directory_of_names(anna):
    assert entries(anna.xml("/published")) == ["home:anna"]
    assert entries(anna.xml("/published/")) == ["home:anna"]
    assert entries(anna.xml("/published/home:anna")) == ["standard"]
    top = entries(anna.xml("/published/home:anna/standard"))
    assert {"noarch", "src", "all", "repodata", "Packages", "home:anna.repo"} <= set(top)
    noarch = anna.xml("/published/home:anna/standard/noarch")
    assert entries(noarch) == ["hello-1.0-1.noarch.rpm"]


def test_files_are_sent_from_both_levels(anna, hello):
    rpm = hello.get("/published/home:anna/standard/noarch/hello-1.0-1.noarch.rpm", by=anna)
    assert rpm.content_type == "application/x-rpm"
    assert rpm.data[:4] == b"\xed\xab\xee\xdb"
    repo = hello.get("/published/home:anna/standard/home:anna.repo", by=anna)
    assert repo.data.startswith(b"[home_anna]")


def test_a_login_is_needed(hello):
    response = hello.get("/published")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")


ERRORS = [
    ("/published/home:nobody", 404, "unknown_project"),
    ("/published/home:anna/nothing", 404, "unknown_repository"),
    ("/published/home:anna/standard/nothing", 404, "not_found"),
    ("/published/home:anna/standard/noarch/nothing.rpm", 404, "not_found"),
    ("/published/home:anna/standard/..", 404, "not_found"),
    ("/published/home:anna/standard?view=odd", 400, "invalid_parameter"),
    (
        "/published/home:anna/standard/noarch/hello-1.0-1.noarch.rpm?view=odd",
        400,
        "invalid_parameter",
    ),
    ("/published/home:anna/standard/Packages?view=ymp", 404, "not_found"),
]


def test_errors_have_the_words_of_the_contract(anna, hello):
    for url, status, code in ERRORS:
        response = hello.get(url, by=anna)
        assert response.status_code == status, url
        assert response.headers["X-Opensuse-Errorcode"] == code


def test_a_repository_that_is_not_published_yet_is_empty(anna, hello):
    hello.project(repositories=("standard", "next"))
    assert entries(anna.xml("/published/home:anna/next")) == []


def test_fileinfo_reads_the_header(anna):
    info = anna.xml("/published/home:anna/standard/noarch/hello-1.0-1.noarch.rpm?view=fileinfo")
    assert info.tag == "fileinfo"
    assert info.get("filename") == "hello-1.0-1.noarch.rpm"
    facts = {child.tag: child.text for child in info}
    assert (facts["name"], facts["version"], facts["release"]) == ("hello", "1.0", "1")
    assert facts["summary"] == "Greeting called hello"
    assert "greeting = 1.0" in [p.text for p in info.findall("provides")]
    deb = anna.xml("/published/home:anna/standard/all/hello_1.0_all.deb?view=fileinfo")
    assert deb.findtext("name") == "hello"


def test_publishedpath_tells_where_a_tree_is(anna, live):
    path = anna.xml("/published/home:anna/standard?view=publishedpath")
    assert path.findtext("path") == "home:/anna/standard"
    assert path.findtext("url") == f"{live}/repositories/home:/anna/standard/"


NS = {"y": "http://opensuse.org/Standards/One_Click_Install"}
YMP = "/published/home:anna/standard/noarch/hello-1.0-1.noarch.rpm?view=ymp"


def test_ymp_names_package_and_repository(anna, live):
    response = anna.get(YMP)
    assert response.content_type == "text/x-suse-ymp"
    root = anna.xml(YMP)
    (repository,) = root.findall("y:group/y:repositories/y:repository", NS)
    assert repository.get("recommended") == "true"
    assert [child.text or "" for child in repository] == [
        "home:anna",
        "Anna's packages",
        "",
        f"{live}/repositories/home:/anna/standard/",
    ]
    item = root.find("y:group/y:software/y:item", NS)
    assert item.findtext("y:name", namespaces=NS) == "hello"
    assert item.findtext("y:summary", namespaces=NS) == "Greeting called hello"
    assert item.findtext("y:description", namespaces=NS).startswith("Says hello.")


def test_ymp_lists_the_path_and_stops_in_a_circle(anna, hello, built):
    hello.project("Base")
    hello.succeed("other", [built["other"]], "Base")
    hello.publish("Base")
    with hello.house.records.begin() as unit:
        for name, below in (("home:anna", "Base"), ("Base", "home:anna")):
            paths = (PathEntry("home:hidden", "standard"), PathEntry(below, "standard"))
            meta = ProjectMeta(name, repositories=(Repository("standard", ("x86_64",), paths),))
            unit.projects.update_meta(hello.ids[name], meta)
    hello.project("home:hidden", flags=(FlagRule("access", False),))
    found = anna.xml(YMP).findall("y:group/y:repositories/y:repository", NS)
    assert [(r.findtext("y:name", namespaces=NS), r.get("recommended")) for r in found] == [
        ("home:anna", "true"),
        ("Base", "false"),
    ]


def test_hidden_and_closed_projects_stay_so(anna, hello):
    hello.project(flags=(FlagRule("binarydownload", False),))
    url = "/published/home:anna/standard/noarch/hello-1.0-1.noarch.rpm"
    assert anna.get(url).status_code == 403
    hello.project(flags=(FlagRule("access", False),))
    assert anna.get("/published/home:anna").status_code == 404
    assert anna.get(url).status_code == 404
    assert entries(anna.xml("/published")) == []
