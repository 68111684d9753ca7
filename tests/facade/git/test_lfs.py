"""Large files through stock Git LFS clients and by hand."""

import hashlib
import json
import os

import pytest
import requests

from storage.names import LATEST
from tests.facade.git.conftest import PASSWORD, open_door
from tests.gitclient import Git
from tests.support import need

JSON = {"Content-Type": "application/vnd.git-lfs+json", "Accept": "application/vnd.git-lfs+json"}
CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def lfs_work(work, tmp_path):
    """A client repository with LFS switched on, as a user of git lfs has it."""
    need.program("git-lfs")
    work.environment["HOME"] = str(tmp_path)
    work.environment["GIT_CONFIG_GLOBAL"] = str(tmp_path / ".gitconfig")
    work("lfs", "install", "--skip-repo")
    work("lfs", "install", "--local")
    return work


def lfs(door, path, method="POST", login="anna", package="hello", data=None, **headers):
    url = f"{door.url(package=package)}/info/lfs/{path}"
    auth = None if login is None else (login, PASSWORD)
    body = json.dumps(data) if isinstance(data, dict) else data
    return requests.request(
        method, url, auth=auth, data=body, headers={**JSON, **headers}, timeout=30
    )


def batch(door, operation, *objects, **options):
    wanted = [{"oid": oid, "size": size} for oid, size in objects]
    document = {"operation": operation, "transfers": ["basic"], "objects": wanted}
    return lfs(door, "objects/batch", data=document, **options)


def upload(door, content=CONTENT, package="hello"):
    sha256 = hashlib.sha256(content).hexdigest()
    return lfs(door, f"objects/{sha256}", "PUT", data=content, package=package)


def test_a_large_file_travels_by_push_and_clone(native_door, lfs_work, clone):
    lfs_work("lfs", "track", "*.bin")
    lfs_work.commit(data__bin=CONTENT, hello__spec="Name: hello\n")
    lfs_work("push", "--quiet", native_door.url("anna"), "main")
    house = native_door.house
    entry = house.store().listing(LATEST)[1].find("data.bin")
    assert (entry.size, entry.sha256) == (len(CONTENT), SHA256)
    assert entry.md5 == hashlib.md5(CONTENT).hexdigest()
    assert house.names() == ["data.bin", "hello.spec"]

    copy = clone(native_door.url(), "plain")
    assert (copy.directory / "data.bin").read_bytes().startswith(b"version https://git-lfs")
    copy.environment.update(lfs_work.environment)
    copy("lfs", "install", "--local")
    copy("lfs", "pull")
    assert (copy.directory / "data.bin").read_bytes() == CONTENT


def test_a_file_put_over_http_is_fetched_by_lfs(native_door, lfs_work, tmp_path):
    content = b"\0" + CONTENT
    native_door.house.put("big.tar", content)
    git = Git(tmp_path, **lfs_work.environment)
    git("clone", "--quiet", native_door.url("anna"), "copy")
    assert (tmp_path / "copy" / "big.tar").read_bytes() == content


def test_a_push_without_the_content_is_refused_until_it_is_sent(native_door, lfs_work):
    lfs_work("lfs", "track", "*.bin")
    lfs_work.commit(data__bin=b"other" + CONTENT)
    said = lfs_work.fails("push", "--no-verify", native_door.url("anna"), "main")
    assert "was not uploaded" in said
    lfs_work("remote", "add", "origin", native_door.url("anna"))
    lfs_work("lfs", "push", "--all", "origin")
    lfs_work("push", "--quiet", "origin", "main")
    assert native_door.house.names() == ["data.bin"]


def test_locks_of_the_client_work(native_door, lfs_work, clone):
    lfs_work("lfs", "track", "--lockable", "*.bin")
    lfs_work.commit(data__bin=CONTENT)
    lfs_work("remote", "add", "origin", native_door.url("anna"))
    lfs_work("push", "--quiet", "origin", "main")
    assert "Locked data.bin" in lfs_work("lfs", "lock", "data.bin")
    assert "anna" in lfs_work("lfs", "locks")

    native_door.house.grant("bert")
    copy = clone(native_door.url("bert"), "bert")
    copy.environment.update(lfs_work.environment)
    copy("lfs", "install", "--local")
    assert "already" in copy.fails("lfs", "lock", "data.bin")
    copy("config", f"lfs.{native_door.url('bert')}/info/lfs.locksverify", "true")
    (copy.directory / "data.bin").chmod(0o644)
    copy.commit("against the lock", data__bin=b"by bert" + CONTENT)
    assert "Cannot update locked files" in copy.fails("push", "origin", "main")
    assert "Unlocked data.bin" in copy("lfs", "unlock", "--force", "data.bin")
    copy("push", "--quiet", "origin", "main")
    assert len(native_door.house.revisions()) == 2


