"""Builds: wishes to build one package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from ...errors import UnknownBuild
from ...model import Build, JobState, SourceState
from ..shape import Shape
from ..tables.building import binaries, builds, jobs, targets
from ..tables.sources import projects
from .base import PAGE, Store, is_id

_SHAPE = Shape(Build, builds, project=projects.c.name)
_ALL = select(*_SHAPE.columns).join(projects, projects.c.id == builds.c.project_id)
_BY_ID = _ALL.where(builds.c.id == bindparam("id"))
_LATEST = (
    _ALL.where(builds.c.package_id == bindparam("package_id")).order_by(builds.c.id.desc()).limit(1)
)
_GOOD = JobState.SUCCEEDED.value
_HARMLESS = (_GOOD, JobState.EXCLUDED.value, JobState.DISABLED.value)
_LATEST_SUCCEEDED = _LATEST.where(
    builds.c.source_state == SourceState.SUCCEEDED.value,
    select(jobs.c.id).where(jobs.c.build_id == builds.c.id, jobs.c.state == _GOOD).exists(),
    ~select(jobs.c.id)
    .where(jobs.c.build_id == builds.c.id, jobs.c.state.not_in(_HARMLESS))
    .exists(),
)
_AT_WORK = (SourceState.STARTING, SourceState.RUNNING, SourceState.IMPORTING)
_BEAT = (
    update(builds)
    .where(
        builds.c.id == bindparam("key"),
        builds.c.source_attempt == bindparam("current"),
        builds.c.source_state.in_([state.value for state in _AT_WORK]),
        ~builds.c.canceled,
    )
    .values(source_beat_at=bindparam("at"))
)
_STALE = (
    _ALL.where(
        builds.c.source_state.in_([state.value for state in _AT_WORK]),
        func.coalesce(builds.c.source_beat_at, builds.c.source_started_at, builds.c.created_at)
        < bindparam("before"),
    )
    .order_by(builds.c.id)
    .limit(PAGE)
)
_SET = update(builds).where(builds.c.id == bindparam("key"))


class Builds(Store):
    """The builds; numbers grow and never come twice."""

    def create(self, build: Build) -> Build:
        """Add a build; ``id`` and ``project`` of the argument do not count.

        Returns:
            The build with its number.
        """
        statement = builds.insert().returning(builds.c.id)
        number = self._tx.write(statement, _SHAPE.dump_whole(build, without=["id"])).scalar_one()
        return self.get(number)

    def get(self, build_id: int) -> Build:
        """The build of that number.

        Raises:
            UnknownBuild: There is none.
        """
        row = self._tx.first(_BY_ID, id=build_id) if is_id(build_id) else None
        if row is None:
            raise UnknownBuild(f"build {build_id} does not exist", build=build_id)
        return _SHAPE.load(row)

    def update(self, build_id: int, **fields: Any) -> Build:
        """Change fields of the dataclass by name.

        Raises:
            UnknownBuild: There is no such build.
        """
        if fields:
            values = _SHAPE.dump(fields)
            if not self._tx.write(_SET.values(**values), {"key": build_id}).rowcount:
                raise UnknownBuild(f"build {build_id} does not exist", build=build_id)
        return self.get(build_id)

    def list_for(
        self,
        project_id: int,
        package_id: int | None = None,
        limit: int = PAGE,
        offset: int = 0,
        newest_first: bool = True,
    ) -> list[Build]:
        """A project's builds, or those of one package of it, in order of number."""
        owner = builds.c.project_id == project_id
        if package_id is not None:
            owner = builds.c.package_id == package_id
        order = builds.c.id.desc() if newest_first else builds.c.id
        statement = _ALL.where(owner).order_by(order).offset(offset).limit(limit)
        return _SHAPE.load_all(self._tx.all(statement))

    def of_package(
        self, package_id: int, limit: int = PAGE, offset: int = 0, newest_first: bool = True
    ) -> list[Build]:
        """``list_for`` of one package."""
        return self.list_for(0, package_id, limit, offset, newest_first)

    def with_source_state(self, states: Sequence[SourceState], limit: int = PAGE) -> list[Build]:
        """Builds whose source part is in one of these states, oldest first."""
        words = [SourceState(state).value for state in states]
        statement = _ALL.where(builds.c.source_state.in_(words)).order_by(builds.c.id).limit(limit)
        return _SHAPE.load_all(self._tx.all(statement))

    def transition_source(
        self,
        build_id: int,
        from_states: Sequence[SourceState],
        to_state: SourceState,
        *,
        if_attempt: int | None = None,
        **fields: Any,
    ) -> bool:
        """Move the source part to another state if it still is where the caller believes.

        Args:
            build_id: Which build.
            from_states: States its source part may be in.
            to_state: The new state.
            if_attempt: Also demand this attempt number; fences late results.
            **fields: Further fields of the dataclass to set.

        Returns:
            False, with nothing changed, when the build is gone or moved on.
        """
        words = [SourceState(state).value for state in from_states]
        statement = update(builds).where(
            builds.c.id == build_id, builds.c.source_state.in_(words), ~builds.c.canceled
        )
        if if_attempt is not None:
            statement = statement.where(builds.c.source_attempt == if_attempt)
        values = _SHAPE.dump(fields | {"source_state": SourceState(to_state)})
        return self._tx.write(statement.values(**values)).rowcount == 1

    def beat_source(self, build_id: int, attempt: int, at: int) -> bool:
        """Note a heartbeat of the source part; False says that it is not that worker's any more."""
        return self._tx.write(_BEAT, {"key": build_id, "current": attempt, "at": at}).rowcount == 1

    def stale_sources(self, before: int) -> list[Build]:
        """Builds whose source part is at work without a sign of life since ``before``."""
        return _SHAPE.load_all(self._tx.all(_STALE, before=before))

    def latest(self, package_id: int) -> Build | None:
        """The package's newest build, or None."""
        row = self._tx.first(_LATEST, package_id=package_id)
        return None if row is None else _SHAPE.load(row)

    def latest_succeeded(self, package_id: int) -> Build | None:
        """The package's newest build with a succeeded job and none that failed or is open."""
        row = self._tx.first(_LATEST_SUCCEEDED, package_id=package_id)
        return None if row is None else _SHAPE.load(row)

    def delete(self, build_id: int) -> None:
        """Forget a build, its jobs and their results; targets forget them too.

        Raises:
            UnknownBuild: There is no such build.
        """
        mine = select(jobs.c.id).where(jobs.c.build_id == build_id)
        for column in (targets.c.job_id, targets.c.good_job_id):
            self._tx.write(update(targets).where(column.in_(mine)).values({column: None}))
        self._tx.write(delete(binaries).where(binaries.c.job_id.in_(mine)))
        self._tx.write(delete(jobs).where(jobs.c.build_id == build_id))
        if not self._tx.write(delete(builds).where(builds.c.id == build_id)).rowcount:
            raise UnknownBuild(f"build {build_id} does not exist", build=build_id)
