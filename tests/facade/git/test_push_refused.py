"""Pushes that are refused: nothing of them may stay, and the client is told why."""

import hashlib
import os
import zlib

import pytest

from storage.git.pktline import FLUSH, packet
from tests.facade.git.conftest import open_door
from tests.facade.git.handmade import (
    BLOB,
    BLOB_ID,
    ZERO,
    command,
    made_commit,
    objects_pack,
    oid,
    raw_push,
    tree_of,
)


@pytest.fixture
def door(native_door):
    """What indexes packs does not matter here; tests/contracts has both."""
    return native_door


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (b"100644", b".."),
        (b"100644", b"."),
        (b"100644", b".git"),
        (b"100644", b".GIT"),
        (b"100644", b"git~1"),
        (b"100644", b"a/b"),
        (b"100644", b""),
        (b"100644", b".hidden"),
        (b"100644", b"bad\nname"),
        (b"100644", b"\xff\xfe"),
        (b"100644", b"x" * 300),
        (b"120000", b"link"),
        (b"160000", b"module"),
        (b"100600", b"odd"),
        (b"0100644", b"padded"),
        (b"40000", b"dir"),
        (b"100644", b"_meta"),
        (b"100644", b"_service:download_url:x"),
    ],
)
def test_bad_tree_entries_are_refused(door, mode, name):
    inner = tree_of((b"100644", b"x", BLOB_ID))
    target = oid("tree", inner) if mode == b"40000" else BLOB_ID
    tree = tree_of((mode, name, target))
    commit = made_commit(oid("tree", tree))
    pack = objects_pack((3, BLOB), (2, inner), (2, tree), (1, commit))
    answer = raw_push(door, command(ZERO, oid("commit", commit), "refs/heads/main") + pack)
    assert answer.status_code == 200
    assert b"unpack ok" in answer.content
    assert b"ng refs/heads/main commit" in answer.content or b"ng refs/heads/main a tree" in (
        answer.content
    )
    assert door.house.revisions() == []
    assert door.house.store().repository.refs.read("refs/heads/main") is None
    assert oid("commit", commit) not in door.house.store().repository.objects
    assert door.house.leftovers() == []


def test_the_same_bad_commit_under_two_names_is_refused_twice(door):
    tree = tree_of((b"100644", b"..", BLOB_ID))
    commit = oid("commit", made_commit(oid("tree", tree)))
    pack = objects_pack((3, BLOB), (2, tree), (1, made_commit(oid("tree", tree))))
    body = packet(f"{ZERO} {commit} refs/heads/a\0 report-status".encode())
    body += packet(f"{ZERO} {commit} refs/heads/b".encode()) + FLUSH
    answer = raw_push(door, body + pack).content
    assert answer.count(b"ng refs/heads/") == 2


def test_a_commit_without_its_tree_is_refused(door):
    commit = made_commit("1" * 40)
    pack = objects_pack((1, commit))
    answer = raw_push(door, command(ZERO, oid("commit", commit), "refs/heads/main") + pack)
    assert b"ng refs/heads/main tree 1111" in answer.content
    assert oid("commit", commit) not in door.house.store().repository.objects


def test_a_tree_without_its_file_is_refused(door):
    tree = tree_of((b"100644", b"hello.spec", BLOB_ID))
    commit = made_commit(oid("tree", tree))
    pack = objects_pack((2, tree), (1, commit))
    answer = raw_push(door, command(ZERO, oid("commit", commit), "refs/heads/main") + pack)
    assert b"ng refs/heads/main blob " in answer.content


def test_a_file_that_is_a_tree_is_refused(door):
    inner = tree_of((b"100644", b"x", BLOB_ID))
    tree = tree_of((b"100644", b"hello.spec", oid("tree", inner)))
    commit = made_commit(oid("tree", tree))
    pack = objects_pack((3, BLOB), (2, inner), (2, tree), (1, commit))
    answer = raw_push(door, command(ZERO, oid("commit", commit), "refs/heads/main") + pack)
    assert b"is a tree, not a blob" in answer.content


def test_an_object_that_only_hidden_refs_lead_to_cannot_be_built_upon(door):
    """Whoever learnt the id of an object of the store must not get it by pushing a reference."""
    repository = door.house.store().repository
    secret = repository.writer().add("blob", b"somebody else's upload\n")
    tree = tree_of((b"100644", b"mine.txt", secret))
    commit = made_commit(oid("tree", tree))
    pack = objects_pack((2, tree), (1, commit))
    answer = raw_push(door, command(ZERO, oid("commit", commit), "refs/heads/main") + pack)
    assert b"was not sent and is not in the repository" in answer.content


@pytest.mark.parametrize(
    "commit",
    [
        b"tree nonsense\n\nx",
        b"tree " + b"1" * 40 + b"\n\nno author",
        b"",
        made_commit("1" * 40).replace(b"<eve@example.org>", b"eve@example.org"),
        made_commit("1" * 40) + b"\0",
    ],
)
def test_malformed_commits_are_refused(door, commit):
    pack = objects_pack((1, commit))
    answer = raw_push(door, command(ZERO, oid("commit", commit), "refs/heads/main") + pack)
    assert b"ng refs/heads/main" in answer.content
    assert door.house.revisions() == []


def test_main_must_be_a_commit(door):
    pack = objects_pack((3, BLOB))
    answer = raw_push(door, command(ZERO, BLOB_ID, "refs/heads/main") + pack)
    assert b"ng refs/heads/main" in answer.content


