"""What was made of one package once and serves every generation that offers it.

    published/.packages/<key>/<aa>/<checksum>/package.rpm   its signed copy
                                             /pieces        its metadata

``key`` is the fingerprint of the signing key, or ``plain``. Copy and pieces
live and die together: the pieces hold the checksum of exactly this copy.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import sync

logger = logging.getLogger(__name__)

_HIDDEN = ".packages"
_NEW = ".new-"
_SWEPT = ".swept"
_DAY_S = 86400.0


class PackageCache:
    """Entries by key and checksum; each appears complete, by one rename."""

    def __init__(self, root: Path) -> None:
        """Keep entries below ``root``, the directory of the published trees."""
        self._root = root / _HIDDEN
        self._top = str(self._root)

    def find(self, key: str, sha256: str) -> Path | None:
        """Directory of an entry, None if there is none."""
        path = f"{self._top}/{key}/{sha256[:2]}/{sha256}"
        return Path(path) if os.path.isdir(path) else None

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """A directory on the same file system to make entries in; removed afterwards."""
        self._root.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._root))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def add(self, entries: dict[Path, tuple[str, str]]) -> None:
        """Take finished directories over.

        Args:
            entries: Directory in a workshop -> (key, checksum). One that
                somebody else added meanwhile is dropped.
        """
        sync(path for made in entries for path in (*made.iterdir(), made))
        for made, (key, sha256) in entries.items():
            path = self._path(key, sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            # A full directory cannot be renamed over: the first one stays.
            with contextlib.suppress(OSError):
                made.rename(path)

    def drop(self, key: str, sha256: str) -> None:
        """Forget one entry."""
        shutil.rmtree(self._path(key, sha256), ignore_errors=True)

    def sweep_daily(self) -> None:
        """Sweep if nobody did since yesterday; for callers that come by often."""
        mark = self._root / _SWEPT
        try:
            if mark.stat().st_mtime > time.time() - _DAY_S:
                return
        except FileNotFoundError:
            if not self._root.is_dir():
                return
        mark.touch()
        logger.info("package_cache_swept", extra={"removed": self.sweep()})

    def sweep(self, unused_days: float = 14.0) -> int:
        """Remove entries no generation uses, and what dead processes left.

        Returns:
            How many entries were removed.
        """
        before = time.time() - unused_days * _DAY_S
        removed = 0
        if not self._root.is_dir():
            return 0
        for path in self._root.iterdir():
            if path.name == _SWEPT:
                continue
            if path.name.startswith(_NEW):
                if path.stat().st_mtime < time.time() - _DAY_S:
                    shutil.rmtree(path, ignore_errors=True)
                continue
            for entry in path.glob("??/*"):
                if _unused_since(entry) < before:
                    shutil.rmtree(entry, ignore_errors=True)
                    removed += 1
        return removed

    def _path(self, key: str, sha256: str) -> Path:
        return self._root / key / sha256[:2] / sha256


def touch(entry: Path) -> None:
    """Note that an entry was used now."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(entry)


def _unused_since(entry: Path) -> float:
    """When an entry was used last; now, while a generation links its copy."""
    try:
        copy = entry / "package.rpm"
        if copy.exists() and copy.stat().st_nlink > 1:
            return time.time()
        return entry.stat().st_mtime
    except FileNotFoundError:
        return time.time()
