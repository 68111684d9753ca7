"""RPM package headers, read without librpm.

Only what is needed to name a source package and to open its payload. Every
length is checked before it is believed: the file comes from a stranger.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from storage.errors import InvalidContent

_LEAD = struct.Struct(">4sBBhh66shh16s")
_LEAD_MAGIC = b"\xed\xab\xee\xdb"
_SOURCE_PACKAGE = 1
_INTRO = struct.Struct(">4s4sII")
_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_INDEX = struct.Struct(">IIII")
_MAX_ENTRIES = 65_535
_MAX_DATA_BYTES = 32 * 1024**2

_STRING, _STRING_ARRAY, _I18N = 6, 8, 9
_INTEGERS = {2: ("B", 1), 3: ("H", 2), 4: ("I", 4), 5: ("Q", 8)}

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_EXCLUDE_ARCH, _EXCLUSIVE_ARCH = 1059, 1061
_NO_SOURCE, _NO_PATCH = 1051, 1052
_BASE_NAMES, _FILE_DIGESTS, _DIGEST_ALGORITHM = 1117, 1035, 5011
_PAYLOAD_FORMAT, _PAYLOAD_COMPRESSOR = 1124, 1125

_Tags = Mapping[int, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class SourceHeader:
    """What the header of a source package says.

    Attributes:
        epoch: None when the package has none.
        compressor: ``gzip``, ``bzip2``, ``xz``, ``lzma``, ``zstd`` or what else it claims.
        digests: Hex digest of each file by name, as the header announces them.
        digest_algorithm: OpenPGP number of the digests' algorithm (1 md5, 8 sha256).
        is_complete: False when sources were left out (``nosrc``).
    """

    name: str
    epoch: int | None
    version: str
    release: str
    exclusive_arch: tuple[str, ...] = ()
    exclude_arch: tuple[str, ...] = ()
    compressor: str = "gzip"
    payload_format: str = "cpio"
    digests: Mapping[str, str] | None = None
    digest_algorithm: int = 1
    is_complete: bool = True

    @property
    def evr(self) -> str:
        """``[epoch:]version-release``."""
        epoch = f"{self.epoch}:" if self.epoch is not None else ""
        return f"{epoch}{self.version}-{self.release}"

    @property
    def filename(self) -> str:
        """The usual name of the package file."""
        return f"{self.name}-{self.version}-{self.release}.src.rpm"


def read_header(stream: BinaryIO) -> SourceHeader:
    """Read lead, signature and header; the stream then stands at the payload.

    Raises:
        InvalidContent: Not a source package, or a malformed one.
    """
    lead = _LEAD.unpack(_exactly(stream, _LEAD.size))
    if lead[0] != _LEAD_MAGIC:
        raise InvalidContent("not an RPM package")
    if lead[3] != _SOURCE_PACKAGE:
        raise InvalidContent("an RPM package, but not a source package")
    entries, size = _read_intro(stream)  # the signature header
    _skip(stream, entries * _INDEX.size + size + -size % 8)
    entries, size = _read_intro(stream)
    index = _exactly(stream, entries * _INDEX.size)
    tags = {tag: (kind, at, count) for tag, kind, at, count in _INDEX.iter_unpack(index)}
    return _source_header(tags, _exactly(stream, size))


def _read_intro(stream: BinaryIO) -> tuple[int, int]:
    magic, _, entries, size = _INTRO.unpack(_exactly(stream, _INTRO.size))
    if magic != _HEADER_MAGIC:
        raise InvalidContent("damaged RPM header: wrong magic number")
    if entries > _MAX_ENTRIES or size > _MAX_DATA_BYTES:
        raise InvalidContent("damaged RPM header: it claims to be too large")
    return entries, size


def _source_header(tags: _Tags, data: bytes) -> SourceHeader:
    name, version, release = (_text(tags, data, tag) for tag in (_NAME, _VERSION, _RELEASE))
    if not (name and version and release):
        raise InvalidContent("damaged RPM header: name, version or release is missing")
    epochs = _numbers(tags, data, _EPOCH)
    algorithms = _numbers(tags, data, _DIGEST_ALGORITHM)
    names, digests = _texts(tags, data, _BASE_NAMES), _texts(tags, data, _FILE_DIGESTS)
    return SourceHeader(
        name=name,
        epoch=epochs[0] if epochs else None,
        version=version,
        release=release,
        exclusive_arch=tuple(_texts(tags, data, _EXCLUSIVE_ARCH)),
        exclude_arch=tuple(_texts(tags, data, _EXCLUDE_ARCH)),
        compressor=_text(tags, data, _PAYLOAD_COMPRESSOR) or "gzip",
        payload_format=_text(tags, data, _PAYLOAD_FORMAT) or "cpio",
        digests=dict(zip(names, digests, strict=False)),
        digest_algorithm=algorithms[0] if algorithms else 1,
        is_complete=not (tags.get(_NO_SOURCE) or tags.get(_NO_PATCH)),
    )


def _text(tags: _Tags, data: bytes, tag: int) -> str:
    texts = _texts(tags, data, tag)
    return texts[0] if texts else ""


def _texts(tags: _Tags, data: bytes, tag: int) -> list[str]:
    if tag not in tags:
        return []
    kind, at, count = tags[tag]
    if kind not in (_STRING, _STRING_ARRAY, _I18N) or at >= len(data) or count > len(data):
        raise InvalidContent(f"damaged RPM header: tag {tag} is not text")
    found: list[str] = []
    for _ in range(1 if kind == _STRING else count):
        end = data.find(b"\0", at)
        if end < 0:
            raise InvalidContent(f"damaged RPM header: tag {tag} does not end")
        found.append(_decoded(data[at:end]))
        at = end + 1
    return found


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidContent("RPM header holds text that is not UTF-8") from error


def _numbers(tags: _Tags, data: bytes, tag: int) -> list[int]:
    if tag not in tags:
        return []
    kind, at, count = tags[tag]
    letter, width = _INTEGERS.get(kind, ("", 0))
    if not letter or count > len(data) or at + count * width > len(data):
        raise InvalidContent(f"damaged RPM header: tag {tag} is not a number")
    return list(struct.unpack_from(f">{count}{letter}", data, at))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise InvalidContent("truncated RPM package")
    return data


def _skip(stream: BinaryIO, size: int) -> None:
    while size:
        size -= len(_exactly(stream, min(size, 65_536)))
