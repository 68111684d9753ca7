"""Where things lie below the data directory.

::

repos/<aa>/<bb>/<id>.git   one repository per package; the id is opaque
trash/<aa>/<bb>/<id>.git   deleted ones, at the same depth: relative
                           alternates keep working there
pools/<aa>/<bb>/<id>.git   objects shared by a family of branches
lfs/<aa>/<bb>/<sha256>     large files
tmp/                       uploads and repositories being made; same file system
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from ..errors import InvalidName
from .durable import make_directory

_ID = re.compile(r"[0-9a-f]{32}")


def new_container_id() -> str:
    """A fresh opaque repository id: 32 random hex digits."""
    return secrets.token_hex(16)


class Layout:
    """Paths below one data directory."""

    def __init__(self, data_dir: Path) -> None:
        """Remember the root; nothing is created.

        Args:
            data_dir: Root of everything the house keeps.
        """
        self.data_dir = data_dir
        self.repos = data_dir / "repos"
        self.trash = data_dir / "trash"
        self.pools = data_dir / "pools"
        self.large = data_dir / "lfs"
        self.tmp = data_dir / "tmp"

    def prepare(self) -> None:
        """Create the top directories."""
        for path in (self.repos, self.trash, self.pools, self.large, self.tmp):
            make_directory(path)

    def repository(self, container: str) -> Path:
        """Place of a live repository.

        Raises:
            InvalidName: Not an id made by ``new_container_id``.
        """
        return _fan_out(self.repos, container)

    def trashed(self, container: str) -> Path:
        """Place of a deleted repository.

        Raises:
            InvalidName: Not an id made by ``new_container_id``.
        """
        return _fan_out(self.trash, container)

    def containers(self) -> Iterator[str]:
        """Ids of all live repositories on disk, in no order that means anything."""
        return _ids_below(self.repos)

    def trashed_containers(self) -> Iterator[str]:
        """Ids of all deleted repositories on disk."""
        return _ids_below(self.trash)


def _fan_out(root: Path, container: str) -> Path:
    if not _ID.fullmatch(container):
        raise InvalidName(f"bad container id '{container[:40]}'")
    return root / container[:2] / container[2:4] / f"{container}.git"


def _ids_below(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*.git")):
        container = path.name.removesuffix(".git")
        if _ID.fullmatch(container) and path.is_dir():
            yield container
