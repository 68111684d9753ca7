"""Reading objects of one repository: loose files, packs, alternates.

Opening costs nothing; directories are looked at when an object is not loose.
Every object read from a loose file is compared with its id, so altered or
truncated content is an error and never an answer.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import Damaged
from .packs import PackSet

_LOOSE_LIMIT_BYTES = 1 << 30
_CACHE_BYTES = 4 << 20
_CACHED_OBJECT_BYTES = 64 << 10
_ALTERNATES_DEPTH = 5
_OID = re.compile(r"[0-9a-f]{40}")
_HEADER = re.compile(rb"(commit|tree|blob|tag) (0|[1-9][0-9]{0,18})\0")
_HEADER_BYTES = 32


class StoredObject(NamedTuple):
    """One object: ``kind`` is ``commit``, ``tree``, ``blob`` or ``tag``."""

    kind: str
    data: bytes


def object_id(kind: str, data: bytes) -> str:
    """The id git gives to this content."""
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def is_oid(text: str) -> bool:
    """Whether the text is a full lower-case object id."""
    return _OID.fullmatch(text) is not None


class ObjectStore:
    """The objects a repository can see."""

    def __init__(self, path: Path, *, _depth: int = 0) -> None:
        """Name the directory; nothing is read yet.

        Args:
            path: An ``objects`` directory; its ``info/alternates`` counts.
        """
        self.path = path
        self.packs = PackSet(path)
        self._depth = _depth
        self._alternates: list[ObjectStore] | None = None
        self._cache: OrderedDict[str, StoredObject] = OrderedDict()
        self._cached_bytes = 0

    def loose_path(self, oid: str) -> Path:
        """Where the object lies if it is loose."""
        return self.path / oid[:2] / oid[2:]

    def find(self, oid: str) -> StoredObject | None:
        """The object, or None when the repository does not have it.

        Raises:
            Damaged: It is there, but its content is not what its id says.
        """
        if (cached := self._cache.get(oid)) is not None:
            self._cache.move_to_end(oid)
            return cached
        found = self._find(oid)
        if found is not None and len(found.data) <= _CACHED_OBJECT_BYTES and found.kind != "blob":
            self._remember(oid, found)
        return found

    def get(self, oid: str, kind: str) -> bytes:
        """Content of an object that must be there and of that kind.

        Raises:
            Damaged: It is absent, of another kind, or altered.
        """
        found = self.find(oid)
        if found is None:
            raise Damaged(f"{kind} {oid} is missing", oid=oid)
        if found.kind != kind:
            raise Damaged(f"object {oid} is a {found.kind}, not a {kind}", oid=oid)
        return found.data

    def __contains__(self, oid: str) -> bool:
        """Whether a readable object of that id exists here or in an alternate.

        An empty file counts as absent: that is what a power loss leaves behind.
        """
        if oid in self._cache or self._has_loose(oid) or oid in self.packs:
            return True
        if any(oid in store for store in self.alternates()):
            return True
        return self.packs.rescan() and oid in self.packs

    def alternates(self) -> list[ObjectStore]:
        """Stores named by ``info/alternates``."""
        if self._alternates is None:
            self._alternates = list(self._read_alternates())
        return self._alternates

    def loose_ids(self) -> Iterator[str]:
        """Ids of all loose objects of this directory itself."""
        for fan_out in sorted(self.path.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(fan_out.iterdir()):
                if is_oid(oid := fan_out.name + path.name):
                    yield oid

    def read_loose(self, oid: str) -> StoredObject | None:
        """The object as its loose file has it, or None without a usable file.

        Raises:
            Damaged: The file does not hold the object of its name.
        """
        try:
            compressed = self.loose_path(oid).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not compressed:
            return None
        return _inflated(oid, compressed)

    def _find(self, oid: str) -> StoredObject | None:
        damaged = None
        try:
            found = self.read_loose(oid)
        except Damaged as error:
            # A sound copy may still lie in a pack or an alternate.
            found, damaged = None, error
        found = found or self._find_elsewhere(oid)
        if found is None and self.packs.rescan():
            found = self._find_packed(oid)
        if found is None and damaged is not None:
            raise damaged
        return found

    def _find_elsewhere(self, oid: str) -> StoredObject | None:
        if (found := self._find_packed(oid)) is not None:
            return found
        for store in self.alternates():
            if (found := store.find(oid)) is not None:
                return found
        return None

    def _find_packed(self, oid: str) -> StoredObject | None:
        found = self.packs.find(oid)
        return None if found is None else StoredObject(*found)

    def _has_loose(self, oid: str) -> bool:
        try:
            return self.loose_path(oid).stat().st_size > 0
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _read_alternates(self) -> Iterator[ObjectStore]:
        if self._depth >= _ALTERNATES_DEPTH:
            return
        try:
            lines = (self.path / "info" / "alternates").read_text().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            if line and not line.startswith("#"):
                yield ObjectStore((self.path / line).resolve(), _depth=self._depth + 1)

    def _remember(self, oid: str, found: StoredObject) -> None:
        self._cache[oid] = found
        self._cached_bytes += len(found.data)
        while self._cached_bytes > _CACHE_BYTES:
            _, evicted = self._cache.popitem(last=False)
            self._cached_bytes -= len(evicted.data)


def _inflated(oid: str, compressed: bytes) -> StoredObject:
    inflater = zlib.decompressobj()
    try:
        start = inflater.decompress(compressed, _HEADER_BYTES)
        header = _HEADER.match(start)
        if header is None or int(header[2]) > _LOOSE_LIMIT_BYTES:
            raise Damaged(f"loose object {oid} has a bad header", oid=oid)
        size = int(header[2])
        # At least 1, because 0 would mean "no limit".
        rest = max(1, size + header.end() - len(start) + 1)
        data = start[header.end() :] + inflater.decompress(inflater.unconsumed_tail, rest)
    except zlib.error:
        raise Damaged(f"loose object {oid} cannot be read", oid=oid) from None
    kind = header[1].decode("ascii")
    if len(data) != size or object_id(kind, data) != oid:
        raise Damaged(f"loose object {oid} does not have its checksum", oid=oid)
    return StoredObject(kind, data)
