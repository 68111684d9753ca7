"""Builds with everything their JSON needs, read in few questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storage.model import Build, Job, Project

from . import json as shapes
from .chroots import chroots_of
from .names import FullName
from .states import FINAL, build_state
from .urls import Urls

if TYPE_CHECKING:
    from storage.records import Unit


def chroots_of_build(build: Build, project: Project, jobs: Sequence[Job]) -> list[str]:
    """The chroots a build is for, in the project's order; none while that is not known.

    They were chosen at submission, or are what the planner made jobs for.
    """
    chosen = build.options.get("chroots")
    wanted = set(chosen or ()) | {shapes.job_chroot(job) for job in jobs}
    if chosen is None and not jobs and build.source_state == "succeeded":
        return chroots_of(project.meta)
    known = [chroot for chroot in chroots_of(project.meta) if chroot in wanted]
    return known + sorted(wanted - set(known))


def newest(jobs: Sequence[Job]) -> dict[str, Job]:
    """The last job of each chroot."""
    return {shapes.job_chroot(job): job for job in jobs}


def show_builds(
    unit: Unit, builds: Sequence[Build], project: Project, name: FullName, urls: Urls
) -> list[dict[str, Any]]:
    """The JSON of many builds of one project."""
    jobs_of = unit.jobs.of_builds([build.id for build in builds])
    return [show_build(build, project, name, urls, jobs_of[build.id]) for build in builds]


def show_build(
    build: Build, project: Project, name: FullName, urls: Urls, jobs: Sequence[Job]
) -> dict[str, Any]:
    """The JSON of one build."""
    chroots = chroots_of_build(build, project, jobs)
    return shapes.build(build, name, urls, chroots, list(newest(jobs).values()))


def state_of(build: Build, project: Project, jobs: Sequence[Job]) -> str:
    """The state word of a build."""
    chroots = chroots_of_build(build, project, jobs)
    return build_state(build, chroots, newest(jobs).values())


def unfinished(unit: Unit, builds: Sequence[Build], project: Project) -> list[int]:
    """Numbers of the builds that are not over, ascending."""
    jobs_of = unit.jobs.of_builds([build.id for build in builds])
    open_ones = [b.id for b in builds if state_of(b, project, jobs_of[b.id]) not in FINAL]
    return sorted(open_ones)


def still_running(numbers: Sequence[int]) -> str:
    """The line that refuses to delete what is not over."""
    return f"Build(s) {', '.join(str(number) for number in numbers)} are still running.\n"
