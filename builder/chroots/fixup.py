"""A thin layer over every base root: names, hosts and what Debian's rpm needs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

BUILD_UID_BASE = 60000
"""Build slot N runs as this uid plus N: process limits count per uid on the whole machine."""
SLOTS = 64
"""Build users that exist in every root."""

_HOSTS = "127.0.0.1 localhost build\n::1 localhost build\n"
_POLICY = "#!/bin/sh\nexit 101\n"  # installed services must not be started
_LOADER = "/usr/lib64\n/lib64\n"  # where rpm's %{_libdir} points; Debian's loader does not look
_DATABASE = "%_dbpath /var/lib/rpm\n"  # Debian's rpm would look in the home directory
_USERS = (
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
)
_GROUPS = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nmail:x:8:\nnogroup:x:65534:\n"


def write_fixup(target: Path, root: Path) -> None:
    """Write the layer that lies over ``root``."""
    etc = target / "etc"
    etc.mkdir(parents=True)
    (target / "home/build").mkdir(parents=True)
    slots = range(BUILD_UID_BASE, BUILD_UID_BASE + SLOTS)
    # One name for all slots: a build must not see which one it got.
    users = "".join(f"build:x:{uid}:{uid}::/home/build:/bin/sh\n" for uid in slots)
    groups = "".join(f"build:x:{gid}:\n" for gid in slots)
    _write(etc / "passwd", _read(root / "etc/passwd", _USERS) + users)
    _write(etc / "group", _read(root / "etc/group", _GROUPS) + groups)
    _write(etc / "hosts", _HOSTS)
    _write(etc / "hostname", "build\n")
    _write(etc / "resolv.conf", "")
    _write(target / "usr/sbin/policy-rc.d", _POLICY, 0o755)
    if (root / "var/lib/dpkg/status").is_file():
        _write(etc / "ld.so.conf.d/zz-rpm.conf", _LOADER)
        _write(etc / "rpm/macros.packhouse", _DATABASE)
        (target / "usr/lib64").mkdir()
    _open_modes(target)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _open_modes(target: Path) -> None:
    for directory, _, _ in os.walk(target):
        os.chmod(directory, 0o755)  # noqa: S103 - system directories; the umask may have cut them


def _read(path: Path, default: str) -> str:
    if path.is_symlink() or not path.exists() or not stat.S_ISREG(path.stat().st_mode):
        return default
    text = path.read_text()
    return text if text.endswith("\n") else text + "\n"
