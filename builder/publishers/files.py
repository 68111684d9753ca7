"""Durable files and links in a generation."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_CANNOT_LINK = frozenset({errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP})
_SYNC_THREADS = 8
_PATIENCE_S = 0.005
"""Making threads takes a millisecond or two; a quick disk is done by then."""


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``, by copy where links cannot be had."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def write_file(path: Path, content: bytes) -> None:
    """Write a new file; ``sync`` makes it durable later."""
    with path.open("xb") as file:
        file.write(content)


def sync(paths: Iterable[Path]) -> None:
    """Make files and directories durable.

    Where the disk is slow the waits happen side by side: the file system
    answers many of them with one write of its journal.
    """
    waiting = iter(paths)
    began = time.perf_counter()
    for path in waiting:
        _sync_one(path)
        if time.perf_counter() - began > _PATIENCE_S:
            break
    rest = list(waiting)
    if rest:
        with ThreadPoolExecutor(min(_SYNC_THREADS, len(rest))) as pool:
            list(pool.map(_sync_one, rest))


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
