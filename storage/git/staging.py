"""Incoming content on its way: streamed to a temporary file, hashed once, no lock held.

A staged file is flocked while its process lives, so that ``sweep`` can tell the
leftovers of dead processes from uploads that are under way.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from ..errors import TooLarge
from .durable import space_errors, write_all

CHUNK_BYTES = 1 << 18
_HEAD_BYTES = 8000
_PREFIX = "stage-"
_YOUNG_S = 60.0


class Readable(Protocol):
    """Anything bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        ...


class StagedFile:
    """Content in a temporary file, with its sums; a context manager that removes it.

    Attributes:
        path: The temporary file, on the data file system.
        size: Bytes.
        md5: Hex sum over the content; so are ``sha1`` and ``sha256``.
        head: The first 8000 bytes.
    """

    def __init__(
        self, path: Path, descriptor: int, size: int, sums: tuple[str, str, str], head: bytes
    ) -> None:
        """Keep the facts; ``descriptor`` holds the liveness lock."""
        self.path = path
        self.size = size
        self.md5, self.sha1, self.sha256 = sums
        self.head = head
        self._descriptor = descriptor
        self._owner = os.getpid()

    @property
    def is_text(self) -> bool:
        """Git's rule: no NUL byte near the start."""
        return b"\0" not in self.head

    def open(self) -> BinaryIO:
        """A fresh reader, at the start."""
        return self.path.open("rb")

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces."""
        with self.open() as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    def close(self) -> None:
        """Remove the temporary file; harmless when repeated."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        if self._owner == os.getpid():
            # A forked child only lets go of what belongs to its parent.
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
        os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def stage(stream: Readable | Iterable[bytes], directory: Path, limit_bytes: int) -> StagedFile:
    """Stream content into a temporary file.

    Args:
        stream: A reader, or an iterable of chunks.
        directory: Where temporary files go.
        limit_bytes: Most bytes accepted.

    Returns:
        The staged file; closing it removes it.

    Raises:
        TooLarge: More than ``limit_bytes`` came.
        StorageFull: No space left; nothing was kept.
    """
    path = directory / f"{_PREFIX}{secrets.token_hex(12)}"
    with space_errors():
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size, sums, head = _receive(stream, descriptor, limit_bytes)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(descriptor)
            raise
    return StagedFile(path, descriptor, size, sums, head)


def sweep(directory: Path) -> int:
    """Remove staged files whose process is dead.

    Returns:
        How many were removed.
    """
    removed = 0
    for path in directory.glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            removed += _sweep_one(path)
    return removed


def _sweep_one(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        # Between creation and flock a young file is alive although unlocked.
        if time.time() - os.fstat(descriptor).st_mtime < _YOUNG_S:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _receive(
    stream: Readable | Iterable[bytes], descriptor: int, limit_bytes: int
) -> tuple[int, tuple[str, str, str], bytes]:
    sums = (
        hashlib.md5(usedforsecurity=False),
        hashlib.sha1(usedforsecurity=False),
        hashlib.sha256(),
    )
    size, head = 0, b""
    for chunk in _chunks(stream):
        size += len(chunk)
        if size > limit_bytes:
            raise TooLarge(
                f"the content is larger than {limit_bytes} bytes", limit_bytes=limit_bytes
            )
        if len(head) < _HEAD_BYTES:
            head += bytes(chunk[: _HEAD_BYTES - len(head)])
        for checksum in sums:
            checksum.update(chunk)
        write_all(descriptor, (chunk,))
    md5, sha1, sha256 = (checksum.hexdigest() for checksum in sums)
    return size, (md5, sha1, sha256), head


def _chunks(stream: Readable | Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(stream, Iterable) and not hasattr(stream, "read"):
        yield from stream
        return
    reader: Readable = stream  # type: ignore[assignment]
    while chunk := reader.read(CHUNK_BYTES):
        yield chunk
