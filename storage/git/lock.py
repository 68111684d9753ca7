"""One writer per repository: an flock that the kernel drops when its holder dies.

The lock is taken on the repository's ``config`` file, which nothing here ever
replaces; should somebody else replace it, or the repository be moved to the
trash while we wait, the inode comparison after locking notices. An flock
belongs to the open file, so the file is opened anew for every operation and
threads exclude each other as processes do.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import Busy, UnknownPackage

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02


@contextlib.contextmanager
def repository_lock(repository: Path, timeout_s: float) -> Iterator[None]:
    """Hold the only write lock of a repository.

    Args:
        repository: Directory of the repository.
        timeout_s: Longest wait in seconds.

    Raises:
        Busy: The lock was not had in time.
        UnknownPackage: The repository is not there (any more).
    """
    descriptor = _locked(repository / "config", time.monotonic() + timeout_s)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path, deadline: float) -> int:
    while True:
        descriptor = _opened(path)
        try:
            _wait(descriptor, deadline)
            if _same_file(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise UnknownPackage("the package's repository is gone") from None


def _wait(descriptor: int, deadline: float) -> None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy(
                    "another write to this package takes too long", hint="try again"
                ) from None
            time.sleep(pause_s * (0.5 + random.random()))
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
        else:
            return


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
