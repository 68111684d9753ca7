"""The machine's own tree as a base root: only its system directories show through.

The overlay's lowest layer is ``/`` itself. A mask over it hides every other
top-level entry with a whiteout and replaces ``/etc`` and ``/var`` by opaque
directories with copies of the few files tools need, so that no data, keys
or home directories of the machine are visible to a build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path

from .base import ChrootBroken
from .namespaces import Mode

_SHOWN = frozenset({"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"})
_FRESH = ("dev", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "media")
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
    """Changes when a mask made earlier no longer fits the machine."""
    digest = hashlib.sha256("\n".join(sorted(os.listdir("/"))).encode())
    for path in ("/var/lib/dpkg/status", "/etc/ld.so.cache", "/usr"):
        if os.path.exists(path):
            facts = os.stat(path)
            digest.update(f"{path} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()


def write_mask(target: Path, mode: Mode) -> None:
    """Make the mask.

    Raises:
        ChrootBroken: ``/usr`` is a file system of its own, or whiteouts are refused.
    """
    if os.stat("/usr").st_dev != os.stat("/").st_dev:
        raise ChrootBroken("/usr is a mount of its own, the machine cannot serve as base root")
    target.mkdir()
    for name in os.listdir("/"):
        if name not in _SHOWN:
            _hide(target / name)
    for name in _FRESH:
        _fresh(target / name, mode)
    _fresh(target / "tmp", mode, 0o1777)
    _fresh(target / "etc", mode)
    for name in _ETC:
        _copy(Path("/etc") / name, target / "etc" / name)
    _fresh(target / "var", mode)
    for name in ("lib", "cache", "log", "spool"):
        (target / "var" / name).mkdir()
    _fresh(target / "var/tmp", mode, 0o1777)
    _copy(Path("/var/lib/dpkg"), target / "var/lib/dpkg")


def _hide(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
    except PermissionError as error:
        raise ChrootBroken("the system allows no overlay whiteouts") from error


def _fresh(path: Path, mode: Mode, permissions: int = 0o755) -> None:
    if os.path.lexists(path):
        path.unlink()
    path.mkdir()
    path.chmod(permissions)
    name = "trusted.overlay.opaque" if mode is Mode.ROOT else "user.overlay.opaque"
    os.setxattr(path, name, b"y")


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
