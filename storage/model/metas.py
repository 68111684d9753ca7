"""What project and package metas say, and the index rows of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .values import JsonObject


@dataclass(frozen=True, slots=True)
class Grant:
    """One ``person`` or ``group`` line of a meta."""

    subject: Literal["person", "group"]
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class FlagRule:
    """One ``enable`` or ``disable`` of a flag; None matches every repository or arch."""

    flag: str
    enable: bool
    repository: str | None = None
    arch: str | None = None


@dataclass(frozen=True, slots=True)
class PathEntry:
    """One ``path`` (or ``releasetarget``) element: a repository of a project."""

    project: str
    repository: str
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """One build target of a project; order of paths and arches is meaningful."""

    name: str
    arches: tuple[str, ...] = ()
    paths: tuple[PathEntry, ...] = ()
    block: str = "all"
    rebuild: str = "transitive"
    linkedbuild: str = "off"
    releasetargets: tuple[PathEntry, ...] = ()
    hostsystems: tuple[PathEntry, ...] = ()
    downloads: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectLink:
    """``<link project= vrevmode=>`` of a project meta."""

    project: str
    vrevmode: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectMeta:
    """What a project's ``_meta`` says."""

    name: str
    title: str = ""
    description: str = ""
    url: str = ""
    kind: str = "standard"
    remoteurl: str = ""
    scmsync: str = ""
    devel: str = ""
    links: tuple[ProjectLink, ...] = ()
    grants: tuple[Grant, ...] = ()
    flags: tuple[FlagRule, ...] = ()
    repositories: tuple[Repository, ...] = ()
    maintains: tuple[str, ...] = ()
    remoteproject: str = ""

    def repository(self, name: str) -> Repository | None:
        """The repository of that name, or None."""
        return next((r for r in self.repositories if r.name == name), None)


@dataclass(frozen=True, slots=True)
class PackageMeta:
    """What a package's ``_meta`` says; ``devel`` is (project, package)."""

    name: str
    project: str
    title: str = ""
    description: str = ""
    url: str = ""
    releasename: str = ""
    bcntsynctag: str = ""
    scmsync: str = ""
    devel: tuple[str, str] | None = None
    grants: tuple[Grant, ...] = ()
    flags: tuple[FlagRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """One project as the index knows it.

    Attributes:
        container: Opaque id of the git repository of ``_project``.
        copr: Settings only the Copr dialect has (instructions, homepage ...).
    """

    id: int
    name: str
    container: str
    meta: ProjectMeta
    created_at: int = 0
    deleted_at: int | None = None
    copr: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Package:
    """One package as the index knows it.

    Attributes:
        container: Opaque id of its git repository.
        base: Commit after which revisions count (a branch's origin), or None.
        copr: Default source and options of the Copr dialect.
    """

    id: int
    project_id: int
    project: str
    name: str
    container: str
    meta: PackageMeta
    base: str | None = None
    created_at: int = 0
    deleted_at: int | None = None
    copr: JsonObject = field(default_factory=dict)
