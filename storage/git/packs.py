"""Reading packs through dulwich, with a process-wide bounded set of open ones.

Opening a pack costs about ten times a read from it, and a request usually
reads from packs an earlier request used. A pack file never changes under its
name and inode, so an open one may be shared by threads;
each is read under its own lock, which also keeps eviction from closing it
under a reader.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import RawObjectID
from dulwich.pack import Pack, PackFileDisappeared

_MOST_OPEN = 64
_DELTA_CACHE_BYTES = 1 << 20
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}

Found = tuple[str, bytes]
"""Kind and content of an object."""


class _Identity(NamedTuple):
    base: str
    inode: int
    mtime_ns: int


class _OpenPack:
    """One pack; opened when first read, reopened when evicted in between."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._pack: Pack | None = None
        self.lock = threading.Lock()

    def find(self, raw: bytes) -> Found | None:
        with self.lock:
            pack = self._opened()
            try:
                number, data = pack.get_raw(RawObjectID(raw))
            except KeyError:
                return None
        return _KINDS[number], data

    def __contains__(self, raw: bytes) -> bool:
        with self.lock:
            return RawObjectID(raw) in self._opened()

    def ids(self) -> list[str]:
        with self.lock:
            return [oid.decode("ascii") for oid in self._opened()]

    def close(self) -> None:
        with self.lock:
            pack, self._pack = self._pack, None
            if pack is not None:
                pack.close()

    def _opened(self) -> Pack:
        if self._pack is None:
            self._pack = Pack(
                self._base,
                object_format=DEFAULT_OBJECT_FORMAT,
                delta_base_cache_limit=_DELTA_CACHE_BYTES,
            )
        return self._pack


class _OpenPacks:
    """Least recently used packs fall out first."""

    def __init__(self) -> None:
        self._packs: OrderedDict[_Identity, _OpenPack] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, identity: _Identity) -> _OpenPack:
        with self._lock:
            pack = self._packs.pop(identity, None) or _OpenPack(identity.base)
            self._packs[identity] = pack
            evicted = self._packs.popitem(last=False)[1] if len(self._packs) > _MOST_OPEN else None
        if evicted is not None:
            evicted.close()
        return pack

    def drop(self, identities: Iterable[_Identity]) -> None:
        with self._lock:
            packs = [self._packs.pop(identity, None) for identity in identities]
        for pack in packs:
            if pack is not None:
                pack.close()

    def close(self) -> None:
        self.drop(list(self._packs))

    def forget_parent(self) -> None:
        """Start anew in a forked child, where no thread is left to release a lock.

        dulwich has locks of its own inside a pack, so open ones are not kept.
        """
        self._lock = threading.Lock()
        for pack in self._packs.values():
            pack.lock = threading.Lock()
            pack.close()
        self._packs.clear()


_open_packs = _OpenPacks()
atexit.register(_open_packs.close)
os.register_at_fork(after_in_child=_open_packs.forget_parent)


class PackSet:
    """The packs of one objects directory, scanned when first needed."""

    def __init__(self, objects: Path) -> None:
        """Name the directory; nothing is read yet.

        Args:
            objects: An ``objects`` directory.
        """
        self._directory = objects / "pack"
        self._identities: list[_Identity] | None = None

    def find(self, oid: str) -> Found | None:
        """Kind and content of an object, or None."""
        raw = bytes.fromhex(oid)
        for identity in self._scanned():
            try:
                found = _open_packs.get(identity).find(raw)
            except (PackFileDisappeared, FileNotFoundError):
                continue
            if found is not None:
                return found
        return None

    def __contains__(self, oid: str) -> bool:
        raw = bytes.fromhex(oid)
        for identity in self._scanned():
            try:
                if raw in _open_packs.get(identity):
                    return True
            except (PackFileDisappeared, FileNotFoundError):
                continue
        return False

    def ids(self) -> set[str]:
        """Ids of every packed object."""
        return {oid for identity in self._scanned() for oid in _open_packs.get(identity).ids()}

    def rescan(self) -> bool:
        """Look at the directory again.

        Returns:
            Whether there are packs that were not there before.
        """
        before = set(self._identities or ())
        self._identities = None
        return bool(set(self._scanned()) - before)

    def close(self) -> None:
        """Close the packs of this directory; for directories about to go away."""
        identities, self._identities = self._identities or [], None
        _open_packs.drop(identities)

    def _scanned(self) -> list[_Identity]:
        if self._identities is None:
            self._identities = _scan(self._directory)
        return self._identities


def _scan(directory: Path) -> list[_Identity]:
    found = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith("pack-") and entry.name.endswith(".idx"):
                    facts = entry.stat()
                    base = entry.path.removesuffix(".idx")
                    found.append(_Identity(base, facts.st_ino, facts.st_mtime_ns))
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda identity: -identity.mtime_ns)
