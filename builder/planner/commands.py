"""What people can ask of the scheduler: rebuild, wipe, abort, restart.

Contract: build semantics, sections 4.7 and 4.5. Each command acts on the packages whose
state matches ``codes``, in the repositories and architectures given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from storage.flags import package_flag
from storage.model import Build, EventKind, Job, JobState, Package, Project, Target
from storage.names import PROJECT_CONTAINER
from storage.records import Unit

from ..house import BuilderHouse
from .results import announce, offered

_RUNNING = (JobState.DISPATCHING, JobState.BUILDING, JobState.SIGNING)
_OPEN = tuple(state for state in JobState if not state.is_final)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which targets a command is for; None is all of them.

    Attributes:
        packages: Names.
        codes: States as clients see them.
    """

    packages: Collection[str] | None = None
    repositories: Collection[str] | None = None
    arches: Collection[str] | None = None
    codes: Collection[str] | None = None

    def fits(self, unit: Unit, target: Target) -> bool:
        """Whether a target is meant."""
        return (
            (self.repositories is None or target.repository in self.repositories)
            and (self.arches is None or target.arch in self.arches)
            and (self.codes is None or _shown(unit, target) in self.codes)
        )


def _shown(unit: Unit, target: Target) -> str:
    """The state as clients see it: that of the job while it is under way."""
    if target.code is JobState.SCHEDULED and target.job_id is not None:
        job = unit.jobs.by_ids([target.job_id]).get(target.job_id)
        if job is not None and not job.state.is_final:
            return job.state.value
    return target.code.value


def _targets(unit: Unit, project: Project, selection: Selection) -> list[Target]:
    names = list(selection.packages) if selection.packages is not None else None
    found = unit.targets.of_project(project.id, packages=names)
    return [target for target in found if selection.fits(unit, target)]


def rebuild(
    house: BuilderHouse,
    project: Project,
    packages: Collection[str] | None = None,
    *,
    user: str,
    repositories: Collection[str] | None = None,
    arches: Collection[str] | None = None,
    codes: Collection[str] | None = None,
) -> int:
    """Build packages again although nothing changed; the reason will be ``new build``.

    A job of the same sources that waits or runs goes on instead.

    Returns:
        How many targets are built again.
    """
    selection = Selection(packages, repositories, arches, codes)
    with house.records.begin() as unit:
        targets = _targets(unit, project, selection)
        for target in targets:
            unit.targets.put(replace(target, record=""))
        alone = packages is not None and len(packages) == 1
        for package in _packages(unit, project, selection, targets):
            _wish(house, unit, package, user, background=not alone)
            payload = {"package_id": package.id, "user": user, "check": True}
            _event(house, unit, project, package, EventKind.CHECK_ASKED, payload)
    house.queue.wake()
    return len(targets)


def wipe(
    house: BuilderHouse,
    project: Project,
    packages: Collection[str] | None = None,
    *,
    user: str,
    repositories: Collection[str] | None = None,
    arches: Collection[str] | None = None,
    codes: Collection[str] | None = None,
) -> int:
    """Remove results, record and reason; history and numbers stay. Locked packages keep all.

    Returns:
        How many targets lost their results.
    """
    selection = Selection(packages, repositories, arches, codes)
    with house.records.begin() as unit:
        wiped = 0
        for target in _targets(unit, project, selection):
            package = unit.packages.by_id(target.package_id)
            if package_flag(project.meta, package.meta, "lock", target.repository, target.arch):
                continue
            job_id = target.good_job_id
            names = offered(unit.binaries.of_job(job_id)) if job_id is not None else set()
            unit.targets.put(replace(target, good_job_id=None, record="", reason={}, details=""))
            wiped += 1
            announce(
                house,
                unit,
                project.name,
                target.repository,
                target.arch,
                [target.package],
                names,
            )
    house.queue.wake()
    return wiped


def abort(
    house: BuilderHouse,
    project: Project,
    packages: Collection[str] | None = None,
    *,
    user: str,
    repositories: Collection[str] | None = None,
    arches: Collection[str] | None = None,
    codes: Collection[str] | None = None,
) -> int:
    """End running builds; they count as failed and stay so.

    Returns:
        How many were ended.
    """
    selection = Selection(packages, repositories, arches, codes)
    now = int(house.clock())
    with house.records.begin() as unit:
        jobs = [
            job
            for job in _jobs(unit, _targets(unit, project, selection))
            if unit.jobs.transition(
                job.id,
                _OPEN,
                JobState.CANCELED,
                ended_at=now,
                details=f"aborted by {user}",
                result="failed" if job.started_at is not None else "",
            )
        ]
        for job in jobs:
            announce(house, unit, project.name, job.repository, job.arch, [job.package], ())
    for job in jobs:
        house.queue.stop(job.id)
    house.queue.wake()
    return len(jobs)


def restart(
    house: BuilderHouse,
    project: Project,
    packages: Collection[str] | None = None,
    *,
    repositories: Collection[str] | None = None,
    arches: Collection[str] | None = None,
    codes: Collection[str] | None = None,
) -> int:
    """Have running builds begin anew, perhaps elsewhere; nothing is recorded of the first try.

    Returns:
        How many went back into the queue.
    """
    selection = Selection(packages, repositories, arches, codes)
    with house.records.begin() as unit:
        jobs = [
            job
            for job in _jobs(unit, _targets(unit, project, selection))
            if unit.jobs.transition(
                job.id,
                _RUNNING,
                JobState.SCHEDULED,
                if_attempt=job.attempt,
                attempt=job.attempt + 1,
                queued_at=None,
                started_at=None,
                heartbeat_at=None,
                worker="",
                details="",
            )
        ]
    for job in jobs:
        house.queue.stop(job.id, attempt=job.attempt)
    house.queue.wake()
    return len(jobs)


def _jobs(unit: Unit, targets: Iterable[Target]) -> list[Job]:
    found = unit.jobs.by_ids(t.job_id for t in targets if t.job_id is not None)
    return [job for job in found.values() if not job.state.is_final]


def _packages(
    unit: Unit, project: Project, selection: Selection, targets: Collection[Target]
) -> list[Package]:
    """The packages of the targets, and named ones nobody looked at yet."""
    names = {target.package for target in targets}
    if selection.packages is not None and selection.codes is None:
        names |= set(selection.packages)
    found = (unit.packages.find(project.name, name) for name in sorted(names))
    return [p for p in found if p is not None and p.name != PROJECT_CONTAINER]


def _wish(
    house: BuilderHouse, unit: Unit, package: Package, user: str, *, background: bool
) -> None:
    """A build of the newest sources; jobs follow when the planner looks."""
    revision = unit.revisions.latest(package.id)
    if revision is None:
        return
    unit.builds.create(
        Build(
            id=0,
            project_id=package.project_id,
            project=package.project,
            package_id=package.id,
            package=package.name,
            commit=revision.commit,
            rev=revision.number,
            srcmd5=revision.srcmd5,
            cause="rebuild",
            submitter=user,
            created_at=int(house.clock()),
            options={"background": True} if background else {},
        )
    )


def _event(
    house: BuilderHouse,
    unit: Unit,
    project: Project,
    package: Package,
    kind: EventKind,
    payload: dict[str, object],
) -> None:
    unit.events.append(kind, project.name, package.name, payload, int(house.clock()))
