"""Builds with everything their JSON needs, read in few questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import UnknownPackage
from storage.model import Build, Job, Project, SourceState

from .chroots import chroot_name, chroots_of
from .states import FINAL, build_state, chroot_state

if TYPE_CHECKING:
    from storage.records import Unit


@dataclass(frozen=True, slots=True)
class SeenBuild:
    """A build as it is now.

    Attributes:
        jobs: The newest job of each chroot that has one.
        words: State word by chroot, in the project's order.
    """

    build: Build
    jobs: Mapping[str, Job]
    words: Mapping[str, str]

    @property
    def chroots(self) -> list[str]:
        """The chroots the build is for; none while that is not known."""
        return list(self.words)

    @property
    def state(self) -> str:
        """The build's own state word."""
        return build_state(self.build, self.words.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens."""
        return self.state in FINAL


def look_at(unit: Unit, builds: Sequence[Build], project: Project) -> list[SeenBuild]:
    """Builds of one project with their jobs and states."""
    jobs_of = unit.jobs.of_builds([build.id for build in builds])
    return [_seen(unit, build, project, jobs_of[build.id]) for build in builds]


def look(unit: Unit, build: Build, project: Project) -> SeenBuild:
    """One build with its jobs and states."""
    return look_at(unit, [build], project)[0]


def unfinished(unit: Unit, builds: Sequence[Build], project: Project) -> list[int]:
    """Numbers of the builds that are not over, ascending."""
    return sorted(seen.build.id for seen in look_at(unit, builds, project) if not seen.is_over)


def still_running(numbers: Sequence[int]) -> str:
    """The line that refuses to delete what is not over."""
    return f"Build(s) {', '.join(str(number) for number in numbers)} are still running.\n"


def _seen(unit: Unit, build: Build, project: Project, jobs: Sequence[Job]) -> SeenBuild:
    newest = {chroot_name(job.repository, job.arch): job for job in jobs}
    here = chroots_of(project.meta)
    chroots = _chroots(build, here, newest)
    given_up = any(chroot not in newest for chroot in chroots) and _is_given_up(unit, build)
    words = {
        chroot: "canceled"
        if chroot not in newest and _awaits_jobs(build) and (given_up or chroot not in here)
        else chroot_state(build, newest.get(chroot))
        for chroot in chroots
    }
    return SeenBuild(build, newest, words)


def _chroots(build: Build, here: Sequence[str], jobs: Mapping[str, Job]) -> list[str]:
    """Those chosen at submission, or else what the planner made jobs for."""
    chosen = build.options.get("chroots")
    if chosen is None and not jobs and build.source_state is SourceState.SUCCEEDED:
        return list(here)
    wanted = set(chosen or ()) | set(jobs)
    known = [chroot for chroot in here if chroot in wanted]
    return known + sorted(wanted - set(known))


def _awaits_jobs(build: Build) -> bool:
    return build.source_state is SourceState.SUCCEEDED and not build.canceled


def _is_given_up(unit: Unit, build: Build) -> bool:
    """Whether no job will come any more: only the newest sources of a package are built."""
    if not _awaits_jobs(build) or build.package_id is None:
        return False
    try:
        if unit.packages.by_id(build.package_id).deleted_at is not None:
            return True
    except UnknownPackage:
        return True
    latest = unit.builds.latest(build.package_id)
    return latest is not None and latest.id > build.id and _awaits_jobs(latest)
