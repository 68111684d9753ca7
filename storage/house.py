"""Storage: the one object the other rooms hold to reach projects, packages and their sources."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .errors import Busy, Damaged
from .git import fsck, metas, reindex, staging, sweeping, trash
from .git.context import Context, MetaReaders, ParseVersion, no_version
from .git.healing import has_gap
from .git.largefiles import BlobStore, DiskBlobStore
from .git.layout import Layout
from .git.staging import Readable, StagedFile
from .git.store import PackageStore
from .git.transaction import Transaction
from .limits import StorageLimits
from .model import Author, CommitResult, JsonObject, Package, PackageMeta, Project, ProjectMeta
from .records import Records

__all__ = ["PackageStore", "StagedFile", "Storage", "StorageLimits"]

_log = logging.getLogger(__name__)


class Storage:
    """Everything kept below one data directory; safe to share between threads and forks.

    Attributes:
        records: The database.
    """

    def __init__(
        self,
        data_dir: Path,
        records: Records,
        limits: StorageLimits | None = None,
        clock: Callable[[], float] = time.time,
        *,
        parse_version: ParseVersion = no_version,
        metas: MetaReaders | None = None,
        notify: Callable[[], None] = lambda: None,
        large: BlobStore | None = None,
    ) -> None:
        """Open a data directory, creating its folders.

        Args:
            data_dir: Root of everything kept.
            records: The database.
            limits: What is accepted and how long is waited.
            clock: Present time, Unix seconds.
            parse_version: Tells the upstream version of a tree.
            metas: Parsers of stored metas, for healing after a crash.
            notify: Called after every commit, without locks held.
            large: The large file store; by default ``lfs`` in the data directory.
        """
        layout = Layout(data_dir)
        layout.prepare()
        self.records = records
        self._context = Context(
            layout=layout,
            records=records,
            limits=limits or StorageLimits(),
            clock=clock,
            large=large or DiskBlobStore(layout.large),
            parse_version=parse_version,
            metas=metas,
            notify=notify,
        )

    @property
    def large(self) -> BlobStore:
        """The large file store."""
        return self._context.large

    @property
    def limits(self) -> StorageLimits:
        """What is accepted and how long is waited."""
        return self._context.limits

    @property
    def tmp(self) -> Path:
        """Directory for temporary files on the data file system."""
        return self._context.layout.tmp

    def put_project_meta(
        self,
        raw: bytes,
        meta: ProjectMeta,
        author: Author,
        comment: str = "",
        copr: JsonObject | None = None,
    ) -> Project:
        """Store a project's meta, creating the project when it is new.

        Args:
            raw: The document exactly as it is to be kept.
            meta: Its parsed form.
            author: Who it is by.
            comment: Commit message.
            copr: Copr settings to replace; None leaves them.
        """
        return metas.put_project_meta(self._context, raw, meta, author, comment, copr)

    def put_package_meta(
        self,
        raw: bytes,
        meta: PackageMeta,
        author: Author,
        comment: str = "",
        copr: JsonObject | None = None,
    ) -> Package:
        """Store a package's meta, creating the package when it is new.

        Args:
            raw: The document exactly as it is to be kept.
            meta: Its parsed form.
            author: Who it is by.
            comment: Commit message.
            copr: Copr settings to replace; None leaves them.

        Raises:
            UnknownProject: There is no such project.
        """
        return metas.put_package_meta(self._context, raw, meta, author, comment, copr)

    def delete_project(self, name: str, author: Author, comment: str = "") -> None:
        """Delete a project with everything in it; it can be brought back.

        Raises:
            UnknownProject: There is no such project.
        """
        trash.delete_project(self._context, name, author, comment)

    def undelete_project(self, name: str, author: Author, comment: str = "") -> Project:
        """Bring back a project and the packages it had, each with a fresh revision.

        Raises:
            UnknownProject: It exists, or was never deleted.
        """
        return trash.undelete_project(self._context, name, author, comment)

    def delete_package(
        self, project: str, package: str, author: Author, comment: str = ""
    ) -> CommitResult | None:
        """Delete a package; its history survives.

        Raises:
            UnknownPackage: There is no such package.
            NotAllowed: It is ``_project``.
        """
        return trash.delete_package(self._context, self._row(project, package), author, comment)

    def undelete_package(
        self, project: str, package: str, author: Author, comment: str = ""
    ) -> Package:
        """Bring back the newest deleted package of that name, with a fresh revision.

        Raises:
            AlreadyExists: The name is in use (code ``package_exists``).
            NotAllowed: It was not deleted.
        """
        return trash.undelete_package(self._context, project, package, author, comment)

    def package(self, project: str, package: str) -> PackageStore:
        """A living package.

        A gap that a crash left between git and index is closed first.

        Raises:
            UnknownProject: There is no such project.
            UnknownPackage: There is no such package in it.
        """
        return self.open(self._row(project, package))

    def open(self, row: Package) -> PackageStore:
        """``package`` for a row that was just looked up."""
        store = PackageStore(self._context, row)
        self._heal(row, store)
        return store

    def package_by_id(self, package_id: int) -> PackageStore:
        """A package by the number of its row, living or deleted; for the builder.

        Raises:
            UnknownPackage: No such number.
        """
        with self.records.read() as unit:
            row = unit.packages.by_id(package_id)
        return PackageStore(self._context, row)

    def deleted_package(self, project: str, package: str) -> PackageStore:
        """A view of the newest deleted package of that name; writing to it is refused.

        Raises:
            UnknownPackage: No such package was deleted.
        """
        return PackageStore(self._context, trash.deleted_package(self._context, project, package))

    def stage(
        self, stream: Readable | Iterable[bytes], *, limit_bytes: int | None = None
    ) -> StagedFile:
        """Stream content into a temporary file, summing it on the way; no lock is held.

        Args:
            stream: A reader, or an iterable of chunks.
            limit_bytes: Most bytes accepted; None = the configured file limit.

        Returns:
            The staged file, a context manager that removes it.

        Raises:
            TooLarge: More came.
            StorageFull: No space left; nothing was kept.
        """
        limit = self.limits.file_bytes if limit_bytes is None else limit_bytes
        return staging.stage(stream, self.tmp, limit)

    def reindex(
        self,
        parse_project_meta: Callable[[bytes], ProjectMeta],
        parse_package_meta: Callable[[bytes], PackageMeta],
    ) -> list[str]:
        """Write every row that git can tell anew; packages whose rows are lost come back.

        Returns:
            One line per repository that could not be read.
        """
        readers = MetaReaders(parse_project_meta, parse_package_meta)
        return reindex.reindex(self._context, readers)

    def fsck(self) -> list[str]:
        """Check every repository, large file and row against each other.

        Returns:
            One line per finding.
        """
        return fsck.fsck(self._context)

    def sweep(self, *, containers: bool = False) -> int:
        """Remove what dead processes left behind.

        Args:
            containers: Also look at every repository, which takes long in a big
                house: finish interrupted moves, put away repositories without a row.

        Returns:
            How many things were tidied.
        """
        return sweeping.sweep(self._context, containers=containers)

    def _row(self, project: str, package: str) -> Package:
        with self.records.read() as unit:
            row = unit.packages.find(project, package)
            if row is None:
                unit.projects.get(project)
                row = unit.packages.get(project, package)
        return row

    def _heal(self, row: Package, store: PackageStore) -> None:
        """Heal for a reader: not at any price, since the indexed state can be served."""
        timeout_s = self.limits.heal_timeout_s
        try:
            if has_gap(self._context, row, store.repository):
                with Transaction(self._context, row, timeout_s=timeout_s):
                    pass
        except (Busy, Damaged) as error:
            _log.warning(
                "healing_put_off", extra={"container": row.container, "reason": error.message}
            )
