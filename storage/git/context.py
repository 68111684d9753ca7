"""What every part of the git room is given: places, records, limits and the callables joined in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..limits import StorageLimits
from ..model import Entry, Listing, Package, PackageMeta, ProjectMeta
from ..records import Records
from .largefiles import BlobStore
from .layout import Layout
from .repository import Repository

_log = logging.getLogger(__name__)

UNKNOWN_VERSION = "unknown"

ReadEntry = Callable[[Entry], bytes]
"""Content of one file of a listing; empty when it is too big to be a recipe."""

ParseVersion = Callable[[Listing, ReadEntry], str | tuple[str, int]]
"""Upstream version a tree is of; with the number its Release tag starts with, if it has one."""


@dataclass(frozen=True, slots=True)
class MetaReaders:
    """Parsers of stored ``_meta`` files, for healing and reindexing; storage knows no XML."""

    project: Callable[[bytes], ProjectMeta]
    package: Callable[[bytes], PackageMeta]


def no_version(_listing: Listing, _read: ReadEntry) -> str:
    """The version when nobody can parse recipes."""
    return UNKNOWN_VERSION


@dataclass(frozen=True, slots=True)
class Context:
    """Everything shared by the operations of one storage.

    Attributes:
        clock: Present time, Unix seconds.
        large: The large file store.
        notify: Called after a commit, without any lock held.
        metas: Parsers of stored metas, None when nobody joined them in.
    """

    layout: Layout
    records: Records
    limits: StorageLimits
    clock: Callable[[], float]
    large: BlobStore
    parse_version: ParseVersion = no_version
    metas: MetaReaders | None = None
    notify: Callable[[], None] = lambda: None

    def now(self) -> int:
        """Present time in whole Unix seconds."""
        return int(self.clock())

    def repository(self, package: Package) -> Repository:
        """The repository of a package, wherever a crash in delete or undelete left it."""
        living = self.layout.repository(package.container)
        trashed = self.layout.trashed(package.container)
        first, second = (living, trashed) if package.deleted_at is None else (trashed, living)
        return Repository(second if second.is_dir() and not first.is_dir() else first)

    def awake(self) -> None:
        """Tell whoever waits for events; failing to do so only delays them."""
        try:
            self.notify()
        except Exception:
            _log.exception("notify_failed")
