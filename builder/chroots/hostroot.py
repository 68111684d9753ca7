"""The machine's own system as a base root: ``/usr`` shown read-only in a made-up tree.

Everything else is made here: links such as ``/bin``, empty directories, and
copies of the few files in ``/etc`` and ``/var`` that tools need. No data, keys
or home directories of the machine are visible to a build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path

_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_EMPTY = ("dev", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "var/lib", "var/cache")
_ETC = (
    "alternatives",
    "debian_version",
    "dpkg",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "nsswitch.conf",
    "os-release",
    "perl",
    "python3",
    "rpm",
)


def stamp() -> str:
    """Changes when a tree made earlier no longer fits the machine."""
    digest = hashlib.sha256()
    for path in ("/var/lib/dpkg/status", "/etc/ld.so.cache", "/usr/lib"):
        if os.path.exists(path):
            digest.update(f"{path} {os.stat(path).st_mtime_ns}".encode())
    return digest.hexdigest()


def shown() -> tuple[Path, ...]:
    """Directories of the machine to be bound read-only at their own place."""
    paths = (Path("/") / name for name in _SYSTEM)
    return tuple(path for path in paths if path.is_dir() and not path.is_symlink())


def write_tree(target: Path) -> None:
    """Make the tree in which the machine's directories are shown."""
    target.mkdir()
    for name in _SYSTEM:
        path = Path("/") / name
        if path.is_symlink():
            (target / name).symlink_to(os.readlink(path))
        elif path.is_dir():
            (target / name).mkdir()
    for name in _EMPTY:
        (target / name).mkdir(parents=True)
    for name in ("tmp", "var/tmp"):
        (target / name).mkdir()
        (target / name).chmod(0o1777)
    (target / "etc").mkdir()
    for name in _ETC:
        _copy(Path("/etc") / name, target / "etc" / name)
    _copy(Path("/var/lib/dpkg"), target / "var/lib/dpkg")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, ignore=_unreadable)
    elif source.exists() or source.is_symlink():
        shutil.copy2(source, target, follow_symlinks=False)


def _unreadable(directory: str, names: list[str]) -> list[str]:
    paths = ((name, os.path.join(directory, name)) for name in names)
    return [name for name, path in paths if not os.path.islink(path) and not _plain(path)]


def _plain(path: str) -> bool:
    mode = os.stat(path).st_mode
    return (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) and os.access(path, os.R_OK)
