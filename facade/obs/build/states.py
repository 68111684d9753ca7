"""From rows to the words of a result (build semantics, sections 4.1 to 4.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.flags import project_flag
from storage.model import Job, JobState, Package, Project, Publication, Repository, Target

if TYPE_CHECKING:
    from storage.records import Unit

_JOB_WORDS = {
    JobState.SCHEDULED: "scheduled",
    JobState.DISPATCHING: "dispatching",
    JobState.BUILDING: "building",
    JobState.SIGNING: "signing",
    JobState.FINISHED: "finished",
}
"""States of a job that stand in for its target's while it is open (section 4.3)."""

_NOT_LOOKED_AT = "waiting for the scheduler"
"""Details of a package that is new; osc goes on waiting for what is blocked."""

_OTHER_WORDS = {JobState.WAITING: "blocked", JobState.CANCELED: "failed"}
"""Words of the house that OBS does not have."""


@dataclass(frozen=True, slots=True)
class PackageState:
    """State of one package in one repository and architecture."""

    package: str
    code: str
    details: str = ""
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class RepositoryState:
    """State of one repository and architecture, with its packages by name."""

    project: str
    repository: str
    arch: str
    code: str
    details: str
    is_dirty: bool
    packages: Sequence[PackageState]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which part of a project's results is asked for; None is everything."""

    repositories: Collection[str] | None = None
    arches: Collection[str] | None = None
    packages: Sequence[str] | None = None


def project_states(
    unit: Unit, project: Project, wish: Wish, *, last_build: bool = False
) -> list[RepositoryState]:
    """States of every wanted repository and architecture, in the order of the meta.

    Args:
        unit: An open unit.
        project: Whose.
        wish: Which part.
        last_build: Only how the last build ended: succeeded, failed or unknown.
    """
    listed = unit.packages.list(project.id) if wish.packages is None else list(wish.packages)
    targets = unit.targets.of_project(project.id, packages=wish.packages)
    jobs = unit.jobs.by_ids(
        t.job_id for t in targets if t.job_id is not None and t.code is JobState.SCHEDULED
    )
    published = {(p.repository, p.arch): p for p in unit.publications.of_project(project.id)}
    is_outdated = unit.events.concerns(project.name)
    by_place: dict[tuple[str, str], dict[str, Target]] = {}
    for target in targets:
        by_place.setdefault((target.repository, target.arch), {})[target.package] = target
    found = []
    for repository, arch in _places(project, wish):
        here = by_place.get((repository.name, arch), {})
        states = [_package(name, here.get(name), jobs, last_build) for name in listed]
        found.append(_repository(project, repository, arch, published, states, is_outdated))
    return found


def package_state(unit: Unit, package: Package, repository: str, arch: str) -> PackageState:
    """State of one package in one place."""
    target = unit.targets.get(package.id, repository, arch)
    if target is None:
        return PackageState(package.name, "unknown")
    jobs = {}
    if target.job_id is not None and target.code is JobState.SCHEDULED:
        jobs = unit.jobs.by_ids([target.job_id])
    return _package(package.name, target, jobs, last_build=False)


def checksum(states: Sequence[RepositoryState]) -> str:
    """``resultlist/@state``: changes with names, states and codes, not with details."""
    digest = hashlib.md5(usedforsecurity=False)
    for place in states:
        digest.update(f"{place.project}/{place.repository}/{place.arch}={place.code}\n".encode())
        for state in place.packages:
            digest.update(f"{state.package}={state.code}\n".encode())
    return digest.hexdigest()


def _places(project: Project, wish: Wish) -> list[tuple[Repository, str]]:
    return [
        (repository, arch)
        for repository in project.meta.repositories
        if wish.repositories is None or repository.name in wish.repositories
        for arch in repository.arches
        if wish.arches is None or arch in wish.arches
    ]


def _package(
    name: str, target: Target | None, jobs: dict[int, Job], last_build: bool
) -> PackageState:
    if target is None:
        return (
            PackageState(name, "unknown")
            if last_build
            else PackageState(name, "blocked", _NOT_LOOKED_AT)
        )
    if last_build:
        return PackageState(name, _last_word(target), "", target)
    job = jobs.get(target.job_id or 0)
    if job is not None and job.state in _JOB_WORDS:
        word = _JOB_WORDS[job.state]
        details = f"building on {job.worker}" if word == "building" and job.worker else job.details
        if word == "finished":
            details = job.result
        return PackageState(name, word, details, target)
    word = _OTHER_WORDS.get(target.code, target.code.value)
    return PackageState(name, word, target.details, target)


def _last_word(target: Target) -> str:
    if target.code in (JobState.FAILED, JobState.CANCELED):
        return "failed"
    return "succeeded" if target.good_job_id is not None else "unknown"


def _repository(
    project: Project,
    repository: Repository,
    arch: str,
    published: dict[tuple[str, str], Publication],
    states: list[PackageState],
    is_outdated: bool,
) -> RepositoryState:
    own = published.get((repository.name, arch))
    if own is None:
        # Nobody looked yet; without packages there is nothing to look at either.
        is_dirty = is_outdated or bool(states)
        return RepositoryState(project.name, repository.name, arch, "unknown", "", is_dirty, states)
    code, details = own.state, own.details
    if code == "finished" and not details:
        code, details = _after_check(project, repository, arch, published)
    is_dirty = is_outdated or own.dirty or code == "scheduling"
    return RepositoryState(project.name, repository.name, arch, code, details, is_dirty, states)


def _after_check(
    project: Project,
    repository: Repository,
    arch: str,
    published: dict[tuple[str, str], Publication],
) -> tuple[str, str]:
    """What a checked repository is called, by what the publisher did or still has to do."""
    whole = published.get((repository.name, ""))
    if whole is None:
        # The publisher had no reason to look: nothing was ever built here.
        is_on = project_flag(project.meta, "publish", repository.name, arch)
        return ("published" if is_on else "unpublished"), ""
    if whole.state == "publishing":
        return "publishing", ""
    if whole.dirty or whole.state not in ("published", "unpublished", "broken"):
        return "finished", ""
    return whole.state, whole.details
