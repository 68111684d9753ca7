"""Where a build result lies in a published tree (build semantics, section 6.1)."""

from __future__ import annotations

import re

from storage.errors import InvalidName
from storage.names import FileName

from .base import Kind

_RPM = re.compile(r"(.+)-[^-]+-[^-]+\.([A-Za-z0-9_]+)\.rpm")
_DEB = re.compile(r"([^_]+)_[^_]+_([a-z0-9-]+)\.[ud]?deb")
_TOP = re.compile(
    r".+\.(dsc|diff\.gz|tar(\.(gz|bz2|xz|lzma|zst))?|orig[^/]*\.tar\.[a-z0-9]+\.asc"
    r"|qcow2|vmdk|vdi|vhdx|raw(\.(gz|xz|zst))?|AppImage(\.zsync)?|flatpak)"
    r"|ChangeLog\..+"
)
_RESERVED = frozenset({"repodata", "by-hash", "debian-installer", "iso"})
_SOURCES = frozenset({"src", "nosrc"})


def place_of(filename: str) -> tuple[str, Kind] | None:
    """Path in the tree and kind of a result file; None = it is not published."""
    try:
        FileName.parse(filename)
    except InvalidName:
        return None
    if found := _RPM.fullmatch(filename):
        return _in_directory(found.group(2), filename, Kind.RPM)
    if found := _DEB.fullmatch(filename):
        return _in_directory(found.group(2), filename, Kind.DEB)
    if filename.endswith(".iso"):
        return f"iso/{filename}", Kind.FILE
    if _TOP.fullmatch(filename):
        return filename, Kind.DSC if filename.endswith(".dsc") else Kind.FILE
    return None


def owner_key(filename: str) -> str:
    """What two packages may not both publish: name and architecture of a binary.

    Files that are no packages are only the same under the same file name.
    """
    for pattern in (_RPM, _DEB):
        if found := pattern.fullmatch(filename):
            return f"{found.group(1)}.{found.group(2)}"
    return filename


def is_source(filename: str) -> bool:
    """Whether the file holds sources, which a project may keep closed."""
    found = _RPM.fullmatch(filename)
    if found:
        return found.group(2) in _SOURCES
    return bool(re.search(r"\.(dsc|diff\.gz|tar(\.[a-z0-9]+)?(\.asc)?)$", filename))


def is_debug(filename: str) -> bool:
    """Whether the file holds debug information, which allows to see sources."""
    name = owner_key(filename).rpartition(".")[0]
    return name.endswith(("-debuginfo", "-debugsource", "-dbgsym")) or filename.endswith(".ddeb")


def _in_directory(arch: str, filename: str, kind: Kind) -> tuple[str, Kind] | None:
    if arch in _RESERVED:
        return None
    return f"{arch}/{filename}", kind
