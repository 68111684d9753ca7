"""Whatever indexes pushed packs: same answers, same refusals, nothing outside the quarantine."""

import hashlib
import io
import os
import zlib

import pytest

from storage.errors import InvalidContent, TooLarge
from storage.git.child import find_git
from storage.git.packscan import PackLimits
from storage.git.quarantine import UNPACK_BELOW_OBJECTS, open_quarantine, sweep_quarantines
from storage.git.repository import Repository
from storage.git.wire import choose
from storage.git.wire_dulwich import DulwichPackIngest
from storage.git.wire_native import NativePackIngest
from tests.facade.git.handmade import BLOB, BLOB_ID, objects_pack
from tests.gitclient import Git, init
from tests.support import need

LIMITS = PackLimits(pack_bytes=10 << 20, object_bytes=2 << 20, objects=1000, total_bytes=8 << 20)


@pytest.fixture(params=["native", "dulwich"])
def ingest(request):
    if request.param == "dulwich":
        return DulwichPackIngest()
    need.program("git")
    return NativePackIngest(find_git())


@pytest.fixture
def bare(tmp_path):
    need.program("git")
    return init(tmp_path / "bare.git", "--bare")


@pytest.fixture
def tmp(tmp_path):
    directory = tmp_path / "tmp"
    directory.mkdir()
    return directory


@pytest.fixture
def work(tmp_path):
    work = init(tmp_path / "work")
    for number in range(6):
        work.commit(f"{number}", hello__spec=f"Version: {number}\n" + "text\n" * 500)
    return work


def pack_of(git, *revisions):
    wanted = "".join(f"{revision}\n" for revision in revisions).encode()
    done = git.run("pack-objects", "--stdout", "--revs", "--thin", "-q", stdin=wanted)
    assert done.returncode == 0
    return done.stdout


def take(ingest, tmp, bare, pack, limits=LIMITS):
    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, io.BytesIO(pack), limits)


def files_below(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_every_object_is_known_with_kind_and_size(ingest, tmp, bare, work):
    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, io.BytesIO(pack_of(work, "main")), LIMITS)
        ids = work("rev-list", "--objects", "--no-object-names", "main").split()
        facts = work("cat-file", "--batch-check", stdin="\n".join(ids)).splitlines()
        told = {oid: (fact.kind, fact.size) for oid, fact in quarantine.pushed}
        assert told == {line.split()[0]: (line.split()[1], int(line.split()[2])) for line in facts}
        assert len(quarantine.pushed) == len(ids)
        assert quarantine.pushed.find("1" * 40) is None
        blob = work("rev-parse", "main:hello.spec")
        assert quarantine.objects.get(blob, "blob").startswith(b"Version: 5\n")


def test_a_thin_pack_takes_its_bases_from_the_repository(ingest, tmp, bare, work):
    work("push", "--quiet", bare.directory, "main~3:refs/heads/main")
    pack = pack_of(work, "main", "^main~3")
    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, io.BytesIO(pack), LIMITS)
        told = {oid for oid, _ in quarantine.pushed}
        new = set(work("rev-list", "--objects", "--no-object-names", "main", "^main~3").split())
        assert told == new
        kinds = [fact.kind for _, fact in quarantine.pushed]
        assert sorted(kinds) == ["blob"] * 3 + ["commit"] * 3 + ["tree"] * 3


def test_nothing_reaches_the_repository_before_migration(ingest, tmp, bare, work):
    before = files_below(bare.directory)
    take(ingest, tmp, bare, pack_of(work, "main"))
    assert files_below(bare.directory) == before
    assert list(tmp.iterdir()) == []


def test_few_objects_migrate_as_loose_ones(ingest, tmp, bare, work):
    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, io.BytesIO(pack_of(work, "main")), LIMITS)
        quarantine.migrate(Repository(bare.directory).writer())
    assert list((bare.directory / "objects" / "pack").iterdir()) == []
    bare("update-ref", "refs/heads/main", work("rev-parse", "main"))
    bare("fsck", "--strict", "--full")


