"""Tables of events, builds, jobs and published repositories."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import NEVER_REUSED, Base, Counted, Key, Short, TextKey, table


class EventRow(Base):
    """The outbox: a row lives until the builder is done with it."""

    __tablename__ = "events"
    id: Mapped[Counted]
    kind: Mapped[str]
    project: Mapped[str]
    package: Mapped[str | None]
    payload: Mapped[str]
    created_at: Mapped[int]
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[int | None]
    # One index serves both questions: free events (NULL) in order of id, and expired claims.
    __table_args__ = (Index("ix_events_claimed_until", "claimed_until", "id"), NEVER_REUSED)


class BuildRow(Base):
    """One wish to build one package."""

    __tablename__ = "builds"
    id: Mapped[Counted]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    package_id: Mapped[int | None] = mapped_column(ForeignKey("packages.id"))
    package: Mapped[str]
    commit: Mapped[str]
    rev: Mapped[int]
    srcmd5: Mapped[str]
    cause: Mapped[str]
    submitter: Mapped[str | None]
    created_at: Mapped[int]
    source_state: Mapped[str]
    source_type: Mapped[str]
    source_dict: Mapped[str]
    source_version: Mapped[str]
    source_details: Mapped[str]
    source_started_at: Mapped[int | None]
    source_ended_at: Mapped[int | None]
    options: Mapped[str]
    canceled: Mapped[bool]
    source_attempt: Mapped[int]
    source_beat_at: Mapped[int | None]
    __table_args__ = (
        Index("ix_builds_project_id", "project_id", "id"),
        Index("ix_builds_package_id", "package_id", "id"),
        Index("ix_builds_source_state", "source_state", "id"),
        NEVER_REUSED,
    )


class JobRow(Base):
    """One package in one repository and arch; ``attempt`` fences late results."""

    __tablename__ = "jobs"
    id: Mapped[Counted]
    build_id: Mapped[int] = mapped_column(ForeignKey("builds.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    package_id: Mapped[int] = mapped_column(ForeignKey("packages.id"))
    repository: Mapped[str]
    arch: Mapped[str]
    state: Mapped[str]
    is_open: Mapped[bool]
    attempt: Mapped[int]
    rev: Mapped[int]
    srcmd5: Mapped[str]
    commit: Mapped[str]
    versrel: Mapped[Short]
    bcnt: Mapped[int]
    recipe: Mapped[str]
    priority: Mapped[str]
    owner: Mapped[str]
    reason: Mapped[str]
    record: Mapped[str]
    install: Mapped[str]
    options: Mapped[str]
    result: Mapped[str]
    details: Mapped[str]
    worker: Mapped[str]
    lost: Mapped[int]
    created_at: Mapped[int]
    queued_at: Mapped[int | None]
    started_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    heartbeat_at: Mapped[int | None]
    __table_args__ = (
        Index("ix_jobs_build_id", "build_id", "id"),
        Index("ix_jobs_target", "package_id", "repository", "arch", "is_open", "id"),
        Index("ix_jobs_versrel", "package_id", "repository", "versrel", "result", "bcnt"),
        Index("ix_jobs_state", "state", "id"),
        Index("ix_jobs_waiting", "state", "arch", "priority", "owner", "id"),
        Index(
            "ix_jobs_history",
            "project_id",
            "repository",
            "arch",
            "ended_at",
            "id",
            sqlite_where=text("result <> ''"),
            postgresql_where=text("result <> ''"),
        ),
        NEVER_REUSED,
    )


class TargetRow(Base):
    """What was last decided for one package in one repository and arch."""

    __tablename__ = "targets"
    package_id: Mapped[Key] = mapped_column(ForeignKey("packages.id"))
    repository: Mapped[TextKey]
    arch: Mapped[TextKey]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    code: Mapped[str]
    details: Mapped[str]
    job_id: Mapped[int | None]
    good_job_id: Mapped[int | None]
    record: Mapped[str]
    reason: Mapped[str]
    updated_at: Mapped[int]
    __table_args__ = (
        Index("ix_targets_project_id", "project_id", "repository", "arch", "package_id"),
        Index("ix_targets_job_id", "job_id"),
        Index("ix_targets_good_job_id", "good_job_id"),
    )


class BinaryRow(Base):
    """One result file; ``name`` is the package name inside, empty for other files."""

    __tablename__ = "binaries"
    job_id: Mapped[Key] = mapped_column(ForeignKey("jobs.id"))
    filename: Mapped[TextKey]
    name: Mapped[Short]
    size: Mapped[int]
    md5: Mapped[str]
    sha256: Mapped[str]
    mtime: Mapped[int]
    header: Mapped[str]
    __table_args__ = (Index("ix_binaries_name", "name", "job_id"),)


class PublicationRow(Base):
    """State of one repository and arch as published."""

    __tablename__ = "publications"
    project_id: Mapped[Key] = mapped_column(ForeignKey("projects.id"))
    repository: Mapped[TextKey]
    arch: Mapped[TextKey]
    state: Mapped[str]
    details: Mapped[str]
    dirty: Mapped[bool]
    generation: Mapped[str]
    fingerprint: Mapped[str]
    updated_at: Mapped[int]
    __table_args__ = (Index("ix_publications_dirty", "dirty", "updated_at"),)


class SigningKeyRow(Base):
    """A project's public key."""

    __tablename__ = "signing_keys"
    project: Mapped[TextKey]
    fingerprint: Mapped[str]
    keyid: Mapped[str]
    userid: Mapped[str]
    algorithm: Mapped[str]
    bits: Mapped[int]
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    armored: Mapped[str]


events = table(EventRow)
builds = table(BuildRow)
jobs = table(JobRow)
targets = table(TargetRow)
binaries = table(BinaryRow)
publications = table(PublicationRow)
signing_keys = table(SigningKeyRow)
