"""Writing objects so that they are on the disk before a ref names them.

An object is written under a unique temporary name (git's own ``tmp_obj_``, so
git's housekeeping knows it), synced and renamed; ``flush`` then syncs every
directory touched since the last flush. Nothing is written that the repository
already has, packs and alternates included; an empty or damaged loose file is
replaced by a good one.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..errors import Damaged
from .durable import make_directory, space_errors, sync_directory, write_file
from .objects import ObjectStore, object_id
from .staging import StagedFile

_FAST_ABOVE_BYTES = 1 << 20


class ObjectWriter:
    """Adds objects to one repository; several may work at the same time."""

    def __init__(self, store: ObjectStore) -> None:
        """Write into the given store."""
        self._store = store
        self._touched: set[Path] = set()

    def add(self, kind: str, data: bytes) -> str:
        """Write an object.

        Returns:
            Its id.

        Raises:
            StorageFull: No space left.
        """
        oid = object_id(kind, data)
        if not self._is_sound(oid):
            self._write(oid, kind, len(data), lambda: (data,))
        return oid

    def add_file(self, staged: StagedFile) -> str:
        """Write a staged file as a blob, in pieces.

        Returns:
            Its id.

        Raises:
            StorageFull: No space left.
        """
        checksum = hashlib.sha1(f"blob {staged.size}\0".encode(), usedforsecurity=False)
        for chunk in staged.chunks():
            checksum.update(chunk)
        oid = checksum.hexdigest()
        if not self._is_sound(oid):
            self._write(oid, "blob", staged.size, staged.chunks)
        return oid

    def flush(self) -> None:
        """Make the names of everything added durable; before any ref moves."""
        touched, self._touched = self._touched, set()
        for directory in sorted(touched):
            sync_directory(directory)

    def _is_sound(self, oid: str) -> bool:
        """Whether the object needs no writing; its name will be synced all the same.

        Another writer may have put it there and not have synced the directory
        yet, or have died before it could.
        """
        path = self._store.loose_path(oid)
        try:
            if self._store.read_loose(oid) is not None:
                self._touched.update((path.parent, self._store.path))
                return True
        except Damaged:
            return False
        return not path.exists() and oid in self._store

    def _write(
        self, oid: str, kind: str, size: int, content: Callable[[], Iterable[bytes]]
    ) -> None:
        path = self._store.loose_path(oid)
        for attempt in (1, 2):
            try:
                with space_errors():
                    make_directory(path.parent)
                    compressed = _compressed(kind, size, content())
                    write_file(path, compressed, mode=0o444, prefix="tmp_obj_")
                break
            except FileNotFoundError:
                # Housekeeping removes a fan-out directory the moment it is empty.
                if attempt == 2:
                    raise
        self._touched.add(path.parent)


def _compressed(kind: str, size: int, content: Iterable[bytes]) -> Iterator[bytes]:
    level = 1 if size > _FAST_ABOVE_BYTES else zlib.Z_DEFAULT_COMPRESSION
    deflater = zlib.compressobj(level)
    yield deflater.compress(f"{kind} {size}\0".encode())
    for chunk in content:
        yield deflater.compress(chunk)
    yield deflater.flush()


def write_first_pack(objects: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Put the first few objects of a new repository into one pack.

    Three loose objects cost six inodes, a pack two; with a hundred thousand
    packages that is the difference. The caller syncs the directory.

    Args:
        objects: The ``objects`` directory; ``pack`` must exist in it.
        contents: Kind and content of each object.
    """
    numbers = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
    records = [(object_id(kind, data), numbers[kind], data) for kind, data in contents]
    pack = bytearray(b"PACK" + (2).to_bytes(4, "big") + len(records).to_bytes(4, "big"))
    index: list[tuple[bytes, int, int]] = []
    for oid, number, data in records:
        start = len(pack)
        pack += _record_header(number, len(data)) + zlib.compress(data)
        index.append((bytes.fromhex(oid), start, zlib.crc32(pack[start:])))
    checksum = hashlib.sha1(pack, usedforsecurity=False).digest()
    pack += checksum
    base = objects / "pack" / f"pack-{checksum.hex()}"
    write_file(base.with_suffix(".pack"), (bytes(pack),), mode=0o444)
    write_file(base.with_suffix(".idx"), (_index(sorted(index), checksum),), mode=0o444)


def _record_header(number: int, size: int) -> bytes:
    first, size = (number << 4) | (size & 15), size >> 4
    header = bytearray()
    while size:
        header.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    header.append(first)
    return bytes(header)


def _index(entries: list[tuple[bytes, int, int]], pack_checksum: bytes) -> bytes:
    """A version 2 pack index."""
    content = bytearray(b"\xfftOc" + (2).to_bytes(4, "big"))
    for first in range(256):
        content += sum(1 for raw, _, _ in entries if raw[0] <= first).to_bytes(4, "big")
    content += b"".join(raw for raw, _, _ in entries)
    content += b"".join(crc.to_bytes(4, "big") for _, _, crc in entries)
    content += b"".join(offset.to_bytes(4, "big") for _, offset, _ in entries)
    content += pack_checksum
    return bytes(content) + hashlib.sha1(content, usedforsecurity=False).digest()
