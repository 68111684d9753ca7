"""Bodies in all their shapes mean the same, and wrong ones are the caller's mistake."""

import io
import json

import pytest

from facade.copr.forms import from_json
from facade.copr.multipart import parts
from storage.errors import InvalidContent, TooLarge

from .conftest import error, ok

BOUNDARY = "edge"


def body(*pieces):
    return b"".join(b"--edge\r\n" + piece + b"\r\n" for piece in pieces) + b"--edge--\r\n"


def piece(name, content, filename=None):
    named = f'; filename="{filename}"' if filename else ""
    head = f'Content-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content


def read(data, step=7):
    class Dripping(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, step) if size > 0 else step)

    return [(p.name, p.filename, b"".join(p.chunks)) for p in parts(Dripping(data), BOUNDARY)]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 100_000])
def test_parts_are_read_whole_however_they_arrive(step):
    content = b"\r\n--edg\r\n-- edge\r\n" * 50
    data = body(piece("pkgs", content, "a.src.rpm"), piece("json", b"{}", "json"))
    assert read(data, step) == [("pkgs", "a.src.rpm", content), ("json", "json", b"{}")]


def test_a_part_left_unread_is_passed_over():
    data = body(piece("a", b"x" * 100_000), piece("b", b"y"))
    assert [p.name for p in parts(io.BytesIO(data), BOUNDARY)] == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no boundary at all",
        b"--edge\r\nno header end",
        body(piece("a", b"x"))[:-6],
        b"--edge\r\nX: y\r\n\r\nno disposition\r\n--edge--\r\n",
        b"--edge\r\n" + b"X" * 500_000,
        body(*(piece(f"p{n}", b"") for n in range(30))),
    ],
)
def test_a_malformed_multipart_body_is_refused(data):
    with pytest.raises(InvalidContent):
        read(data, 64 * 1024)


def test_a_part_that_is_read_into_memory_is_bounded():
    data = body(piece("json", b"x" * 1000, "json"))
    with pytest.raises(TooLarge):
        for part in parts(io.BytesIO(data), BOUNDARY):
            part.read(100)


def test_json_nulls_are_absent_and_lists_are_joined():
    values = from_json(
        b'{"a": null, "repos": ["x", "y"], "chroots": ["c", "d"], "python_versions": [3, 2]}'
    )
    assert values == {"repos": "x y", "chroots": ["c", "d"], "python_versions": ["3", "2"]}


@pytest.mark.parametrize("data", [b"[1]", b'"text"', b"{", b"\xff", b"[" * 100_000, b"12"])
def test_a_body_that_is_no_json_object_is_refused(alice, data):
    alice.project()
    path = "/package/add/alice/demo/x/rubygems"
    response = alice.call("POST", path, data=data, content_type="application/json")
    assert error(response)[0] == 400


def test_json_form_and_query_spellings_of_a_call_do_the_same(alice):
    alice.project()
    fields = {"package_name": "f1", "gem_name": "rake", "webhook_rebuild": "true"}
    path = "/package/add/alice/demo/f1/rubygems/"
    shown = ok(alice.call("POST", path, data=fields, query_string={"gem_name": "other"}))
    assert shown["source_dict"] == {"gem_name": "rake"}
    assert shown["auto_rebuild"] is True


@pytest.mark.parametrize(
    ("text", "value"), [("False", False), ("0", False), ("", False), ("yes", True)]
)
def test_truth_values_come_as_text_too(alice, text, value):
    alice.project()
    fields = {"package_name": "f1", "gem_name": "rake", "webhook_rebuild": text}
    shown = ok(alice.call("POST", "/package/add/alice/demo/f1/rubygems", data=fields))
    assert shown["auto_rebuild"] is value


def test_a_document_over_the_limit_is_refused_before_it_is_parsed(alice, street):
    alice.project()
    limit = street.settings.limits.document_bytes
    data = json.dumps({"package_name": "x", "gem_name": "y" * limit})
    response = alice.call(
        "POST", "/package/add/alice/demo/x/rubygems", data=data, content_type="application/json"
    )
    assert response.status_code == 413
    assert "error" in response.json


def test_a_call_that_takes_json_says_so(alice):
    status, text = error(alice.post("/package/build"))
    assert status == 415
    assert "Content-Type" in text


def test_files_are_not_taken_where_none_are_wanted(alice):
    alice.project()
    response = alice.upload("/package/reset", {}, surprise=("x", b"y"))
    assert error(response)[0] == 400


def test_an_upload_leaves_no_temporary_file_behind(alice, street):
    alice.project()
    fields = {"ownername": "alice", "projectname": "nope"}
    assert alice.upload("/build/create/upload", fields, pkgs=("a.src.rpm", b"x")).status_code == 404
    fields["projectname"] = "demo"
    ok(alice.upload("/build/create/upload", fields, pkgs=("a.src.rpm", b"x" * 200_000)))
    assert not list(street.house.storage.tmp.glob("stage-*"))
