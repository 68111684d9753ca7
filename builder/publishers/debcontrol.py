"""The control paragraph of a Debian package, read within limits.

A .deb is an ar archive of ``debian-binary``, ``control.tar.*`` and
``data.tar.*``. It was made by a build that nobody vouches for: an archive
member may claim any size and a small compressed one may unpack to gigabytes.
"""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from debian.deb822 import Deb822

from storage.errors import InvalidContent

_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_MAX_MEMBER_BYTES = 16 << 20
_MAX_UNPACKED_BYTES = 64 << 20
_MAX_CONTROL_BYTES = 1 << 20
_REQUIRED = ("Package", "Version", "Architecture")


class _Unpacker(Protocol):
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes:
        """At most ``max_length`` bytes of what ``data`` unpacks to."""


def _gzip() -> _Unpacker:
    return zlib.decompressobj(31)


_UNPACKERS: dict[bytes, Callable[[], _Unpacker]] = {
    b".gz": _gzip,
    b".xz": lzma.LZMADecompressor,
    b".bz2": bz2.BZ2Decompressor,
}


def read_control(path: Path) -> Deb822:
    """The first paragraph of a package's control file.

    Raises:
        InvalidContent: Not a Debian package, or one beyond the limits.
    """
    try:
        with path.open("rb") as file:
            archive = _control_archive(file)
        text = _control_text(archive).decode("utf-8", errors="replace")
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError) as error:
        raise InvalidContent(f"the package cannot be read: {error}") from error
    paragraph = Deb822(text)
    if any(not paragraph.get(field, "").strip() for field in _REQUIRED):
        raise InvalidContent("the control file lacks name, version or architecture")
    return paragraph


def _control_archive(file: BinaryIO) -> bytes:
    """The control tarball, unpacked."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise InvalidContent("not a Debian package")
    while header := file.read(_HEADER_BYTES):
        if len(header) < _HEADER_BYTES or header[58:] != b"`\n":
            raise InvalidContent("the package is malformed")
        name, size = header[:16].rstrip(b" /"), int(header[48:58])
        if size < 0:
            raise InvalidContent("the package is malformed")
        if name.startswith(b"control.tar"):
            if size > _MAX_MEMBER_BYTES:
                raise InvalidContent("the package's control archive is too large")
            return _unpacked(name.removeprefix(b"control.tar"), file.read(size))
        file.seek(size + size % 2, io.SEEK_CUR)
    raise InvalidContent("the package has no control archive")


def _unpacked(suffix: bytes, data: bytes) -> bytes:
    if suffix == b"":
        return data
    if suffix == b".zst":
        return _unpack_zstd(data)
    if suffix not in _UNPACKERS:
        raise InvalidContent(f"the package is compressed by '{suffix.decode('ascii', 'replace')}'")
    unpacker = _UNPACKERS[suffix]()
    unpacked = unpacker.decompress(data, _MAX_UNPACKED_BYTES + 1)
    if len(unpacked) > _MAX_UNPACKED_BYTES:
        raise InvalidContent("the package's control archive is too large")
    return unpacked


def _unpack_zstd(data: bytes) -> bytes:
    """Zstandard by the Python of 3.14, else by the ``zstandard`` module if it is there."""
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        unpacked = zstd.ZstdDecompressor().decompress(data, _MAX_UNPACKED_BYTES + 1)
    except ImportError:
        try:
            import zstandard  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise InvalidContent("packages compressed by zstd cannot be read here") from error
        reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data))
        unpacked = reader.read(_MAX_UNPACKED_BYTES + 1)
    if len(unpacked) > _MAX_UNPACKED_BYTES:
        raise InvalidContent("the package's control archive is too large")
    return bytes(unpacked)


def _control_text(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as members:
        for member in members:
            if member.name.removeprefix("./") != "control" or not member.isreg():
                continue
            if member.size > _MAX_CONTROL_BYTES:
                raise InvalidContent("the control file is too large")
            content = members.extractfile(member)
            assert content is not None
            return content.read(_MAX_CONTROL_BYTES)
    raise InvalidContent("the package has no control file")