def test_many_objects_migrate_as_a_pack(ingest, tmp, bare, work):
    for number in range(UNPACK_BELOW_OBJECTS):
        (work.directory / f"file{number}").write_text(f"{number}\n")
    work.commit("many")
    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, io.BytesIO(pack_of(work, "main")), LIMITS)
        quarantine.migrate(Repository(bare.directory).writer())
    names = sorted(path.suffix for path in (bare.directory / "objects" / "pack").iterdir())
    assert names[0] == ".idx"
    assert ".pack" in names
    bare("update-ref", "refs/heads/main", work("rev-parse", "main"))
    bare("fsck", "--strict", "--full")


def test_the_same_pack_may_come_twice(ingest, tmp, bare, work):
    for number in range(UNPACK_BELOW_OBJECTS):
        (work.directory / f"file{number}").write_text(f"{number}\n")
    work.commit("many")
    for _ in range(2):
        with open_quarantine(tmp, bare.directory) as quarantine:
            quarantine.ingest(ingest, io.BytesIO(pack_of(work, "main")), LIMITS)
            quarantine.migrate(Repository(bare.directory).writer())
    bare("update-ref", "refs/heads/main", work("rev-parse", "main"))
    bare("fsck", "--strict", "--full")


def test_an_empty_pack_is_fine(ingest, tmp, bare):
    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, io.BytesIO(objects_pack()), LIMITS)
        assert list(quarantine.pushed) == []
        quarantine.migrate(Repository(bare.directory).writer())


def test_short_reads_do_not_matter(ingest, tmp, bare, work):
    class Dripping(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7) if size > 0 else 7)

    with open_quarantine(tmp, bare.directory) as quarantine:
        quarantine.ingest(ingest, Dripping(pack_of(work, "main")), LIMITS)
        assert len(list(quarantine.pushed)) == 18


@pytest.mark.parametrize("cut", [0, 3, 11, 12, 20, 100, -30, -20, -1])
def test_a_pack_that_ends_early_is_refused(ingest, tmp, bare, work, cut):
    with pytest.raises(InvalidContent):
        take(ingest, tmp, bare, pack_of(work, "main")[:cut])
    assert list(tmp.iterdir()) == []


@pytest.mark.parametrize("at", [0, 7, 11, 12, 30, 200, -25, -5])
def test_a_flipped_bit_is_noticed(ingest, tmp, bare, work, at):
    pack = bytearray(pack_of(work, "main"))
    pack[at] ^= 4
    with pytest.raises((InvalidContent, TooLarge)):
        take(ingest, tmp, bare, bytes(pack))
    assert list(tmp.iterdir()) == []


def test_bytes_after_the_pack_are_refused(ingest, tmp, bare):
    with pytest.raises(InvalidContent, match="bytes follow the pack"):
        take(ingest, tmp, bare, objects_pack((3, BLOB)) + b"x")


def signed(body):
    return body + hashlib.sha1(body).digest()


def entry(kind, data, extra=b""):
    head = bytearray()
    first, size = (kind << 4) | (len(data) & 15), len(data) >> 4
    while size:
        head.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    head.append(first)
    return bytes(head) + extra + zlib.compress(data)


def header(count):
    return b"PACK" + (2).to_bytes(4, "big") + count.to_bytes(4, "big")


def test_a_delta_without_its_base_is_refused(ingest, tmp, bare):
    delta = bytes([8, 8, 0x90, 8])
    pack = signed(header(1) + entry(7, delta, bytes.fromhex("1" * 40)))
    with pytest.raises(InvalidContent):
        take(ingest, tmp, bare, pack)


def test_deltas_in_a_circle_are_refused(ingest, tmp, bare):
    delta = bytes([8, 8, 0x90, 8])
    bases = [bytes.fromhex("1" * 40), bytes.fromhex("2" * 40)]
    pack = signed(header(2) + b"".join(entry(7, delta, base) for base in bases))
    with pytest.raises(InvalidContent):
        take(ingest, tmp, bare, pack)


