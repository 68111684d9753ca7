"""Frozen values that travel between the rooms.

Times are integers, Unix seconds, UTC, where the wire speaks seconds; object
ids are lower-case hex text. Nothing here reads or writes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

EMPTY_SRCMD5 = "d41d8cd98f00b204e9800998ecf8427e"
"""srcmd5 of the empty tree: the md5 of nothing."""

JsonObject = dict[str, Any]
"""A JSON object as stored; parsed and made only at the edges."""


# --- people -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by.

    Attributes:
        login: Account name, shown as ``user`` of a revision.
        realname: Git author name; the login when empty.
        email: Git author address; ``<login>@localhost`` when empty.
    """

    login: str
    realname: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One person.

    Attributes:
        state: ``unconfirmed``, ``confirmed``, ``locked`` or ``deleted``.
    """

    id: int
    login: str
    email: str = ""
    realname: str = ""
    state: str = "confirmed"
    is_admin: bool = False
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of people."""

    id: int
    name: str
    email: str = ""
    members: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A secret that stands for an account; only its hash is kept.

    Attributes:
        kind: ``api`` (git, OBS and LFS as password), ``copr`` (login:token).
        login: Public half; Copr sends it as the Basic user name.
        scopes: Subset of ``read``, ``write``, ``build``, ``admin``; empty = all the account may.
        project: Only valid for this project, if set.
        expires_at: None = never.
    """

    id: int
    account_id: int
    kind: str
    login: str
    scopes: tuple[str, ...] = ()
    project: str | None = None
    description: str = ""
    created_at: int = 0
    expires_at: int | None = None
    last_used_at: int | None = None


# --- metas ------------------------------------------------------------------


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


# --- sources ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree as clients see it (large files: real md5 and size).

    Attributes:
        size: Bytes.
        mtime: When this content was first stored, Unix seconds.
        blob: Git blob id; of the pointer for a large file.
        sha256: Id in the large file store, None for an ordinary blob.
    """

    name: str
    md5: str
    size: int
    mtime: int
    blob: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one tree, sorted by name in byte order."""

    tree: str
    srcmd5: str
    entries: tuple[Entry, ...] = ()

    def find(self, name: str) -> Entry | None:
        """The entry of that name, or None."""
        return next((e for e in self.entries if e.name == name), None)


@dataclass(frozen=True, slots=True)
class Revision:
    """Revision N: the Nth first-parent commit after the base.

    Attributes:
        kind: ``source`` (refs/heads/main) or ``meta`` (refs/meta/config).
        vrev: Check-in counter within ``version``; 0 for meta.
        request_id: OBS request number, if one caused it.
    """

    kind: Literal["source", "meta"]
    number: int
    commit: str
    tree: str
    srcmd5: str
    version: str
    vrev: int
    user: str
    comment: str
    time: int
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What a writing call made; ``build_id`` is set when a build was asked for."""

    revision: Revision
    listing: Listing
    build_id: int | None = None


@dataclass(frozen=True, slots=True)
class WantedFile:
    """One line of a commitfilelist: ``sha256`` is the client's proof, if given."""

    name: str
    md5: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A wanted file whose content the house lacks (``new``) or wants proven (``missing``)."""

    name: str
    md5: str
    reason: Literal["new", "missing"]


# --- events and builds ------------------------------------------------------


class EventKind(StrEnum):
    """What the outbox tells the builder."""

    SOURCE_CHANGED = "source_changed"
    META_CHANGED = "meta_changed"
    DEPENDENCY_PUBLISHED = "dependency_published"
    REBUILD_ASKED = "rebuild_asked"
    PACKAGE_DELETED = "package_deleted"
    PROJECT_DELETED = "project_deleted"


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox; ``payload`` holds plain JSON values."""

    id: int
    kind: EventKind
    project: str
    package: str | None
    payload: JsonObject
    created_at: int


