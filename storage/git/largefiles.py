"""Large files: outside git in a content-addressed store, inside git as LFS pointers.

A pointer is what Git LFS clients know; a ``.gitattributes`` line per large file
makes a plain ``git clone`` with LFS fetch the content. Over HTTP nobody sees
either of them.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from ..errors import Damaged
from ..limits import StorageLimits
from .durable import make_directory, space_errors, sync_directory
from .staging import CHUNK_BYTES, StagedFile

POINTER_LIMIT_BYTES = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-[0-9]-\S+ \S+\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,18})\n?"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Pointer(NamedTuple):
    """What an LFS pointer says; ``size`` in bytes."""

    sha256: str
    size: int

    def text(self) -> bytes:
        """The pointer file."""
        lines = (
            "version https://git-lfs.github.com/spec/v1",
            f"oid sha256:{self.sha256}",
            f"size {self.size}",
        )
        return ("\n".join(lines) + "\n").encode()


def parse_pointer(data: bytes) -> Pointer | None:
    """Read a pointer file; None when the data is something else."""
    if len(data) > POINTER_LIMIT_BYTES:
        return None
    match = _POINTER.fullmatch(data)
    return None if match is None else Pointer(match[1].decode(), int(match[2]))


def is_large(staged: StagedFile, limits: StorageLimits) -> bool:
    """Whether a file leaves git: too big, or big and not text."""
    if staged.size > limits.large_text_bytes:
        return True
    return staged.size > limits.large_binary_bytes and not staged.is_text


class BlobStore(Protocol):
    """Keeps large files by the SHA-256 of their content.

    Content is immutable: an id, once there, always means the same bytes, and
    adding it again is harmless. No method loads a whole file into memory.
    """

    def add(self, staged: StagedFile) -> None:
        """Keep the content, durably, before returning.

        Raises:
            StorageFull: No space left; nothing was kept.
        """
        ...

    def size(self, sha256: str) -> int | None:
        """Bytes of the content, or None when it is not here."""
        ...

    def path(self, sha256: str) -> Path | None:
        """A file holding the content, if this store has such a thing."""
        ...

    def chunks(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A part of the content, in pieces.

        Args:
            sha256: Id of the content.
            start: First byte.
            length: Bytes at most; None = to the end.

        Raises:
            Damaged: The content is not here.
        """
        ...

    def ids(self) -> Iterator[str]:
        """Every id kept, in order."""
        ...

    def remove(self, sha256: str) -> None:
        """Forget the content; harmless when it is not here."""
        ...


class DiskBlobStore:
    """One file per content: ``<aa>/<bb>/<sha256>``."""

    def __init__(self, root: Path) -> None:
        """Keep files below ``root``, on the file system of the staged files."""
        self._root = root

    def add(self, staged: StagedFile) -> None:
        """Hard-link the staged file into place; nothing is copied."""
        target = self._place(staged.sha256)
        if self.size(staged.sha256) == staged.size:
            # Whoever put it there may not have come to this yet.
            sync_directory(target.parent)
            return
        make_directory(target.parent)
        temporary = target.with_name(f"tmp_{secrets.token_hex(8)}")
        with space_errors():
            _sync_file(staged.path)
            os.link(staged.path, temporary)
            try:
                os.chmod(temporary, 0o444)
                os.rename(temporary, target)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary)
            sync_directory(target.parent)

    def size(self, sha256: str) -> int | None:
        """Size of the file."""
        try:
            return self._place(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, sha256: str) -> Path | None:
        """The file itself."""
        path = self._place(sha256)
        return path if path.is_file() else None

    def chunks(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read from the file."""
        try:
            stream = self._place(sha256).open("rb")
        except FileNotFoundError:
            raise Damaged(f"large file {sha256} is missing", sha256=sha256) from None
        with stream:
            stream.seek(start)
            while length is None or length > 0:
                chunk = stream.read(CHUNK_BYTES if length is None else min(CHUNK_BYTES, length))
                if not chunk:
                    return
                length = None if length is None else length - len(chunk)
                yield chunk

    def ids(self) -> Iterator[str]:
        """Walk the directories."""
        for path in sorted(self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*")):
            if _SHA256.fullmatch(path.name):
                yield path.name

    def remove(self, sha256: str) -> None:
        """Unlink the file."""
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise Damaged(f"bad large file id '{sha256[:80]}'")
        return self._root / sha256[:2] / sha256[2:4] / sha256


class MemoryBlobStore:
    """Keeps content in memory; for tests and for tools that keep nothing."""

    def __init__(self) -> None:
        """Start empty."""
        self._contents: dict[str, bytes] = {}

    def add(self, staged: StagedFile) -> None:
        """Copy the content."""
        self._contents.setdefault(staged.sha256, b"".join(staged.chunks()))

    def size(self, sha256: str) -> int | None:
        """Length of the content."""
        content = self._contents.get(sha256)
        return None if content is None else len(content)

    def path(self, sha256: str) -> Path | None:
        """There is no file."""
        return None

    def chunks(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Slice the content."""
        if sha256 not in self._contents:
            raise Damaged(f"large file {sha256} is missing", sha256=sha256)
        content = self._contents[sha256]
        stop = len(content) if length is None else min(start + length, len(content))
        for position in range(start, stop, CHUNK_BYTES):
            yield content[position : min(position + CHUNK_BYTES, stop)]

    def ids(self) -> Iterator[str]:
        """Sorted keys."""
        return iter(sorted(self._contents))

    def remove(self, sha256: str) -> None:
        """Drop the entry."""
        self._contents.pop(sha256, None)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
