"""Private mount namespaces: what a killed build mounted is gone with it.

``os.unshare`` only exists from Python 3.12 on, ``mount`` not at all, so libc
is called directly.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
from pathlib import Path

from .base import ChrootBroken
from .modes import Mode

_log = logging.getLogger(__name__)

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_NOSUID = 2
_MS_NODEV = 4
_MS_NOEXEC = 8
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4

_libc = ctypes.CDLL(None, use_errno=True)
_isolated_pid = 0


def isolate(mode: Mode) -> None:
    """Give the calling process a mount namespace of its own, in which it may mount.

    Cannot be undone: call it in a process made for one build, while it has a
    single thread. Calling it again in the same process does nothing.

    Raises:
        ChrootBroken: The system does not allow it.
    """
    global _isolated_pid
    if _isolated_pid == os.getpid():
        return
    uid, gid = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNS | (_CLONE_NEWUSER if mode is Mode.ROOTLESS else 0)
    if _libc.unshare(flags) != 0:
        error = ctypes.get_errno()
        raise ChrootBroken(
            "the system allows no private mount namespace",
            hint="run as root, or allow unprivileged user namespaces",
            errno=error,
            reason=os.strerror(error),
        )
    if mode is Mode.ROOTLESS:
        # A process that changed its uid since its start could not write its own maps.
        _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE, "")
    _isolated_pid = os.getpid()


def require_isolation() -> None:
    """Refuse to mount in a namespace that others share."""
    if _isolated_pid != os.getpid():
        raise ChrootBroken("the process has not isolated itself before making a root")


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that made it ends.

    Args:
        parent_pid: Pid the parent had before the fork; a parent already gone ends
            this process at once.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(128 + signal.SIGKILL)


def mount_tmpfs(target: Path, *, size_bytes: int, inodes: int) -> None:
    """Mount an empty tmpfs of limited size."""
    options = f"size={size_bytes},nr_inodes={inodes},mode=0755"
    _mount("packhouse", str(target), "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def mount_overlay(
    target: Path, lowers: tuple[Path, ...], upper: Path, work: Path, *, mode: Mode
) -> None:
    """Stack ``upper`` over ``lowers`` (topmost first) on ``target``."""
    # Descriptors instead of paths: no character to escape, and the option page never overflows.
    opened = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in lowers]
    try:
        stack = ":".join(f"/proc/self/fd/{fd}" for fd in opened)
        options = f"lowerdir={stack},upperdir={upper},workdir={work}"
        options += ",redirect_dir=off,metacopy=off,index=off"
        if mode is Mode.ROOTLESS:
            options = f"lowerdir={stack},upperdir={upper},workdir={work},userxattr"
        _mount("packhouse", str(target), "overlay", _MS_NODEV, options)
    finally:
        for fd in opened:
            os.close(fd)


def bind_device(source: Path, target: Path) -> None:
    """Show a device node at ``target``, usable, with an inode that cannot be changed."""
    target.touch()
    _mount(str(source), str(target), None, _MS_BIND, "")
    flags = _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NOEXEC
    _mount("none", str(target), None, flags, "")


def unmount(target: Path) -> None:
    """Detach a mount; a mount that is not there is fine."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH) != 0:
        error = ctypes.get_errno()
        _log.debug("unmount failed", extra={"target": str(target), "errno": error})


def _mount(source: str, target: str, kind: str | None, flags: int, options: str) -> None:
    result = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    if result != 0:
        error = ctypes.get_errno()
        raise ChrootBroken(
            f"cannot mount {kind or 'namespace'}",
            target=target,
            errno=error,
            reason=os.strerror(error),
        )