class JobState(StrEnum):
    """States of one job (repository x arch of a build); OBS words."""

    WAITING = "waiting"  # the source part is not ready yet
    UNRESOLVABLE = "unresolvable"
    BLOCKED = "blocked"
    SCHEDULED = "scheduled"
    DISPATCHING = "dispatching"
    BUILDING = "building"
    SIGNING = "signing"
    FINISHED = "finished"  # results are in, the planner has not looked yet
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BROKEN = "broken"
    EXCLUDED = "excluded"
    DISABLED = "disabled"
    LOCKED = "locked"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether no further change comes without a new cause."""
        return self in _FINAL


_FINAL = frozenset(
    {
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.BROKEN,
        JobState.EXCLUDED,
        JobState.DISABLED,
        JobState.LOCKED,
        JobState.CANCELED,
    }
)


class SourceState(StrEnum):
    """The source part of a build (Copr's words)."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    IMPORTING = "importing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Build:
    """One event's wish to build one package; fans out into jobs.

    Attributes:
        package: Empty until a Copr upload's SRPM told its name.
        cause: ``commit``, ``upload``, ``copr``, ``rebuild``, ``meta``, ``dependency``.
        source_type: Copr source type for builds that first make an SRPM, else empty.
        source_dict: Its arguments, copied at submission.
        options: ``timeout`` (s), ``chroots``, ``enable_net``, ``background``.
        source_version: ``[epoch:]version-release`` of the SRPM once known.
        source_details: Why the source part failed.
    """

    id: int
    project_id: int
    project: str
    package_id: int | None
    package: str
    commit: str
    rev: int
    srcmd5: str
    cause: str
    submitter: str | None
    created_at: int
    source_state: SourceState = SourceState.SUCCEEDED
    source_type: str = ""
    source_dict: JsonObject = field(default_factory=dict)
    source_version: str = ""
    source_details: str = ""
    source_started_at: int | None = None
    source_ended_at: int | None = None
    options: JsonObject = field(default_factory=dict)
    canceled: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One package in one repository and arch; the row fences late results by ``attempt``.

    Attributes:
        reason: ``explain``, ``oldsource``, ``packagechange`` list; see build-semantics 4.5.
        record: Input record lines, newline separated (sources, then dependencies).
        install: What the build root needs beyond the base (resolver's answer), JSON.
        versrel: ``version-vrev``; ``bcnt`` the build counter.
        result: ``succeeded``, ``failed``, ``unchanged`` or empty while open.
        details: One line for people.
        priority: ``high``, ``default`` or ``low``.
    """

    id: int
    build_id: int
    project_id: int
    project: str
    package_id: int
    package: str
    repository: str
    arch: str
    state: JobState
    attempt: int = 0
    rev: int = 0
    srcmd5: str = ""
    commit: str = ""
    versrel: str = ""
    bcnt: int = 0
    recipe: str = ""
    priority: str = "default"
    owner: str = ""
    reason: JsonObject = field(default_factory=dict)
    record: str = ""
    install: JsonObject = field(default_factory=dict)
    options: JsonObject = field(default_factory=dict)
    result: str = ""
    details: str = ""
    worker: str = ""
    lost: int = 0
    created_at: int = 0
    queued_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    heartbeat_at: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What the planner last decided for (package, repository, arch).

    Attributes:
        code: The OBS package state, stored part (build-semantics 4.2).
        job_id: The open or newest job, None when there never was one.
        good_job_id: The job whose binaries are the current result.
        record: Input record of the last finished build; empty = none.
    """

    package_id: int
    package: str
    project_id: int
    repository: str
    arch: str
    code: JobState
    details: str = ""
    job_id: int | None = None
    good_job_id: int | None = None
    record: str = ""
    reason: JsonObject = field(default_factory=dict)
    updated_at: int = 0


@dataclass(frozen=True, slots=True)
class Binary:
    """One result file of a job.

    Attributes:
        header: For packages: name, epoch, version, release, arch, source, summary,
            description, provides, requires, conflicts, obsoletes ... (texts with operators),
            ``hdrmd5`` for rpm. Empty for logs and other files.
    """

    job_id: int
    filename: str
    size: int
    md5: str
    sha256: str
    mtime: int
    header: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publication:
    """State of one project repository and arch; ``arch`` is empty for the whole repository.

    Attributes:
        state: OBS repository state, stored part (build-semantics 4.1).
        generation: Name of the published generation, empty = never published.
        fingerprint: Checksum over what the generation holds.
    """

    project_id: int
    project: str
    repository: str
    arch: str
    state: str = "unknown"
    details: str = ""
    dirty: bool = False
    generation: str = ""
    fingerprint: str = ""
    updated_at: int = 0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A project's public key; the secret lives in the signer's directory."""

    project: str
    fingerprint: str
    keyid: str
    userid: str
    algorithm: str
    bits: int
    created_at: int
    expires_at: int | None
    armored: str


@dataclass(frozen=True, slots=True)
class FileLock:
    """A Git LFS file lock."""

    id: str
    package_id: int
    path: str
    owner: str
    locked_at: int
