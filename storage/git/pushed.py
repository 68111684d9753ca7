"""The objects a push brought: what each one is, without inflating it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import RawObjectID
from dulwich.pack import load_pack_index

from ..errors import InvalidContent
from .objects import ObjectStore
from .packscan import PackScan, kind_name

_KIND_NUMBERS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


class PushedObject(NamedTuple):
    """Kind and size in bytes of one pushed object."""

    kind: str
    size: int


class PushedObjects:
    """The entries of an indexed pack that came over the wire.

    Bases that completed a thin pack lie in the same file; they were not pushed
    and do not count.
    """

    def __init__(self, pack: Path, scan: PackScan, existing: ObjectStore) -> None:
        """Open the index beside the pack; ``close`` it.

        Args:
            pack: Path of the ``.pack`` file.
            scan: What was seen while it arrived.
            existing: The repository's own objects, where bases are looked up.
        """
        self._index = load_pack_index(pack.with_suffix(".idx"), DEFAULT_OBJECT_FORMAT)
        self._scan = scan
        self._existing = existing
        self._ids: list[bytes] = []

    def check(self) -> None:
        """Refuse a pack that holds an object twice.

        Which of the two a reader finds is left to chance, and a chain of deltas
        that ended when it was indexed may go in a circle when it is read.

        Raises:
            InvalidContent: It does.
        """
        before = b""
        found = []
        for raw, offset, _ in self._index.iterentries():
            if raw == before:
                raise InvalidContent("the pack has an object twice")
            before = raw
            if offset in self._scan:
                found.append((offset, raw))
        self._ids = [raw for _, raw in sorted(found)]

    def close(self) -> None:
        """Unmap the index."""
        self._index.close()

    def find(self, oid: str) -> PushedObject | None:
        """The pushed object of that id, or None.

        Raises:
            InvalidContent: The pack is inconsistent.
        """
        offset = self._offset(bytes.fromhex(oid))
        if offset is None or offset not in self._scan:
            return None
        return self._at(offset)

    def __iter__(self) -> Iterator[tuple[str, PushedObject]]:
        """Ids and facts of all pushed objects."""
        for raw, offset, _ in self._index.iterentries():
            if offset in self._scan:
                yield raw.hex(), self._at(offset)

    def ids(self) -> list[str]:
        """Ids of all pushed objects, in the order of the pack; ``check`` found them."""
        return [raw.hex() for raw in self._ids]

    def __len__(self) -> int:
        """How many objects the pack announced."""
        return self._scan.count

    @property
    def total_bytes(self) -> int:
        """Sum of the sizes of the finished objects."""
        return self._scan.total_bytes

    def _at(self, offset: int) -> PushedObject:
        kind = self._scan.kind(offset, self._offset, self._kind_outside)
        return PushedObject(kind_name(kind), self._scan.size(offset))

    def _offset(self, raw: bytes) -> int | None:
        try:
            return self._index.object_offset(RawObjectID(raw))
        except KeyError:
            return None

    def _kind_outside(self, raw: bytes) -> int:
        found = self._existing.find(raw.hex())
        if found is None:
            raise InvalidContent("a delta of the pack has no base")
        return _KIND_NUMBERS[found.kind]
