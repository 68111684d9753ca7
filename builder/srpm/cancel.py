"""Ends a build at a caller's wish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.model import Job, JobState, SourceState

from ..chroots.cache import remove_tree
from ..house import BuilderHouse
from ..planner.results import announce
from .places import upload_dir

if TYPE_CHECKING:
    from storage.records import Unit

_OPEN = tuple(state for state in JobState if not state.is_final)
_SOURCE_OPEN = (
    SourceState.PENDING,
    SourceState.STARTING,
    SourceState.RUNNING,
    SourceState.IMPORTING,
)


def cancel_build(house: BuilderHouse, build_id: int) -> None:
    """Mark a build and its open jobs canceled, then stop what runs.

    The rows change first: a worker that finishes meanwhile finds that the
    result is not wanted any more.

    Raises:
        UnknownBuild: There is no such build.
    """
    now = int(house.clock())
    with house.records.begin() as unit:
        build = unit.builds.get(build_id)
        unit.builds.transition_source(
            build_id, _SOURCE_OPEN, SourceState.CANCELED, source_ended_at=now
        )
        unit.builds.update(build_id, canceled=True)
        stopped = [job for job in unit.jobs.of_build(build.id) if _cancel(house, unit, job, now)]
    house.queue.stop(build_id, source=True)
    remove_tree(upload_dir(house.settings.data_dir, build_id))
    for job in stopped:
        house.queue.stop(job.id)
    house.queue.wake()


def _cancel(house: BuilderHouse, unit: Unit, job: Job, now: int) -> bool:
    """Cancel one job and have the planner say what its package is now."""
    moved = unit.jobs.transition(
        job.id,
        _OPEN,
        JobState.CANCELED,
        ended_at=now,
        details="canceled",
        result="failed" if job.started_at is not None else "",
    )
    if moved:
        announce(house, unit, job.project, job.repository, job.arch, [job.package], ())
    return moved
