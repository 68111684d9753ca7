"""Finished jobs: what their results mean for the target and for whoever waits."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from storage.model import Binary, EventKind, Job, JobState, JsonObject, Publication, Target
from storage.records import Unit

from ..house import BuilderHouse
from ..resolver import parse_dependency, solvable_of
from .record import source_of, stand_in

_log = logging.getLogger(__name__)

_PAGE = 200
_GOOD = ("succeeded", "unchanged")


def take_finished(house: BuilderHouse) -> int:
    """Take the results of finished jobs, each in a transaction of its own.

    The event that wakes dependents is written with the result: a scheduler that
    dies in between forgets nobody.

    Returns:
        How many were taken.
    """
    with house.records.read() as unit:
        jobs = unit.jobs.with_state((JobState.FINISHED,), _PAGE)
    for job in jobs:
        with house.records.begin() as unit:
            _take(house, unit, job)
    return len(jobs)


def _take(house: BuilderHouse, unit: Unit, job: Job) -> None:
    good = job.result in _GOOD
    fields: JsonObject = {}
    if not good:
        fields["result"] = "failed"
        fields["options"] = job.options | {"unresolvable": job.result == "unresolvable"}
    state = JobState.SUCCEEDED if good else JobState.FAILED
    if not unit.jobs.transition(
        job.id, (JobState.FINISHED,), state, if_attempt=job.attempt, **fields
    ):
        return
    _log.info("job_taken", extra={"job": job.id, "result": job.result})
    target = unit.targets.get(job.package_id, job.repository, job.arch)
    if target is None or target.job_id != job.id:
        return  # the package is gone or wants other sources by now
    unit.targets.put(_after(house, job, target))
    names = _touched(unit, job, target.good_job_id)
    announce(house, unit, job.project, job.repository, job.arch, [job.package], names)


def _after(house: BuilderHouse, job: Job, target: Target) -> Target:
    now = int(house.clock())
    target = replace(target, details="", record=job.record, updated_at=now)
    if job.result == "succeeded":
        return replace(target, code=JobState.SUCCEEDED, good_job_id=job.id)
    if job.result == "unchanged":
        return replace(target, code=JobState.SUCCEEDED)
    if job.result == "unresolvable":
        return replace(target, code=JobState.UNRESOLVABLE, details=job.details)
    if job.result == "broken":
        record = stand_in(source_of(job.record), job.package)
        return replace(target, code=JobState.FAILED, record=record)
    return replace(target, code=JobState.FAILED)


def announce(
    house: BuilderHouse,
    unit: Unit,
    project: str,
    repository: str,
    arch: str,
    packages: Iterable[str],
    names: Iterable[str],
) -> None:
    """Have packages, and whoever uses some capabilities, looked at again."""
    now = int(house.clock())
    payload: JsonObject = {
        "repository": repository,
        "arch": arch,
        "packages": sorted(packages),
        "names": sorted(names),
    }
    unit.events.append(EventKind.CHECK_ASKED, project, None, payload, now)
    found = unit.projects.find(project)
    if found is not None:
        known = unit.publications.get(found.id, repository, arch)
        row = known or Publication(found.id, project, repository, arch)
        unit.publications.put(replace(row, dirty=True, updated_at=now))


def _touched(unit: Unit, job: Job, before: int | None) -> set[str]:
    """Names of old and new binaries, and every capability that came, went or changed."""
    new = unit.binaries.of_job(job.id) if job.result == "succeeded" else []
    old = unit.binaries.of_job(before) if before is not None else []
    if not new:
        return {name for name, _ in _offers(old)[0]}
    (old_names, old_offers), (new_names, new_offers) = _offers(old), _offers(new)
    changed = {parse_dependency(text).name for text in old_offers ^ new_offers}
    return {name for name, _ in old_names | new_names} | changed


def offered(rows: Iterable[Binary]) -> set[str]:
    """Names and capabilities of result files."""
    names, offers = _offers(rows)
    return {name for name, _ in names} | {parse_dependency(text).name for text in offers}


def _offers(rows: Iterable[Binary]) -> tuple[set[tuple[str, str]], set[str]]:
    names: set[tuple[str, str]] = set()
    offers: set[str] = set()
    for row in rows:
        solvable = solvable_of(row.header)
        if solvable is not None:
            names.add((solvable.name, solvable.evr))
            offers.update(solvable.provides)
    return names, offers
