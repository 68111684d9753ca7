"""Content of one file, whether git or the large file store holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..model import Entry
from .largefiles import BlobStore
from .objects import ObjectStore
from .staging import CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class Content:
    """One file of a listing, ready to be read; reading is repeatable.

    Attributes:
        entry: What the listing says.
        path: A file holding exactly the content, for the server's sendfile; None
            for what lies in git.
    """

    entry: Entry
    path: Path | None
    _objects: ObjectStore
    _large: BlobStore

    @property
    def size(self) -> int:
        """Bytes."""
        return self.entry.size

    def chunks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A part of the content, in pieces.

        Args:
            start: First byte.
            length: Bytes at most; None = to the end.

        Raises:
            Damaged: The content is missing or altered.
        """
        if self.entry.sha256 is not None:
            yield from self._large.chunks(self.entry.sha256, start, length)
            return
        data = self._objects.get(self.entry.blob, "blob")
        stop = len(data) if length is None else min(start + length, len(data))
        for position in range(start, stop, CHUNK_BYTES):
            yield data[position : min(position + CHUNK_BYTES, stop)]

    def read(self) -> bytes:
        """All of it; for files known to be small."""
        return b"".join(self.chunks())


def open_content(entry: Entry, objects: ObjectStore, large: BlobStore) -> Content:
    """Get ready to read a file of a listing.

    Args:
        entry: The file.
        objects: The package's objects.
        large: The large file store.
    """
    path = None if entry.sha256 is None else large.path(entry.sha256)
    return Content(entry, path, objects, large)
