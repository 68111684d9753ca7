"""Events, builds, jobs and what they leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .values import JsonObject


class EventKind(StrEnum):
    """What the outbox tells the builder."""

    SOURCE_CHANGED = "source_changed"
    META_CHANGED = "meta_changed"
    DEPENDENCY_PUBLISHED = "dependency_published"
    REBUILD_ASKED = "rebuild_asked"
    PACKAGE_DELETED = "package_deleted"
    PROJECT_DELETED = "project_deleted"
    CHECK_ASKED = "check_asked"  # the planner to itself: look again


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
        source_attempt: How often a worker took the source part; fences late results.
        source_beat_at: The worker's last sign of life, Unix seconds.
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
    source_attempt: int = 0
    source_beat_at: int | None = None


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
