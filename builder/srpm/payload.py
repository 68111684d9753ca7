"""Payloads of RPM packages: the four compressions and the cpio archive within."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard

from storage.errors import InvalidContent, TooLarge
from storage.names import FileName

_CHUNK_BYTES = 256 * 1024
_XZ_MEMORY_BYTES = 256 * 1024**2
_ZSTD_WINDOW_BYTES = 128 * 1024**2
_MAGICS = (b"070701", b"070702")
_STRIPPED_MAGIC = b"07070X"
_FIELDS = re.compile(rb"[0-9A-Fa-f]{104}")
_MAX_NAME_BYTES = 4096
_MAX_PADDING_BYTES = 64 * 1024
_TRAILER = b"TRAILER!!!"
_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may hold.

    Attributes:
        files: Number of files.
        file_bytes: Size of one file.
        total_bytes: Sum of all of them.
    """

    files: int = 20_000
    file_bytes: int = 4 * 1024**3
    total_bytes: int = 8 * 1024**3


@dataclass(slots=True)
class Member:
    """One file of an archive; ``chunks`` must be used up before the next one is asked for."""

    name: FileName
    size: int
    chunks: Iterator[bytes]


def decompressed(stream: BinaryIO, compressor: str) -> BinaryIO:
    """A reader of the plain payload, in bounded memory.

    Raises:
        InvalidContent: The compression is unknown.
    """
    if compressor == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if compressor == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(stream))
    if compressor in ("xz", "lzma"):
        return cast(BinaryIO, io.BufferedReader(_Lzma(stream)))
    if compressor == "zstd":
        reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        return cast(BinaryIO, reader.stream_reader(stream, read_across_frames=True))
    raise InvalidContent(f"RPM payload compression '{compressor[:20]}' is unknown")


def members(plain: BinaryIO, limits: ArchiveLimits) -> Iterator[Member]:
    """The files of a cpio archive, in its order.

    Only flat regular files pass. Whatever the caller leaves of a member's
    chunks is skipped.

    Raises:
        InvalidContent: A link, device, directory, bad or repeated name, or damage.
        TooLarge: Over one of the limits.
    """
    seen: set[str] = set()
    total = 0
    while (header := _next_header(plain)) is not None:
        name, size = header
        total += size
        if name in seen:
            raise InvalidContent(f"the archive holds '{name}' twice")
        seen.add(name)
        if len(seen) > limits.files:
            raise TooLarge(f"the archive holds more than {limits.files} files")
        if size > limits.file_bytes or total > limits.total_bytes:
            raise TooLarge(f"the archive is too large at '{name}'")
        chunks = _chunks(plain, size)
        yield Member(name, size, chunks)
        for _ in chunks:
            pass
        _exactly(plain, -size % 4)
    _finish(plain)


def _finish(plain: BinaryIO) -> None:
    """Reach the end, where the compressions check what they delivered."""
    left = _MAX_PADDING_BYTES
    while piece := _piece(plain, left + 1):
        left -= len(piece)
        if left < 0 or piece.strip(b"\0"):
            raise InvalidContent("the archive goes on after its end")


def _next_header(plain: BinaryIO) -> tuple[FileName, int] | None:
    raw = _exactly(plain, 110)
    if raw[:6] == _STRIPPED_MAGIC:
        raise TooLarge("the archive holds a file of more than 4 GiB")
    if raw[:6] not in _MAGICS or not _FIELDS.fullmatch(raw[6:]):
        raise InvalidContent("damaged RPM payload: not a cpio archive")
    fields = [int(raw[at : at + 8], 16) for at in range(6, 110, 8)]
    mode, links, size, name_size = fields[1], fields[4], fields[6], fields[11]
    if not 1 < name_size <= _MAX_NAME_BYTES:
        raise InvalidContent("damaged RPM payload: bad length of a file name")
    name = _exactly(plain, name_size)
    _exactly(plain, -(110 + name_size) % 4)
    if name[-1:] != b"\0" or b"\0" in name[:-1]:
        raise InvalidContent("damaged RPM payload: bad file name")
    if name[:-1] == _TRAILER:
        return None
    return _checked(name[:-1], mode, links), size


def _checked(raw: bytes, mode: int, links: int) -> FileName:
    try:
        text = raw.removeprefix(b"./").decode()
    except UnicodeDecodeError as error:
        raise InvalidContent("the archive holds a file name that is not UTF-8") from error
    name = FileName.parse(text)
    if not stat.S_ISREG(mode):
        raise InvalidContent(f"'{name}' in the archive is not a regular file")
    if links > 1:
        raise InvalidContent(f"'{name}' in the archive is a hard link")
    return name


def _chunks(plain: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        chunk = _exactly(plain, min(size, _CHUNK_BYTES))
        size -= len(chunk)
        yield chunk


def _exactly(plain: BinaryIO, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = _piece(plain, size - len(data))
        if not piece:
            raise InvalidContent("truncated RPM payload")
        data += piece
    return bytes(data)


def _piece(plain: BinaryIO, size: int) -> bytes:
    try:
        return plain.read(size)
    except _DAMAGE as error:
        raise InvalidContent(f"damaged RPM payload: {str(error)[:80]}") from error


class _Lzma(io.RawIOBase):
    """xz or lzma with a bound on the decoder's memory, which ``lzma.open`` does not offer."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._decoder.eof:
            feed = self._stream.read(65_536) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not feed:
                raise EOFError("compressed data ends too early")
            data = self._decoder.decompress(feed, max_length=len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0