def test_a_huge_object_is_refused_by_its_announced_size(tmp_path):
    blob = b"\0" * 200_000
    with open_door(tmp_path / "data", limits={"object_bytes": 100_000}) as door:
        request = command(ZERO, oid("blob", blob), "refs/tags/x") + objects_pack((3, blob))
        answer = raw_push(door, request).content
        assert b"unpack an object of 200000 bytes is over the limit of 100000 bytes" in answer
        assert b"ng refs/tags/x unpacker error" in answer
        assert door.house.leftovers() == []


def test_a_pack_over_the_limit_is_refused_and_the_client_told(tmp_path, work):
    work.commit(data__bin=os.urandom(3 << 20))
    with open_door(tmp_path / "data", limits={"pack_bytes": 2 << 20}) as door:
        said = work.fails("push", door.url("anna"), "main")
        assert "larger than 2097152 bytes" in said
        assert door.house.leftovers() == []


def test_a_delta_that_unfolds_to_gigabytes_is_refused(door):
    """A few bytes of delta may ask for any size; nobody may allocate it."""
    size = 8 << 30
    numbers = b""
    for value in (len(BLOB), size):
        while value >= 0x80:
            numbers += bytes([value & 0x7F | 0x80])
            value >>= 7
        numbers += bytes([value])
    delta = numbers + b"\x90\x08" * 10
    raw = b"PACK" + (2).to_bytes(4, "big") + (2).to_bytes(4, "big")
    raw += bytes([0x30 | len(BLOB)]) + zlib.compress(BLOB)
    raw += bytes([0x70 | 0x80 | (len(delta) & 15), len(delta) >> 4])
    raw += bytes.fromhex(BLOB_ID) + zlib.compress(delta)
    pack = raw + hashlib.sha1(raw).digest()
    answer = raw_push(door, command(ZERO, BLOB_ID, "refs/tags/x") + pack)
    assert b"unpack an object of 8589934592 bytes is over the limit" in answer.content


@pytest.mark.parametrize("cut", [0, 4, 12, 40, -21, -1])
def test_a_truncated_upload_is_reported_and_leaves_nothing(door, cut):
    tree = tree_of((b"100644", b"hello.spec", BLOB_ID))
    commit = made_commit(oid("tree", tree))
    pack = objects_pack((3, BLOB), (2, tree), (1, commit))
    head = command(ZERO, oid("commit", commit), "refs/heads/main")
    answer = raw_push(door, head + pack[:cut])
    assert answer.status_code == 200
    assert b"unpack the " in answer.content
    assert b"ng refs/heads/main unpacker error" in answer.content
    assert door.house.leftovers() == []
    assert door.house.revisions() == []


def test_a_corrupt_pack_is_reported(door):
    pack = bytearray(objects_pack((3, BLOB)))
    pack[-1] ^= 1
    answer = raw_push(door, command(ZERO, BLOB_ID, "refs/tags/x") + bytes(pack))
    assert b"unpack the pack does not have its checksum" in answer.content


def test_a_connection_test_is_answered(door):
    answer = raw_push(door, FLUSH)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "body",
    [
        b"zzzz",
        b"0004",
        b"00",
        packet(b"nonsense") + FLUSH,
        packet(f"{ZERO} {ZERO} refs/heads/x\0".encode()) + FLUSH,
        command(ZERO, BLOB_ID, "refs/heads/x", "object-format=sha256"),
        packet(f"{ZERO} {BLOB_ID} refs/heads/x\0".encode()) * 2 + FLUSH,
        packet(f"{ZERO} {BLOB_ID} ".encode() + b"refs/heads/\xff\0") + FLUSH,
    ],
)
def test_requests_that_make_no_sense_are_bad_requests(native_door, body):
    answer = raw_push(native_door, body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("ref", ["refs/heads/../x", "refs/heads/a..b", "refs/heads/x.lock", "HEAD"])
def test_impossible_ref_names_are_refused(native_door, ref):
    answer = raw_push(native_door, command(ZERO, BLOB_ID, ref) + objects_pack((3, BLOB)))
    assert f"ng {ref} ".encode() in answer.content


def test_a_pushed_pointer_needs_its_object(door, work):
    sha256 = hashlib.sha256(b"never uploaded").hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 14\n"
    work.commit(big__tar=pointer)
    for branch in ("main", "main:refs/heads/topic"):
        said = work.fails("push", door.url("anna"), branch)
        assert "was not uploaded" in said
        assert "git lfs install" in said
    assert door.house.revisions() == []


def test_a_pointer_to_another_packages_file_is_refused(door, work):
    """The checksum of a private file must not be enough to get it."""
    content = b"\0private" * 50_000
    door.house.package(door.house.home, "private")
    door.house.put("secret.bin", content, package="private")
    sha256 = hashlib.sha256(content).hexdigest()
    assert door.house.storage.large.size(sha256) is not None
    size = len(content)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    work.commit(big__tar=pointer)
    assert "was not uploaded" in work.fails("push", door.url("anna"), "main")


def test_a_projects_container_takes_its_configuration_only(native_door, work):
    url = native_door.url("anna", package="_project")
    work.commit(_config="Type: spec\n")
    assert "remote: packhouse: revision 1" in work.run("push", url, "main").stderr
    work.commit(hello__spec="Name: hello\n")
    assert "'hello.spec' is a name that cannot be pushed here" in work.fails("push", url, "main")
    assert native_door.house.names("_project") == ["_config"]
    assert "403" in work.fails("push", native_door.url("bert", package="_project"), "main")