def test_an_object_is_sent_and_fetched_by_hand(native_door):
    [wanted] = batch(native_door, "upload", (SHA256, len(CONTENT))).json()["objects"]
    action = wanted["actions"]["upload"]
    answer = requests.put(action["href"], data=CONTENT, headers=action["header"], timeout=30)
    assert answer.status_code == 200
    verify = wanted["actions"]["verify"]
    confirmed = requests.post(
        verify["href"],
        json={"oid": SHA256, "size": len(CONTENT)},
        headers=verify["header"],
        timeout=30,
    )
    assert confirmed.status_code == 200

    [known] = batch(native_door, "upload", (SHA256, len(CONTENT))).json()["objects"]
    assert "actions" not in known
    answer = batch(native_door, "download", (SHA256, len(CONTENT)))
    assert answer.headers["Content-Type"] == "application/vnd.git-lfs+json"
    [there] = answer.json()["objects"]
    action = there["actions"]["download"]
    got = requests.get(action["href"], headers=action["header"], timeout=30)
    assert got.content == CONTENT
    assert got.headers["Content-Length"] == str(len(CONTENT))


def test_anonymous_callers_download_but_do_not_upload(native_door):
    upload(native_door)
    [there] = batch(native_door, "download", (SHA256, len(CONTENT)), login=None).json()["objects"]
    action = there["actions"]["download"]
    assert "header" not in action
    assert requests.get(action["href"], timeout=30).content == CONTENT
    answer = batch(native_door, "upload", (SHA256, 1), login=None)
    assert answer.status_code == 401
    assert answer.headers["LFS-Authenticate"].startswith("Basic realm=")
    assert lfs(native_door, f"objects/{SHA256}", "PUT", login=None, data=b"x").status_code == 401


def test_who_may_not_write_gets_403_and_a_reason(native_door):
    answer = batch(native_door, "upload", (SHA256, 1), login="bert")
    assert answer.status_code == 403
    assert "ask a maintainer" in answer.json()["message"]
    assert lfs(native_door, f"objects/{SHA256}", "PUT", login="bert", data=b"x").status_code == 403


def test_a_range_can_be_fetched(native_door):
    upload(native_door)
    got = lfs(native_door, f"objects/{SHA256}", "GET", Range="bytes=1000-1999")
    assert (got.status_code, got.content) == (206, CONTENT[1000:2000])
    assert got.headers["Content-Range"] == f"bytes 1000-1999/{len(CONTENT)}"
    rest = lfs(native_door, f"objects/{SHA256}", "GET", Range="bytes=299990-")
    assert rest.content == CONTENT[299990:]
    beyond = lfs(native_door, f"objects/{SHA256}", "GET", Range="bytes=300000-")
    assert beyond.status_code == 416


def test_an_object_of_one_package_is_not_shown_by_another(native_door):
    """Somebody knows the checksum of a private file and has a package of their own."""
    upload(native_door)
    native_door.house.package(native_door.house.home, "other")
    there = (SHA256, len(CONTENT))
    [answer] = batch(native_door, "download", there, package="other").json()["objects"]
    assert answer["error"]["code"] == 404
    got = lfs(native_door, f"objects/{SHA256}", "GET", package="other")
    assert got.status_code == 404
    # Claiming to have it does not help either: the content must be sent.
    [wish] = batch(native_door, "upload", there, package="other").json()["objects"]
    assert "upload" in wish["actions"]
    verify = {"oid": SHA256, "size": len(CONTENT)}
    assert lfs(native_door, "verify", data=verify, package="other").status_code == 404
    upload(native_door, package="other")
    assert lfs(native_door, "verify", data=verify, package="other").status_code == 200


def test_content_with_another_checksum_is_refused(native_door):
    answer = lfs(native_door, f"objects/{SHA256}", "PUT", data=CONTENT[:-1])
    assert answer.status_code == 400
    assert "checksum" in answer.json()["message"]
    assert native_door.house.store().large_size(SHA256) is None
    assert native_door.house.leftovers() == []


