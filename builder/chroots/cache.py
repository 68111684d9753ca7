"""Directories made once under a key: locked, renamed into place, kept by last use."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_MAKING = ".making-"
_GONE = ".gone-"
_MARK = "entry.json"


@dataclass(slots=True)
class Lease:
    """A finished entry that stays while the lease is held."""

    path: Path
    facts: dict[str, str]
    _fd: int

    def close(self) -> None:
        """Let the entry be removed again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class DirectoryCache:
    """Entries below one directory, made under a lock and never written again.

    An entry is a directory with whatever its maker put there and a mark file
    that is written last. Processes that use an entry hold a shared lock on it;
    making and removing take the exclusive one. Locks end with their process.
    """

    def __init__(self, root: Path) -> None:
        """Use ``root``, made when something is put into it."""
        self._root = root

    def find(self, key: str) -> Lease | None:
        """The finished entry, marked as used now; None when it has to be made."""
        with contextlib.suppress(FileNotFoundError):
            return self._ready(key, self._lock(key, fcntl.LOCK_SH))
        return None

    def acquire(self, key: str, maker: Callable[[Path], dict[str, str]]) -> Lease:
        """The entry, made first if need be; waits while somebody else makes it.

        Args:
            key: File name made of safe characters.
            maker: Fills an empty directory and returns facts to keep with it.
        """
        while True:
            lease = self.find(key)
            if lease is not None:
                return lease
            fd = self._lock(key, fcntl.LOCK_EX)
            try:
                if not (self._root / key / _MARK).exists():
                    self._make(key, maker)
            finally:
                os.close(fd)

    def remove(self, key: str) -> bool:
        """Remove an entry; False when it is in use."""
        try:
            fd = self._lock(key, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            self._discard(key)
            with contextlib.suppress(FileNotFoundError):
                (self._root / f"{key}.lock").unlink()
        finally:
            os.close(fd)
        return True

    def sweep(self, limit_bytes: int | None = None) -> None:
        """Remove half-made entries nobody works on, then the least used ones over the limit."""
        for path in list(self._root.iterdir()) if self._root.is_dir() else ():
            if path.name.startswith(_GONE):
                remove_tree(path)
            elif path.name.startswith(_MAKING):
                self._remove_half(path.name.removeprefix(_MAKING))
        if limit_bytes is None:
            return
        entries = sorted(self._entries(), reverse=True)
        total = 0
        for _used_at, key, size in entries:
            total += size
            if total > limit_bytes and self.remove(key):
                _log.info("cache entry removed", extra={"key": key, "size_bytes": size})
                total -= size

    def _entries(self) -> Iterator[tuple[float, str, int]]:
        for mark in self._root.glob(f"*/{_MARK}"):
            with contextlib.suppress(OSError, ValueError):
                size = int(json.loads(mark.read_text())["size_bytes"])
                yield mark.stat().st_mtime, mark.parent.name, size

    def _remove_half(self, key: str) -> None:
        try:
            fd = self._lock(key, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            remove_tree(self._root / (_MAKING + key))
        finally:
            os.close(fd)

    def _ready(self, key: str, fd: int) -> Lease | None:
        mark = self._root / key / _MARK
        try:
            facts = json.loads(mark.read_text())
            os.utime(mark)
        except (OSError, ValueError):
            os.close(fd)
            return None
        return Lease(mark.parent, facts, fd)

    def _make(self, key: str, maker: Callable[[Path], dict[str, str]]) -> None:
        making = self._root / (_MAKING + key)
        remove_tree(making)
        self._discard(key)
        making.mkdir(mode=0o755)
        try:
            facts = maker(making)
            facts["size_bytes"] = str(_disk_usage(making))
            (making / _MARK).write_text(json.dumps(facts))
            sync_filesystem(making)
            making.rename(self._root / key)
        except BaseException:
            remove_tree(making)
            raise

    def _discard(self, key: str) -> None:
        path = self._root / key
        if path.exists():
            gone = self._root / f"{_GONE}{key}-{os.getpid()}"
            path.rename(gone)
            remove_tree(gone)

    def _lock(self, key: str, how: int) -> int:
        """Lock an entry; the lock file is sure to be the one others see."""
        path = self._root / f"{key}.lock"
        make_private(self._root)
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, how)
                if os.fstat(fd).st_ino == path.stat().st_ino:
                    return fd
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)


def make_private(path: Path) -> None:
    """Have a directory nobody else may enter: what is kept there can hold setuid files."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)


def remove_tree(path: Path) -> None:
    """Remove a directory tree, whatever the modes in it; a missing one is fine."""
    if not os.path.lexists(path):
        return
    if subprocess.run(["rm", "-rf", "--", path], capture_output=True, check=False).returncode:
        subprocess.run(["chmod", "-R", "u+rwX", "--", path], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", "--", path], capture_output=True, check=False)


def sync_filesystem(path: Path) -> None:
    """Have everything written to the file system of ``path`` on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ctypes.CDLL(None).syncfs(fd)
    finally:
        os.close(fd)


def _disk_usage(path: Path) -> int:
    result = subprocess.run(["du", "-sk", "--", path], capture_output=True, text=True, check=False)
    return int((result.stdout.split() or ["0"])[0]) * 1024
