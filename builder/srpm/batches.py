"""Batches: builds that wait until all builds of another batch are over.

A batch is named by the build it began with. ``options["batch"]`` says which
batch a build belongs to, its own number when it says nothing, and
``options["after_batch"]`` which one it waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import UnknownBuild
from storage.model import Build, SourceState

if TYPE_CHECKING:
    from storage.records import Unit

_LOOKED_AT = 1000


def is_due(unit: Unit, build_id: int) -> bool:
    """Whether nothing a build waits for is still under way."""
    try:
        build = unit.builds.get(build_id)
    except UnknownBuild:
        return False
    wanted = build.options.get("after_batch")
    if not wanted:
        return True
    try:
        first = unit.builds.get(int(wanted))
    except UnknownBuild:
        return True
    others = unit.builds.list_for(first.project_id, limit=_LOOKED_AT)
    return all(_is_over(unit, other) for other in others if batch_of(other) == batch_of(first))


def batch_of(build: Build) -> int:
    """The batch a build belongs to."""
    return int(build.options.get("batch") or build.id)


def _is_over(unit: Unit, build: Build) -> bool:
    if build.canceled or build.source_state in (SourceState.FAILED, SourceState.CANCELED):
        return True
    jobs = unit.jobs.of_build(build.id)
    return bool(jobs) and all(job.state.is_final for job in jobs)
