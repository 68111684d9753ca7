"""Control files of packages that were made to hurt their reader."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest

from builder.publishers.debcontrol import read_control
from storage.errors import InvalidContent

CONTROL = b"Package: a\nVersion: 1\nArchitecture: all\n"


def tarball(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type = kind
            if kind != tarfile.REGTYPE:
                info.size, info.linkname = 0, "/etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(name, data, size=None):
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data) if size is None else size:<10}"
    return head.encode() + b"`\n" + data + b"\n" * (len(data) % 2)


def deb(tmp_path, *members):
    path = tmp_path / "a_1_all.deb"
    path.write_bytes(b"!<arch>\n" + b"".join(members))
    return path


def control(text=CONTROL, name="./control", kind=tarfile.REGTYPE):
    return tarball((name, text, kind))


FIRST = member("debian-binary", b"2.0\n")


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)],
)
def test_every_usual_compression_is_read(tmp_path, suffix, pack):
    path = deb(tmp_path, FIRST, member(f"control.tar{suffix}", pack(control())))
    assert read_control(path)["Package"] == "a"


def test_only_the_first_paragraph_counts(tmp_path):
    text = CONTROL + b"\nPackage: b\nVersion: 2\nArchitecture: all\n"
    path = deb(tmp_path, FIRST, member("control.tar", control(text)))
    assert read_control(path)["Package"] == "a"


@pytest.mark.parametrize(
    "members",
    [
        [],
        [b"x" * 30],
        [FIRST],
        [member("control.tar", b"", size="-5")],
        [member("control.tar", b"", size="many")],
        [member("control.tar", b"", size=10**9)],
        [member("control.tar.lz", b"x")],
        [member("control.tar.xz", b"not xz")],
        [member("control.tar.gz", gzip.compress(b"\0" * (65 << 20)))],
        [member("control.tar.xz", lzma.compress(b"\0" * (65 << 20)))],
        [member("control.tar", tarball(("other", b"x", tarfile.REGTYPE)))],
        [member("control.tar", control(kind=tarfile.SYMTYPE))],
        [member("control.tar", control(b"x" * (2 << 20)))],
        [member("control.tar", control(b"Version: 1\n"))],
        [member("control.tar", control(b"Package:\nVersion: 1\nArchitecture: all\n"))],
    ],
)
def test_malformed_packages_are_refused(tmp_path, members):
    with pytest.raises(InvalidContent):
        read_control(deb(tmp_path, *members))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "a.deb"
    path.write_bytes(b"hello")
    with pytest.raises(InvalidContent, match="not a Debian package"):
        read_control(path)
