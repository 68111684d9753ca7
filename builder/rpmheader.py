"""What the header of a built RPM says, read without librpm.

The file was made by a build that nobody vouches for: every length is checked
before it is believed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from storage.errors import InvalidContent

_LEAD_BYTES = 96
_LEAD_MAGIC = b"\xed\xab\xee\xdb"
_INTRO = struct.Struct(">4s4xII")
_MAGIC = b"\x8e\xad\xe8\x01"
_INDEX = struct.Struct(">IIII")
_MAX_ENTRIES = 65_535
_MAX_DATA_BYTES = 64 << 20
_MAX_DEPENDENCIES = 65_536
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
_LETTERS = {2: "B", 3: "H", 4: "I", 5: "Q"}
_STRING, _BINARY, _STRING_ARRAY, _I18N = 6, 7, 8, 9

SIGMD5 = 1004
"""In the signature header: md5 over header and payload."""

_SENSE = {2: "<", 4: ">", 8: "=", 10: "<=", 12: ">="}
_SENSE_MASK = 14

# Differ between two builds of the same thing: release, build time and host, cookie,
# the header's own wrappers, distribution URL, name and id of the source package.
_VOLATILE = frozenset({62, 63, 100, 1002, 1006, 1007, 1044, 1094, 1123, 1146})


@dataclass(frozen=True, slots=True)
class RpmHeader:
    """Signature and main header of one package, undecoded until asked."""

    signature: dict[int, tuple[int, bytes, int]]
    tags: dict[int, tuple[int, bytes, int]]

    def text(self, tag: int) -> str:
        """The first string of a tag, empty when there is none."""
        found = self.texts(tag)
        return found[0] if found else ""

    def texts(self, tag: int) -> list[str]:
        """All strings of a tag."""
        kind, data, count = self.tags.get(tag, (0, b"", 0))
        if kind not in (_STRING, _STRING_ARRAY, _I18N):
            return []
        return [raw.decode(errors="replace") for raw in data.split(b"\0", count)[:count]]

    def numbers(self, tag: int) -> list[int]:
        """All integers of a tag."""
        kind, data, count = self.tags.get(tag, (0, b"", 0))
        letter = _LETTERS.get(kind)
        return list(struct.unpack(f">{count}{letter}", data)) if letter else []

    def dependencies(self, name: int, flags: int, version: int) -> list[str]:
        """``capability [op version]`` of a dependency's three tags, without rpm's own."""
        names, versions, senses = self.texts(name), self.texts(version), self.numbers(flags)
        if not len(names) == len(versions) == len(senses):
            return []
        if len(names) > _MAX_DEPENDENCIES:
            raise InvalidContent("the package has too many dependencies")
        found = []
        for capability, wanted, sense in zip(names, versions, senses, strict=True):
            operator = _SENSE.get(sense & _SENSE_MASK, "")
            if not capability.startswith("rpmlib("):
                found.append(f"{capability} {operator} {wanted}" if operator else capability)
        return found

    @property
    def hdrmd5(self) -> str:
        """OBS's identity of a package: the md5 in its signature header."""
        _, data, _ = self.signature.get(SIGMD5, (0, b"", 0))
        return data.hex()

    def fingerprint(self) -> str:
        """The same for two builds that differ in release, time and place of the build only."""
        release = f"-{self.text(1002)}".encode()
        digest = hashlib.sha256()
        for tag, (kind, data, count) in sorted(self.tags.items()):
            if tag not in _VOLATILE:
                digest.update(b"%d %d %d " % (tag, kind, count))
                digest.update(data.replace(release + b"\0", b"\0"))
        return digest.hexdigest()


def read_rpm(stream: BinaryIO) -> RpmHeader:
    """Read the headers at the start of a package file.

    Raises:
        InvalidContent: Not an RPM package, or a malformed one.
    """
    if _exactly(stream, _LEAD_BYTES)[:4] != _LEAD_MAGIC:
        raise InvalidContent("not an RPM package")
    signature, size = _read_section(stream)
    _exactly(stream, -size % 8)
    tags, _ = _read_section(stream)
    return RpmHeader(signature, tags)


def _read_section(stream: BinaryIO) -> tuple[dict[int, tuple[int, bytes, int]], int]:
    magic, entries, size = _INTRO.unpack(_exactly(stream, _INTRO.size))
    if magic != _MAGIC or entries > _MAX_ENTRIES or size > _MAX_DATA_BYTES:
        raise InvalidContent("damaged RPM header")
    index = _exactly(stream, entries * _INDEX.size)
    data = _exactly(stream, size)
    tags = {}
    for tag, kind, start, count in _INDEX.iter_unpack(index):
        tags[tag] = (kind, _value(data, kind, start, count), count)
    return tags, size


def _value(data: bytes, kind: int, start: int, count: int) -> bytes:
    if start > len(data) or count > len(data):
        raise InvalidContent("damaged RPM header")
    if kind in (_STRING, _STRING_ARRAY, _I18N):
        end = start
        for _ in range(1 if kind == _STRING else count):
            end = data.find(b"\0", end) + 1
            if end == 0:
                raise InvalidContent("damaged RPM header")
        return data[start:end]
    end = start + count * _WIDTHS.get(kind, 0)
    if end > len(data):
        raise InvalidContent("damaged RPM header")
    return data[start:end]


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size) if size else b""
    if len(data) != size:
        raise InvalidContent("truncated RPM package")
    return data


DEPENDENCY_TAGS: Sequence[tuple[str, int, int, int]] = (
    ("provides", 1047, 1112, 1113),
    ("requires", 1049, 1048, 1050),
    ("conflicts", 1054, 1053, 1055),
    ("obsoletes", 1090, 1114, 1115),
    ("recommends", 5046, 5048, 5047),
    ("suggests", 5049, 5051, 5050),
    ("supplements", 5052, 5054, 5053),
    ("enhances", 5055, 5057, 5056),
)
"""(name, tag of the names, of the flags, of the versions)."""
