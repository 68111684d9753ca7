"""Builds that are deleted, with their results and files."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder.planner.results import announce, offered
from builder.srpm.places import source_dir
from storage.errors import UnknownBuild
from storage.model import Build, Job

if TYPE_CHECKING:
    from storage.records import Unit

    from ..wiring import House


def remove_builds(house: House, builds: Iterable[Build]) -> None:
    """Forget builds; where one was the current result, the success before it takes over.

    A build that is gone already is passed over, so a broken call can be repeated.
    """
    data_dir = house.settings.data_dir
    for build in builds:
        try:
            with house.records.begin() as unit:
                jobs = unit.jobs.of_build(build.id)
                _step_back(house, unit, jobs)
                unit.builds.delete(build.id)
        except UnknownBuild:
            continue
        _remove_files([source_dir(data_dir, build.id), *(_job_dir(data_dir, job) for job in jobs)])
    house.queue.wake()


def _step_back(house: House, unit: Unit, jobs: Sequence[Job]) -> None:
    going = {job.id for job in jobs}
    for job in jobs:
        target = unit.targets.get(job.package_id, job.repository, job.arch)
        if target is None or target.good_job_id not in going:
            continue
        older = unit.jobs.successes(job.package_id, job.repository, job.arch)
        left = [each.id for each in older if each.id not in going]
        unit.targets.put(dataclasses.replace(target, good_job_id=left[-1] if left else None))
        names = offered(unit.binaries.of_job(job.id))
        announce(house.builder, unit, job.project, job.repository, job.arch, [job.package], names)


def _job_dir(data_dir: Path, job: Job) -> Path:
    return data_dir / "builds" / str(job.id)


def _remove_files(directories: Iterable[Path]) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
