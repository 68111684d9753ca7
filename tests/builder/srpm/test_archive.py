"""Source packages are opened without trusting a byte of them."""

import io
import resource
import struct
import subprocess
from contextlib import contextmanager

import pytest

from builder.srpm.archive import unpacked
from builder.srpm.payload import ArchiveLimits
from storage.errors import ChecksumMismatch, InvalidContent, InvalidName, TooLarge
from tests.support import need

from . import craft


@contextmanager
def kept(chunks):
    yield b"".join(chunks)


def opened(data, **limits):
    with unpacked(io.BytesIO(data), ArchiveLimits(**limits), kept) as package:
        return package


@pytest.mark.parametrize("compressor", craft.COMPRESSORS)
def test_every_compression_of_rpm_is_read(compressor):
    files = {"hello.spec": craft.SPEC, "hello-1.0.tar.gz": b"x" * 700_001}
    package = opened(craft.with_files(files, compressor=compressor))
    assert package.files == files
    assert package.spec == "hello.spec"
    assert package.header.evr == "1.0-1"


@pytest.mark.parametrize("payload", ["w9.gzdio", "w9.bzdio", "w2.xzdio", "w3.zstdio"])
def test_packages_of_the_real_rpmbuild_are_read(tmp_path, payload):
    need.program("rpmbuild")
    made = craft.rpmbuild_source(tmp_path, "greet", "2.0", "Epoch: 3", f"_source_payload {payload}")
    package = opened(made.read_bytes())
    assert package.header.name == "greet"
    assert package.header.evr == "3:2.0-1"
    assert package.header.filename == made.name
    assert package.files["greeting.txt"] == b"hello from greet 2.0\n"
    assert set(package.files) == {"greeting.txt", "greet.spec"}


def test_architecture_rules_of_the_header_are_told(tmp_path):
    need.program("rpmbuild")
    made = craft.rpmbuild_source(tmp_path, more="ExclusiveArch: x86_64 noarch")
    assert opened(made.read_bytes()).header.exclusive_arch == ("x86_64", "noarch")


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../up", "a/b", "sub/../x", ".hidden", "", "a\nb", b"\xff\xfe", "n" * 256],
)
def test_a_name_that_is_not_flat_and_plain_is_refused(name):
    data = craft.package(craft.archive(craft.member("a.spec"), craft.member(name, b"x")))
    with pytest.raises((InvalidName, InvalidContent)):
        opened(data)


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        (0o120777, "symbolic link"),
        (0o040755, "directory"),
        (0o020666, "character device"),
        (0o060660, "block device"),
        (0o010644, "pipe"),
        (0o140755, "socket"),
        (0o000644, "nothing at all"),
    ],
)
def test_only_regular_files_pass(mode, what):
    data = craft.package(craft.archive(craft.member("link.spec", b"/etc/shadow", mode)))
    with pytest.raises(InvalidContent, match="not a regular file"):
        opened(data)


def test_a_hard_link_is_refused():
    data = craft.package(craft.archive(craft.member("a.spec", b"x", links=2)))
    with pytest.raises(InvalidContent, match="hard link"):
        opened(data)


def test_the_same_name_twice_is_refused():
    data = craft.package(craft.archive(craft.member("a.spec", b"1"), craft.member("./a.spec")))
    with pytest.raises(InvalidContent, match="twice"):
        opened(data)


