"""Answers of a genuine server to single calls, compared word for word.

Numbers of rows and addresses of servers are not compared.
"""

import json
import re
from pathlib import Path

import pytest

from .conftest import Copr, ok

REFERENCE = Path(__file__).parent / "data" / "reference"

BETTER = {
    "scm_with_null_fields_only_method": "a spec that was never given is not a wrong one",
}


def cases(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


def neutral(value, key=""):
    """A value without what differs from house to house."""
    if isinstance(value, dict):
        return {name: neutral(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [neutral(item) for item in value]
    if key in ("id", "webhook_secret"):
        return type(value).__name__
    if isinstance(value, str):
        value = re.sub(r"`\d+`", "`N`", value)
        value = value.replace("copr:copr.example.com", "copr:HOST").replace(
            "copr:127.0.0.1", "copr:HOST"
        )
        return re.sub(r"https?://(127\.0\.0\.1:\d+|copr\.example\.com)", "URL", value)
    return value


@pytest.fixture
def people(street, person):
    alice = person("alice")
    alice.project("ref", ["fedora-40-x86_64"])
    return {
        "alice": alice,
        "bob": person("bob"),
        None: Copr(street, None),
        "wrong": Copr(street, "alice", "wrong"),
    }


def check(people, name, case, title):
    request = case["request"]
    who = "wrong" if title == "bad_token" else request["user"]
    options = {"query_string": request["params"]} if request.get("params") else {}
    path = request["path"].removeprefix("/api_3")
    response = people[who].call(request["method"], path, request.get("json"), **options)
    about = f"{name}/{title}: {response.text}"
    assert response.status_code == case["status"], about
    assert neutral(response.json) == neutral(case["body"]), about
    assert response.headers.get("Warning", "") == case.get("warning_header", ""), about


def test_packages_are_added_edited_reset_and_deleted(people):
    for name in ("package_add", "package_add_errors", "package_edit", "package_reset"):
        for title, case in cases(name).items():
            if title not in BETTER:
                check(people, name, case, title)
    # A package that the recorded server had reset before it was deleted.
    ok(
        people["alice"].put(
            "/package/reset", dict(ownername="alice", projectname="ref", package_name="p-gem")
        )
    )
    for title, case in cases("package_delete").items():
        check(people, "package_delete", case, title)


def test_lists_of_packages_are_ordered_and_paged(people):
    for case in cases("package_add").values():
        request = case["request"]
        ok(people["alice"].post(request["path"].removeprefix("/api_3"), request["json"]))
    edits = cases("package_edit")
    for title in ("scm_committish", "other_type"):
        request = edits[title]["request"]
        ok(people["alice"].post(request["path"].removeprefix("/api_3"), request["json"]))
    for title, case in cases("package_list").items():
        response = people[None].get("/package/list", **case["request"]["params"])
        # A wrong argument is the caller's mistake, whatever the recorded server said.
        assert response.status_code == (400 if case["status"] == 500 else case["status"]), title
        if case["status"] == 500:
            continue
        if response.status_code != 200:
            assert neutral(response.json) == neutral(case["body"]), title
            continue
        found, wanted = neutral(response.json), neutral(case["body"])
        assert found["meta"] == wanted["meta"], title
        assert [p["name"] for p in found["items"]] == [p["name"] for p in wanted["items"]], title


def test_calls_about_packages_that_are_wrong_are_refused_alike(people):
    for title in ("unknown", "missing_argument", "unknown_project"):
        check(people, "package_get", cases("package_get")[title], title)
    ok(
        people["alice"].post(
            "/package/add/alice/ref/p-custom/custom", dict(package_name="p-custom", script="true")
        )
    )
    ok(
        people["alice"].post(
            "/package/add/alice/ref/p-gem/rubygems", dict(package_name="p-gem", gem_name="rake")
        )
    )
    ok(
        people["alice"].put(
            "/package/reset", dict(ownername="alice", projectname="ref", package_name="p-gem")
        )
    )
    for title in ("reset_package", "unknown", "not_owner", "bad_chroot", "bad_timeout"):
        check(people, "package_build", cases("package_build")[title], title)


def test_projects_are_shown_made_and_refused_alike(people):
    for title, case in cases("project").items():
        if title != "repo_file":
            check(people, "project", case, title)
    text = people[None].client.get("/coprs/alice/ref/repo/fedora-40/")
    assert text.content_type == "text/plain; charset=utf-8"
    assert neutral(text.text) == neutral(cases("project")["repo_file"]["body"])
