"""Jobs: one package in one repository and arch, and their way through the states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select, update

from ...errors import UnknownBuild
from ...model import Job, JobState
from ..shape import Shape
from ..tables.building import jobs
from ..tables.sources import packages, projects
from ..transaction import chunks
from .base import PAGE, Store, is_id

_SHAPE = Shape(Job, jobs, project=projects.c.name, package=packages.c.name)
_ALL = (
    select(*_SHAPE.columns)
    .join(projects, projects.c.id == jobs.c.project_id)
    .join(packages, packages.c.id == jobs.c.package_id)
)
_TARGET = (
    jobs.c.package_id == bindparam("package_id"),
    jobs.c.repository == bindparam("repository"),
    jobs.c.arch == bindparam("arch"),
)
_AT_WORK = (JobState.DISPATCHING.value, JobState.BUILDING.value, JobState.SIGNING.value)
_BY_ID = _ALL.where(jobs.c.id == bindparam("id"))
_OF_BUILD = _ALL.where(jobs.c.build_id == bindparam("build_id")).order_by(jobs.c.id)
_OPEN = _ALL.where(*_TARGET, jobs.c.is_open).order_by(jobs.c.id.desc()).limit(1)
_LAST_FINISHED = (
    _ALL.where(*_TARGET, ~jobs.c.is_open, jobs.c.result != "").order_by(jobs.c.id.desc()).limit(1)
)
_WITH_STATE = (
    _ALL.where(jobs.c.state.in_(bindparam("states", expanding=True)))
    .order_by(jobs.c.id)
    .limit(bindparam("limit"))
)
_STALE = (
    _ALL.where(
        jobs.c.state.in_(_AT_WORK),
        func.coalesce(jobs.c.heartbeat_at, jobs.c.started_at, jobs.c.queued_at, jobs.c.created_at)
        < bindparam("before"),
    )
    .order_by(jobs.c.id)
    .limit(PAGE)
)
_BEAT = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("key"),
        jobs.c.attempt == bindparam("current"),
        jobs.c.state.in_(_AT_WORK),
    )
    .values(heartbeat_at=bindparam("at"))
)
_HISTORY = (
    _ALL.where(
        jobs.c.project_id == bindparam("project_id"),
        jobs.c.repository == bindparam("repository"),
        jobs.c.arch == bindparam("arch"),
        # A literal, not a parameter: SQLite must see that the partial index serves.
        jobs.c.result != literal_column("''"),
        jobs.c.ended_at.is_not(None),
    )
    .order_by(jobs.c.ended_at.desc(), jobs.c.id.desc())
    .limit(bindparam("limit"))
)
_SUCCESSES = (
    _ALL.where(*_TARGET, ~jobs.c.is_open, jobs.c.result == "succeeded")
    .order_by(jobs.c.id.desc())
    .limit(bindparam("limit"))
)
_MAX_BCNT = select(func.max(jobs.c.bcnt)).where(
    jobs.c.package_id == bindparam("package_id"),
    jobs.c.repository == bindparam("repository"),
    jobs.c.versrel == bindparam("versrel"),
    jobs.c.result == "succeeded",
)
_WAITING = (
    jobs.c.state == JobState.SCHEDULED.value,
    jobs.c.arch == bindparam("arch"),
    jobs.c.priority == bindparam("priority"),
)
_OWNERS = (
    select(jobs.c.owner, func.count())
    .where(*_WAITING)
    .group_by(jobs.c.owner)
    .order_by(jobs.c.owner)
)
_NEXT = (
    _ALL.where(*_WAITING, jobs.c.owner == bindparam("owner"))
    .order_by(jobs.c.id)
    .limit(bindparam("limit"))
)


class Jobs(Store):
    """The jobs; every change of state is a compare-and-set."""

    def create(self, **fields: Any) -> Job:
        """Add a job from fields of the dataclass; ``id``, ``project``, ``package`` are not given.

        Returns:
            The job with its number.
        """
        values = _DEFAULTS | _SHAPE.dump(fields)
        values["is_open"] = not JobState(values["state"]).is_final
        number = self._tx.write(jobs.insert().returning(jobs.c.id), values).scalar_one()
        return self.get(number)

    def get(self, job_id: int) -> Job:
        """The job of that number.

        Raises:
            UnknownBuild: There is none.
        """
        row = self._tx.first(_BY_ID, id=job_id) if is_id(job_id) else None
        if row is None:
            raise UnknownBuild(f"job {job_id} does not exist", job=job_id)
        return _SHAPE.load(row)

    def of_build(self, build_id: int) -> list[Job]:
        """The jobs of a build in order of number."""
        if not is_id(build_id):
            return []
        return _SHAPE.load_all(self._tx.all(_OF_BUILD, build_id=build_id))

    def of_builds(self, build_ids: Sequence[int]) -> dict[int, list[Job]]:
        """``of_build`` for many builds at once; those without jobs have an empty list."""
        found: dict[int, list[Job]] = {build_id: [] for build_id in build_ids}
        for part in chunks(list(found)):
            statement = _ALL.where(jobs.c.build_id.in_(part)).order_by(jobs.c.id)
            for job in _SHAPE.load_all(self._tx.all(statement)):
                found[job.build_id].append(job)
        return found

    def by_ids(self, job_ids: Iterable[int]) -> dict[int, Job]:
        """Jobs by number; unknown numbers are left out."""
        found: dict[int, Job] = {}
        for part in chunks(sorted(set(job_ids))):
            for job in _SHAPE.load_all(self._tx.all(_ALL.where(jobs.c.id.in_(part)))):
                found[job.id] = job
        return found

    def open_for(self, package_id: int, repository: str, arch: str) -> Job | None:
        """The newest job there that is in no final state, or None."""
        row = self._tx.first(_OPEN, package_id=package_id, repository=repository, arch=arch)
        return None if row is None else _SHAPE.load(row)

    def last_finished(self, package_id: int, repository: str, arch: str) -> Job | None:
        """The newest job there that came to a result, or None."""
        row = self._tx.first(
            _LAST_FINISHED, package_id=package_id, repository=repository, arch=arch
        )
        return None if row is None else _SHAPE.load(row)

    def with_state(self, states: Iterable[JobState], limit: int = PAGE) -> list[Job]:
        """Jobs in one of these states, oldest first."""
        words = [JobState(state).value for state in states]
        return _SHAPE.load_all(self._tx.all(_WITH_STATE, states=words, limit=limit))

    def transition(
        self,
        job_id: int,
        from_states: Iterable[JobState],
        to_state: JobState,
        *,
        if_attempt: int | None = None,
        **fields: Any,
    ) -> bool:
        """Move a job to another state if it still is where the caller believes.

        Args:
            job_id: Which job.
            from_states: States it may be in.
            to_state: Its new state.
            if_attempt: Also demand this attempt number; fences late results.
            **fields: Further fields of the dataclass to set, ``attempt`` too.

        Returns:
            False, with nothing changed, when state or attempt moved on.
        """
        words = [JobState(state).value for state in from_states]
        statement = update(jobs).where(jobs.c.id == job_id, jobs.c.state.in_(words))
        if if_attempt is not None:
            statement = statement.where(jobs.c.attempt == if_attempt)
        values = _SHAPE.dump(fields | {"state": JobState(to_state)})
        values["is_open"] = not to_state.is_final
        return self._tx.write(statement.values(**values)).rowcount == 1

    def update(self, job_id: int, **fields: Any) -> Job:
        """Change fields that are no state; ``transition`` changes that.

        Raises:
            UnknownBuild: There is no such job.
        """
        if "state" in fields:
            raise TypeError("a state changes by transition() only")
        if fields:
            self._tx.write(update(jobs).where(jobs.c.id == job_id).values(**_SHAPE.dump(fields)))
        return self.get(job_id)

    def beat(self, job_id: int, attempt: int, at: int) -> bool:
        """Note a heartbeat; False tells the worker that the job is not its any more."""
        return self._tx.write(_BEAT, {"key": job_id, "current": attempt, "at": at}).rowcount == 1

    def stale(self, before: int) -> list[Job]:
        """Jobs at work without a sign of life since ``before`` (Unix seconds), oldest first."""
        return _SHAPE.load_all(self._tx.all(_STALE, before=before))

    def history(
        self,
        project_id: int,
        repository: str,
        arch: str,
        packages: Sequence[str] | None = None,
        codes: Sequence[str] | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """The last ``limit`` finished jobs, oldest first.

        Args:
            project_id: Whose jobs.
            repository: In this repository.
            arch: On this arch.
            packages: Only of packages with these names.
            codes: Only with these results (``succeeded``, ``failed``, ``unchanged``).
            limit: At most so many.
        """
        statement = _HISTORY
        if packages is not None:
            statement = statement.where(_PACKAGE_NAME.in_(list(packages)))
        if codes is not None:
            statement = statement.where(jobs.c.result.in_(list(codes)))
        rows = self._tx.all(
            statement, project_id=project_id, repository=repository, arch=arch, limit=limit
        )
        return _SHAPE.load_all(rows[::-1])

    def successes(self, package_id: int, repository: str, arch: str, limit: int = 100) -> list[Job]:
        """The last ``limit`` succeeded jobs there, oldest first."""
        rows = self._tx.all(
            _SUCCESSES, package_id=package_id, repository=repository, arch=arch, limit=limit
        )
        return _SHAPE.load_all(rows[::-1])

    def max_bcnt(self, package_id: int, repository: str, versrel: str) -> int:
        """The highest build counter that succeeded for a versrel on any arch; 0 for none."""
        return (
            self._tx.value(_MAX_BCNT, package_id=package_id, repository=repository, versrel=versrel)
            or 0
        )

    def owners_waiting(self, arch: str, priority: str) -> list[tuple[str, int]]:
        """(owner, number of scheduled jobs), by owner."""
        rows = self._tx.all(_OWNERS, arch=arch, priority=priority)
        return [(row[0], row[1]) for row in rows]

    def next_for(self, owner: str, arch: str, priority: str, limit: int = 1) -> list[Job]:
        """An owner's scheduled jobs, oldest first."""
        rows = self._tx.all(_NEXT, owner=owner, arch=arch, priority=priority, limit=limit)
        return _SHAPE.load_all(rows)


_PACKAGE_NAME = packages.c.name
_DEFAULTS = _SHAPE.defaults()