def test_a_bomb_is_stopped_at_the_limit_without_filling_memory():
    body = craft.archive(craft.member("a.spec"), craft.member("big", b"\0" * (64 << 20)))
    data = craft.package(body, compressor="xz")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge):
        opened(data, file_bytes=1 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_many_files_of_little_size_are_stopped_by_their_sum():
    members = [craft.member(f"f{n}", b"x" * 100) for n in range(20)]
    with pytest.raises(TooLarge):
        opened(craft.package(craft.archive(*members)), total_bytes=1000)


def test_the_number_of_files_is_bounded():
    members = [craft.member(f"f{n}") for n in range(20)]
    with pytest.raises(TooLarge, match="more than 10 files"):
        opened(craft.package(craft.archive(*members)), files=10)


def test_data_after_the_end_is_refused():
    data = craft.package(craft.archive(craft.member("a.spec")) + b"\0" * 512 + b"more")
    with pytest.raises(InvalidContent, match="after its end"):
        opened(data)


def test_a_size_beyond_the_archive_is_truncation():
    data = craft.package(craft.archive(craft.member("a.spec", b"short", size=1 << 31)))
    with pytest.raises(InvalidContent, match="truncated"):
        opened(data)


def test_large_file_archives_are_refused_clearly():
    data = craft.package(craft.archive(craft.member("a.spec", magic=b"07070X")))
    with pytest.raises(TooLarge, match="4 GiB"):
        opened(data)


@pytest.mark.parametrize("field", [b"+0000001", b"0x000001", b"0000_001", b"        "])
def test_numbers_that_only_python_understands_are_refused(field):
    entry = bytearray(craft.member("a.spec", b"x"))
    entry[54:62] = field
    with pytest.raises(InvalidContent, match="not a cpio archive"):
        opened(craft.package(bytes(entry) + craft.member("TRAILER!!!")))


@pytest.mark.parametrize("compressor", ["gzip", "bzip2", "xz"])
def test_truncation_at_any_place_is_an_error_of_content(compressor):
    files = {"hello.spec": craft.SPEC, "data": b"0123456789" * 100}
    whole = craft.with_files(files, compressor=compressor)
    for length in range(0, len(whole), 7):
        with pytest.raises(InvalidContent):
            opened(whole[:length])


def test_damage_at_any_place_never_ends_in_another_kind_of_error():
    whole = craft.with_files({"hello.spec": craft.SPEC, "data": b"0123456789" * 10})
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        try:
            opened(bytes(broken))
        except (InvalidContent, InvalidName, ChecksumMismatch, TooLarge):
            continue


def test_a_file_that_does_not_have_its_digest_is_refused():
    data = craft.with_files({"hello.spec": craft.SPEC}, tags={1035: ["0" * 64]})
    with pytest.raises(ChecksumMismatch):
        opened(data)


def test_a_binary_package_is_not_a_source_package():
    with pytest.raises(InvalidContent, match="not a source package"):
        opened(craft.with_files({"hello.spec": craft.SPEC}, tags={1044: "hello-1.0-1.src.rpm"}))


@pytest.mark.parametrize("files", [{"a": b""}, {"a.spec": b"", "b.spec": b""}])
def test_a_source_package_holds_exactly_one_spec(files):
    with pytest.raises(InvalidContent, match="spec file"):
        opened(craft.with_files(files))


def test_a_package_without_its_sources_is_refused():
    with pytest.raises(InvalidContent, match="nosrc"):
        opened(craft.with_files({"hello.spec": craft.SPEC}, tags={1051: 0}))


@pytest.mark.parametrize(
    "tags", [{1000: None}, {1001: ""}, {1125: "rot13"}, {1124: "drpm"}, {1000: 5}]
)
def test_a_header_that_says_too_little_or_something_odd_is_refused(tags):
    with pytest.raises(InvalidContent):
        opened(craft.with_files({"hello.spec": craft.SPEC}, tags=tags))


def test_a_header_that_claims_gigabytes_is_refused_before_reading_them():
    claim = struct.pack(">4sIII", b"\x8e\xad\xe8\x01", 0, 10, 0xF0000000)
    with pytest.raises(InvalidContent, match="damaged"):
        opened(craft.lead() + claim)


def test_xz_that_wants_gigabytes_of_memory_is_refused(tmp_path):
    need.program("xz")
    plain = craft.archive(craft.member("a.spec", craft.SPEC))
    squeezed = subprocess.run(
        ["xz", "--format=xz", "--lzma2=dict=512MiB,mode=fast,mf=hc3", "-c"],
        input=plain,
        capture_output=True,
        check=True,
    ).stdout
    data = craft.package(b"", compressor="xz")
    data = data[: len(data) - len(craft.COMPRESSORS["xz"](b""))] + squeezed
    with pytest.raises(InvalidContent, match="damaged RPM payload"):
        opened(data)
