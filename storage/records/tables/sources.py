"""Tables of projects, packages and what git holds of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import NEVER_REUSED, Base, Counted, Key, Short, TextKey, table

_LIVING: dict[str, Any] = {
    "sqlite_where": text("deleted_at IS NULL"),
    "postgresql_where": text("deleted_at IS NULL"),
}
_DELETED: dict[str, Any] = {
    "sqlite_where": text("deleted_at IS NOT NULL"),
    "postgresql_where": text("deleted_at IS NOT NULL"),
}
_WITH_OPERATION: dict[str, Any] = {
    "sqlite_where": text("operation IS NOT NULL"),
    "postgresql_where": text("operation IS NOT NULL"),
}


class ProjectRow(Base):
    """One project; a deleted one keeps its row, its name becomes free."""

    __tablename__ = "projects"
    id: Mapped[Counted]
    name: Mapped[str]
    container: Mapped[str] = mapped_column(unique=True)
    meta: Mapped[str]
    created_at: Mapped[int]
    deleted_at: Mapped[int | None]
    copr: Mapped[str]
    __table_args__ = (
        Index("ix_projects_name_living", "name", unique=True, **_LIVING),
        Index("ix_projects_deleted", "name", "deleted_at", **_DELETED),
        NEVER_REUSED,
    )


class RepositoryPathRow(Base):
    """Index over project metas: which project reaches which repository.

    ``kind`` is ``repository`` (the repository itself, target empty), ``path``,
    ``hostsystem``, ``releasetarget``, ``link`` (of the whole project) or
    ``hidden`` (the project's ``access`` flag is off; target ``/``).
    """

    __tablename__ = "repository_paths"
    project_id: Mapped[Key] = mapped_column(ForeignKey("projects.id"))
    position: Mapped[Key]
    kind: Mapped[str]
    repository: Mapped[Short]
    target_project: Mapped[Short]
    target_repository: Mapped[Short]
    __table_args__ = (Index("ix_repository_paths_target", "target_project", "target_repository"),)


class PackageRow(Base):
    """One package; ``devel_*`` is an index over its meta."""

    __tablename__ = "packages"
    id: Mapped[Counted]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    name: Mapped[str]
    container: Mapped[str] = mapped_column(unique=True)
    meta: Mapped[str]
    base: Mapped[str | None]
    created_at: Mapped[int]
    deleted_at: Mapped[int | None]
    copr: Mapped[str]
    devel_project: Mapped[Short | None]
    devel_package: Mapped[Short | None]
    __table_args__ = (
        Index("ix_packages_name_living", "project_id", "name", unique=True, **_LIVING),
        Index("ix_packages_project_id_living", "project_id", "id", **_LIVING),
        Index("ix_packages_living_name", "name", **_LIVING),
        Index("ix_packages_deleted", "project_id", "name", "deleted_at", **_DELETED),
        Index("ix_packages_devel", "devel_project", "devel_package"),
        NEVER_REUSED,
    )


class RevisionRow(Base):
    """One revision; can be made again from the commits."""

    __tablename__ = "revisions"
    package_id: Mapped[Key] = mapped_column(ForeignKey("packages.id"))
    kind: Mapped[TextKey]
    number: Mapped[Key]
    commit: Mapped[str]
    tree: Mapped[str]
    srcmd5: Mapped[str]
    version: Mapped[Short]
    vrev: Mapped[int]
    user: Mapped[str]
    comment: Mapped[str]
    time: Mapped[int]
    request_id: Mapped[str | None]
    operation: Mapped[Short | None]
    __table_args__ = (
        Index("ix_revisions_commit", "package_id", "kind", "commit", unique=True),
        Index("ix_revisions_srcmd5", "package_id", "kind", "srcmd5", "number"),
        Index("ix_revisions_version", "package_id", "kind", "version", "vrev"),
        # Not unique: a pushed commit may repeat somebody's trailer.
        Index("ix_revisions_operation", "package_id", "operation", **_WITH_OPERATION),
    )


class ListingRow(Base):
    """The files of one tree, for ever; a cache over git but for mtime and large files."""

    __tablename__ = "listings"
    tree: Mapped[TextKey]
    srcmd5: Mapped[str]
    entries: Mapped[str]


class KnownTreeRow(Base):
    """Trees that are no revision but can be asked for by srcmd5 (expanded links, uploads)."""

    __tablename__ = "known_trees"
    package_id: Mapped[Key] = mapped_column(ForeignKey("packages.id"))
    srcmd5: Mapped[TextKey]
    tree: Mapped[str]


class ContentRow(Base):
    """Content a package ever held under a file name, found by its md5."""

    __tablename__ = "contents"
    package_id: Mapped[Key] = mapped_column(ForeignKey("packages.id"))
    name: Mapped[TextKey]
    md5: Mapped[TextKey]
    sha256: Mapped[str | None]
    size: Mapped[int]
    blob: Mapped[str]
    large: Mapped[bool]
    stored_at: Mapped[int]
    __table_args__ = (Index("ix_contents_blob", "package_id", "blob", "stored_at"),)


class LargeObjectRow(Base):
    """What git cannot tell about a large file: md5 and size of its content."""

    __tablename__ = "large_objects"
    sha256: Mapped[TextKey]
    md5: Mapped[str]
    size: Mapped[int]


class LargeGrantRow(Base):
    """A package that may show a large file: it held the file, or somebody uploaded it there."""

    __tablename__ = "large_grants"
    package_id: Mapped[Key] = mapped_column(ForeignKey("packages.id"))
    sha256: Mapped[TextKey]


class FileLockRow(Base):
    """A Git LFS lock."""

    __tablename__ = "file_locks"
    id: Mapped[Counted]
    package_id: Mapped[int] = mapped_column(ForeignKey("packages.id"))
    path: Mapped[str]
    owner: Mapped[str]
    locked_at: Mapped[int]
    __table_args__ = (
        Index("ix_file_locks_path", "package_id", "path", unique=True),
        Index("ix_file_locks_package_id", "package_id", "id"),
        NEVER_REUSED,
    )


projects = table(ProjectRow)
repository_paths = table(RepositoryPathRow)
packages = table(PackageRow)
revisions = table(RevisionRow)
listings = table(ListingRow)
known_trees = table(KnownTreeRow)
contents = table(ContentRow)
large_objects = table(LargeObjectRow)
large_grants = table(LargeGrantRow)
file_locks = table(FileLockRow)
