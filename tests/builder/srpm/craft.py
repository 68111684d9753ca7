"""Source packages made by hand, so that each can lie in its own way."""

import bz2
import gzip
import hashlib
import lzma
import struct
import subprocess
from pathlib import Path

import zstandard

COMPRESSORS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "zstd": zstandard.ZstdCompressor().compress,
}
SPEC = b"Name: hello\n"


def lead(kind=1):
    return struct.pack(
        ">4sBBhh66shh16s", b"\xed\xab\xee\xdb", 3, 0, kind, 1, b"hello-1.0-1", 1, 5, b""
    )


def header(tags):
    """A header structure from {tag: text, list of texts or int}."""
    index, data = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, int):
            data += b"\0" * (-len(data) % 4)
            index += struct.pack(">IIII", tag, 4, len(data), 1)
            data += struct.pack(">I", value)
        elif isinstance(value, str):
            index += struct.pack(">IIII", tag, 6, len(data), 1)
            data += value.encode() + b"\0"
        else:
            index += struct.pack(">IIII", tag, 8, len(data), len(value))
            data += b"".join(text.encode() + b"\0" for text in value)
    return struct.pack(">4sIII", b"\x8e\xad\xe8\x01", 0, len(tags), len(data)) + index + data


def member(name, content=b"", mode=0o100644, links=1, size=None, magic=b"070701"):
    raw = name if isinstance(name, bytes) else name.encode()
    size = len(content) if size is None else size
    fields = [1, mode, 0, 0, links, 0, size, 0, 0, 0, 0, len(raw) + 1, 0]
    entry = magic + b"".join(b"%08x" % field for field in fields) + raw + b"\0"
    entry += b"\0" * (-len(entry) % 4)
    return entry + content + b"\0" * (-len(content) % 4)


def archive(*members):
    return b"".join(members) + member("TRAILER!!!", mode=0)


def package(payload, *, compressor="gzip", kind=1, tags=None, signature=None):
    """A whole package around a payload."""
    told = {1000: "hello", 1001: "1.0", 1002: "1", 1124: "cpio", 1125: compressor}
    told.update(tags or {})
    told = {tag: value for tag, value in told.items() if value is not None}
    first = header(signature if signature is not None else {1000: 7})
    first += b"\0" * (-len(first) % 8)
    squeeze = COMPRESSORS.get(compressor, lambda data: data)
    return lead(kind) + first + header(told) + squeeze(payload)


def with_files(files, **more):
    """A well-formed package of the given files, with their digests."""
    tags = {
        1117: list(files),
        1035: [hashlib.sha256(content).hexdigest() for content in files.values()],
        5011: 8,
    }
    tags.update(more.pop("tags", {}))
    return package(archive(*(member(n, c) for n, c in files.items())), tags=tags, **more)


SPEC_TEXT = """\
Name: {name}
Version: {version}
Release: 1
Summary: A greeting
License: MIT
Source0: greeting.txt
BuildArch: noarch
{more}
%description
Says hello.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
install -m 644 %{{SOURCE0}} %{{buildroot}}/usr/share/{name}/
%files
/usr/share/{name}
"""


def spec_text(name="hello", version="1.0", more=""):
    return SPEC_TEXT.format(name=name, version=version, more=more)


def rpmbuild_source(directory: Path, name="hello", version="1.0", more="", *defines: str) -> Path:
    """A source package made by the real rpmbuild."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.spec").write_text(spec_text(name, version, more))
    (directory / "greeting.txt").write_text(f"hello from {name} {version}\n")
    options = [f"--define=_{kind}dir {directory}" for kind in ("source", "srcrpm", "spec")]
    options += [f"--define={define}" for define in defines]
    subprocess.run(
        ["rpmbuild", "-bs", f"--define=_topdir {directory}", *options, f"{name}.spec"],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    return next(directory.glob("*.src.rpm"))