def test_content_with_another_size_is_noticed(native_door):
    upload(native_door)
    [wrong] = batch(native_door, "download", (SHA256, 5)).json()["objects"]
    assert wrong["error"]["code"] == 422
    wish = {"oid": SHA256, "size": 5}
    assert lfs(native_door, "verify", data=wish).status_code == 400


def test_uploads_are_bounded(tmp_path):
    with open_door(tmp_path / "data", limits={"file_bytes": 100_000}) as door:
        [wish] = batch(door, "upload", (SHA256, len(CONTENT))).json()["objects"]
        assert wish["error"]["code"] == 422
        assert upload(door).status_code == 413
        chunked = lfs(door, f"objects/{SHA256}", "PUT", data=iter([CONTENT]))
        assert chunked.status_code == 413
        assert door.house.leftovers() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"operation": "steal"}',
        b'{"operation": "upload"}',
        b'{"operation": "upload", "objects": [{}]}',
        b'{"operation": "upload", "objects": [{"oid": "../../x", "size": 1}]}',
        b'{"operation": "upload", "objects": [{"oid": 1, "size": 1}]}',
        b'{"operation": "upload", "objects": [], "transfers": ["ssh"]}',
        b'{"operation": "upload", "objects": [], "hash_algo": "md5"}',
        b'{"operation": "upload", "objects": [{"oid": "%s", "size": -1}]}' % (b"a" * 64),
        b'{"operation": "upload", "objects": [{"oid": "%s", "size": true}]}' % (b"a" * 64),
    ],
)
def test_malformed_batches_are_refused_in_json(native_door, body):
    answer = lfs(native_door, "objects/batch", data=body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/vnd.git-lfs+json"
    assert answer.json()["message"]


@pytest.mark.parametrize("oid", ["x", "A" * 64, "a" * 63, "..%2f..%2fconfig"])
def test_ids_that_are_none_are_not_found(native_door, oid):
    assert lfs(native_door, f"objects/{oid}", "GET").status_code == 404


def test_locks_are_listed_in_pages(native_door):
    for number in range(5):
        made = lfs(native_door, "locks", data={"path": f"file{number}"})
        assert made.status_code == 201
    first = lfs(native_door, "locks?limit=2", "GET").json()
    assert [lock["path"] for lock in first["locks"]] == ["file0", "file1"]
    rest = lfs(native_door, f"locks?cursor={first['next_cursor']}", "GET").json()
    assert [lock["path"] for lock in rest["locks"]] == ["file2", "file3", "file4"]
    assert "next_cursor" not in rest
    [one] = lfs(native_door, "locks?path=file3", "GET").json()["locks"]
    assert one["owner"] == {"name": "anna"}
    assert one["locked_at"].endswith("Z")
    assert lfs(native_door, f"locks?id={one['id']}", "GET").json()["locks"] == [one]


def test_a_lock_in_the_way_is_shown(native_door):
    made = lfs(native_door, "locks", data={"path": "a"}).json()["lock"]
    again = lfs(native_door, "locks", data={"path": "a"})
    assert again.status_code == 409
    assert again.json()["lock"] == made


def test_only_the_owner_unlocks_without_force(native_door):
    native_door.house.grant("bert")
    made = lfs(native_door, "locks", data={"path": "a"}).json()["lock"]
    split = lfs(native_door, "locks/verify", login="bert", data={}).json()
    assert (split["ours"], split["theirs"]) == ([], [made])
    path = f"locks/{made['id']}/unlock"
    refused = lfs(native_door, path, login="bert", data={"force": False})
    assert refused.status_code == 403
    assert "--force" in refused.json()["message"]
    assert lfs(native_door, path, login="bert", data={"force": True}).json()["lock"] == made
    assert lfs(native_door, path, data={}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"path": ""}, {"path": 5}, {"path": "x" * 5000}])
def test_malformed_locks_are_refused(native_door, body):
    assert lfs(native_door, "locks", data=body).status_code == 400


def test_strangers_neither_lock_nor_unlock(native_door):
    made = lfs(native_door, "locks", data={"path": "a"}).json()["lock"]
    assert lfs(native_door, "locks", login="bert", data={"path": "b"}).status_code == 403
    path = f"locks/{made['id']}/unlock"
    assert lfs(native_door, path, login="bert", data={"force": True}).status_code == 403
    assert lfs(native_door, "locks/verify", login=None, data={}).status_code == 401