@pytest.mark.parametrize("distance", [b"\x01", b"\x7f", b"\x81\x7f", b"\xff" * 12 + b"\x01"])
def test_a_delta_with_a_base_outside_of_the_pack_is_refused(ingest, tmp, bare, distance):
    delta = bytes([8, 8, 0x90, 8])
    pack = signed(header(2) + entry(3, BLOB) + entry(6, delta, distance))
    with pytest.raises(InvalidContent):
        take(ingest, tmp, bare, pack)


@pytest.mark.parametrize(
    "delta",
    [
        b"",
        bytes([8]),
        bytes([8, 8]),
        bytes([9, 8, 0x90, 8]),
        bytes([8, 8, 0x90, 200]),
        bytes([8, 8, 0x00]),
        b"\xff" * 30,
    ],
)
def test_a_nonsensical_delta_is_refused(ingest, tmp, bare, delta):
    pack = signed(header(2) + entry(3, BLOB) + entry(7, delta, bytes.fromhex(BLOB_ID)))
    with pytest.raises((InvalidContent, TooLarge)):
        take(ingest, tmp, bare, pack)
    assert list(tmp.iterdir()) == []


@pytest.mark.parametrize("kind", [0, 5])
def test_an_unknown_kind_of_entry_is_refused(ingest, tmp, bare, kind):
    with pytest.raises(InvalidContent):
        take(ingest, tmp, bare, signed(header(1) + entry(kind, BLOB)))


def test_an_object_that_comes_twice_is_refused(ingest, tmp, bare):
    with pytest.raises(InvalidContent):
        take(ingest, tmp, bare, objects_pack((3, BLOB), (3, b"other"), (3, BLOB)))


def test_an_entry_longer_than_it_says_is_refused(ingest, tmp, bare):
    lying = bytes([0x31]) + zlib.compress(b"\0" * 1_000_000)
    with pytest.raises(InvalidContent, match="announced size"):
        take(ingest, tmp, bare, signed(header(1) + lying))


def test_too_many_objects_are_refused_by_the_header(ingest, tmp, bare):
    with pytest.raises(TooLarge, match="more than the limit of 1000"):
        take(ingest, tmp, bare, header(4_000_000_000) + b"x" * 100)


def test_too_much_content_is_refused(ingest, tmp, bare):
    """Well-compressed objects below the limit must not add up to a full disk."""
    blobs = [(3, bytes([number]) * (1 << 20)) for number in range(9)]
    with pytest.raises(TooLarge, match="unfolds to more than"):
        take(ingest, tmp, bare, objects_pack(*blobs))


def test_too_large_a_pack_is_refused(ingest, tmp, bare):
    limits = PackLimits(pack_bytes=100_000)
    with pytest.raises(TooLarge, match="larger than 100000 bytes"):
        take(ingest, tmp, bare, objects_pack((3, os.urandom(300_000))), limits)
    assert list(tmp.iterdir()) == []


def test_work_without_end_is_given_up(ingest, tmp, bare, work):
    limits = PackLimits(time_s=0.0)
    blobs = [(3, os.urandom(20) * 10_000) for number in range(300)]
    with pytest.raises(InvalidContent, match="took too long"):
        take(ingest, tmp, bare, objects_pack(*blobs), limits)
    assert list(tmp.iterdir()) == []


def test_without_git_dulwich_does_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [part.name for part in choose()] == ["dulwich", "dulwich"]


def test_git_is_used_only_when_wanted():
    need.program("git")
    assert [part.name for part in choose()] == ["native", "native"]
    assert [part.name for part in choose(native=False)] == ["dulwich", "dulwich"]


def test_only_abandoned_quarantines_are_swept(tmp, bare):
    (tmp / "push-dead").mkdir()
    (tmp / "other").mkdir()
    with open_quarantine(tmp, bare.directory):
        assert sweep_quarantines(tmp) == 0
        assert sweep_quarantines(tmp, young_s=0) == 1
        assert len(list(tmp.iterdir())) == 2
    assert [path.name for path in tmp.iterdir()] == ["other"]
    Git(bare.directory)("fsck")
