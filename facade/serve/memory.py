"""Settings of the C library's allocator that keep idle processes small."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_MIB = 1 << 20


def give_memory_back() -> None:
    """Let freed large blocks return to the system; inherited by forked children.

    By default glibc keeps blocks of up to 32 MiB once one was freed, in an
    arena for each thread: a password check (19 MiB) would stay allocated in every
    web process for good.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, _MIB)
    mallopt(_M_TRIM_THRESHOLD, 2 * _MIB)
    mallopt(_M_ARENA_MAX, 2)
