import hashlib

import pytest

from tests.facade.houses import Caller, Street, status_of

P = "/source/home:anna/p"


@pytest.fixture(autouse=True)
def package(street: Street, anna: Caller) -> None:
    street.project("home:anna", by=anna)
    street.package("home:anna", "p", by=anna)


def _rev(caller: Caller, query: str = "") -> tuple[str | None, list[str]]:
    document = caller.xml(f"{P}{query}")
    return document.get("rev"), [entry.get("name") for entry in document.findall("entry")]


def test_a_put_commits_at_once(anna: Caller) -> None:
    response = anna.put(f"{P}/f?comment=one", "content")
    assert b'<revision rev="1" vrev="1">' in response.data
    assert b"<comment>one</comment>" in response.data
    assert anna.get(f"{P}/f").data == b"content"
    assert _rev(anna) == ("1", ["f"])


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
def test_content_comes_back_with_its_length(anna: Caller, size: int) -> None:
    content = hashlib.sha256(b"seed").digest() * (size // 32 + 1)
    content = content[:size]
    anna.put(f"{P}/f", content)
    response = anna.get(f"{P}/f")
    assert response.data == content
    assert response.headers["Content-Length"] == str(size)
    entry = anna.xml(P).find("entry")
    assert entry.get("md5") == hashlib.md5(content).hexdigest()
    assert entry.get("size") == str(size)


def test_a_file_is_read_by_any_revision(anna: Caller) -> None:
    for text in ("one", "two"):
        anna.put(f"{P}/f", text)
    srcmd5 = anna.xml(f"{P}?rev=1").get("srcmd5")
    assert anna.get(f"{P}/f?rev=1").data == b"one"
    assert anna.get(f"{P}/f?rev={srcmd5}").data == b"one"
    assert anna.get(f"{P}/f?rev=latest&expand=1").data == b"two"
    listing = anna.xml(f"{P}?rev={srcmd5}")
    assert (listing.get("rev"), listing.get("srcmd5"), listing.get("vrev")) == (
        srcmd5,
        srcmd5,
        None,
    )


def test_a_part_of_a_file_is_read(anna: Caller) -> None:
    anna.put(f"{P}/f", "0123456789")
    for asked, answered, body in (
        ("bytes=2-4", "bytes 2-4/10", b"234"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=0-99", "bytes 0-9/10", b"0123456789"),
    ):
        response = anna.get(f"{P}/f", headers={"Range": asked})
        assert (response.status_code, response.data) == (206, body)
        assert response.headers["Content-Range"] == answered
    response = anna.get(f"{P}/f", headers={"Range": "bytes=10-"})
    assert response.status_code == 416
    for header in ("bytes=4-2,7-8", "lines=1-2", "bytes=" + "9" * 5000 + "-"):
        response = anna.get(f"{P}/f", headers={"Range": header})
        assert (response.status_code, response.data) == (200, b"0123456789")


def test_an_unchanged_file_is_not_sent_again(anna: Caller) -> None:
    anna.put(f"{P}/f", "content")
    etag = anna.get(f"{P}/f").headers["ETag"]
    response = anna.get(f"{P}/f", headers={"If-None-Match": etag})
    assert (response.status_code, response.data) == (304, b"")


def test_a_deleted_file_is_gone_from_the_next_revision(anna: Caller) -> None:
    anna.put(f"{P}/f", "x")
    assert status_of(anna.delete(f"{P}/f?comment=bye"))[:2] == (200, "ok")
    assert _rev(anna) == ("2", [])
    assert status_of(anna.delete(f"{P}/f"))[0] == 404
    assert anna.get(f"{P}/f?rev=1").data == b"x"


def test_the_upload_area_is_shared_until_it_is_committed(
    street: Street, anna: Caller, bert: Caller
) -> None:
    anna.put(f"{P}/a", "a")
    assert b'<revision rev="upload">' in anna.put(f"{P}/b?rev=upload", "b").data
    assert _rev(bert) == ("upload", ["a", "b"])
    assert bert.xml(P).get("srcmd5") == "upload"
    assert _rev(bert, "?rev=latest") == ("1", ["a"])
    assert anna.delete(f"{P}/a?rev=upload").status_code == 200
    response = anna.post(f"{P}?cmd=commit&rev=upload&comment=both")
    assert b'<revision rev="2"' in response.data
    assert _rev(bert) == ("2", ["b"])


def test_the_upload_area_can_be_dropped(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    anna.put(f"{P}/b?rev=upload", "b")
    assert anna.post(f"{P}?cmd=deleteuploadrev").status_code == 200
    assert _rev(anna) == ("1", ["a"])
    anna.put(f"{P}/b?rev=upload", "b")
    assert anna.post(f"{P}?deleteuploadrev").status_code == 200
    assert anna.post(f"{P}?cmd=deleteuploadrev").status_code == 200
    assert _rev(anna) == ("1", ["a"])


def test_a_commit_without_an_upload_repeats_the_tree(anna: Caller) -> None:
    anna.put(f"{P}/a", "a")
    assert b'<revision rev="2"' in anna.post(f"{P}?cmd=commit").data
    assert _rev(anna) == ("2", ["a"])


@pytest.mark.parametrize(
    "name",
    ["_history", "_service:obs_scm:x", "_service_foo", ".hidden", "_attribute", "a%00b"],
)
def test_reserved_and_bad_names_are_refused(anna: Caller, name: str) -> None:
    response = anna.put(f"{P}/{name}", "<package/>")
    assert 400 <= response.status_code < 500
    assert _rev(anna)[1] == []


@pytest.mark.parametrize(
    "name", ["with%20space", "plus%2Bplus", "%C3%A4", "colon:colon", "a" * 200, "_foo", "per%25"]
)
def test_unusual_names_are_kept(anna: Caller, name: str) -> None:
    assert anna.put(f"{P}/{name}", "x").status_code == 200
    from urllib.parse import unquote

    assert _rev(anna)[1] == [unquote(name)]
    assert anna.get(f"{P}/{name}").data == b"x"


def test_a_path_that_is_not_utf8_is_refused(anna: Caller) -> None:
    assert status_of(anna.put(f"{P}/%ff%fe", "x"))[0] == 400


@pytest.mark.parametrize("rev", ["1", "0" * 32, "abc"])
def test_a_write_names_no_old_revision(anna: Caller, rev: str) -> None:
    assert status_of(anna.put(f"{P}/f?rev={rev}", "x"))[0] == 400


def test_a_missing_package_is_not_made_by_a_put(anna: Caller) -> None:
    assert status_of(anna.put("/source/home:anna/new/f", "x"))[:2] == (404, "unknown_package")
    assert status_of(anna.put("/source/Gone/p/f", "x"))[:2] == (404, "unknown_project")


def test_strangers_do_not_write(bert: Caller, anna: Caller) -> None:
    anna.put(f"{P}/f", "x")
    assert status_of(bert.put(f"{P}/f", "y"))[:2] == (403, "put_file_no_permission")
    assert status_of(bert.delete(f"{P}/f"))[:2] == (403, "delete_file_no_permission")
    assert status_of(bert.post(f"{P}?cmd=commit"))[:2] == (403, "cmd_execution_no_permission")
    assert status_of(bert.put("/source/home:anna/_config", "x"))[:2] == (
        403,
        "put_project_config_no_permission",
    )
    assert status_of(bert.delete(P))[:2] == (403, "delete_package_no_permission")
    assert anna.get(f"{P}/f").data == b"x"


def test_the_configuration_has_a_history(anna: Caller) -> None:
    for text in ("Type: spec\n", "Type: dsc\n"):
        anna.put("/source/home:anna/_config?comment=c", text)
    url = "/source/home:anna/_project/_config"
    assert anna.get(f"{url}?rev=1").data == b"Type: spec\n"
    assert anna.get("/source/home:anna/_config?rev=1").data == b"Type: spec\n"
    history = anna.xml("/source/home:anna/_project/_history")
    assert [r.get("rev") for r in history] == ["1", "2"]
    listing = anna.xml("/source/home:anna/_project")
    assert [e.get("name") for e in listing] == ["_config"]
    assert anna.put("/source/home:anna/_config", "").status_code == 200
    assert anna.get("/source/home:anna/_config").data == b""
    assert anna.put("/source/home:anna/_config", "").status_code == 200


def test_the_project_container_holds_nothing_else(anna: Caller) -> None:
    assert status_of(anna.put("/source/home:anna/_project/f", "x"))[0] == 400
    assert status_of(anna.delete("/source/home:anna/_project"))[0] == 403


def test_a_file_over_the_limit_is_refused_and_not_kept(tmp_path, street: Street) -> None:
    small = Street(tmp_path / "small", limits={"file_bytes": 1000, "document_bytes": 5000})
    small.project("Base")
    small.package("Base", "p")
    response = small.admin.put("/source/Base/p/f", b"x" * 1001)
    assert status_of(response)[:2] == (413, "too_large")
    response = small.admin.put("/source/Base/_meta", b" " * 5001)
    assert status_of(response)[:2] == (413, "too_large")
    assert small.admin.xml("/source/Base/p").find("entry") is None
    assert list((tmp_path / "small" / "data" / "tmp").glob("*")) == []
    small.close()


def test_the_files_of_a_revision_come_as_an_archive(anna: Caller) -> None:
    for name in ("a.spec", "b.txt"):
        anna.put(f"{P}/{name}", name)
    response = anna.get(f"{P}?view=cpio")
    assert response.content_type == "application/x-cpio"
    assert _members(response.data) == {"a.spec": b"a.spec", "b.txt": b"b.txt"}
    assert list(_members(anna.get(f"{P}?view=cpio&extension=spec").data)) == ["a.spec"]
    assert _rev(anna, "?extension=spec")[1] == ["a.spec"]


def _members(data: bytes) -> dict[str, bytes]:
    """The members of a newc archive."""
    found, at = {}, 0
    while True:
        assert data[at : at + 6] == b"070701"
        size = int(data[at + 54 : at + 62], 16)
        name_size = int(data[at + 94 : at + 102], 16)
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        at += 110 + name_size + -(110 + name_size) % 4
        if name == "TRAILER!!!":
            return found
        found[name] = data[at : at + size]
        at += size + -size % 4


def test_a_call_repeated_with_its_key_answers_what_the_first_made(
    anna: Caller, street: Street
) -> None:
    key = {"Idempotency-Key": "upload 17"}
    first = anna.put(f"{P}/f", "content", headers=key)
    again = anna.put(f"{P}/f", "content", headers=key)
    assert first.data == again.data
    assert _rev(anna)[0] == "1"
    assert b'rev="2"' in anna.put(f"{P}/f", "content").data
    assert anna.delete(f"{P}/f", headers={"Idempotency-Key": "gone"}).status_code == 200
    assert anna.delete(f"{P}/f", headers={"Idempotency-Key": "gone"}).status_code == 200
    assert _rev(anna)[0] == "3"


def test_a_key_of_another_account_is_another_key(
    anna: Caller, admin: Caller, street: Street
) -> None:
    key = {"Idempotency-Key": "1"}
    anna.put(f"{P}/f", "anna's", headers=key)
    admin.put(f"{P}/f", "the admin's", headers=key)
    assert anna.get(f"{P}/f").data == b"the admin's"
