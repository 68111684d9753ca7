"""From events to scopes: who has to be looked at because of what happened."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from storage.errors import NotFound
from storage.model import Event, EventKind, Job, JobState, Project
from storage.names import PROJECT_CONTAINER
from storage.records import Unit

from ..house import BuilderHouse
from .paths import search_path
from .repositories import Repositories
from .results import offered
from .scopes import Scope, Wanted, scopes_of

_log = logging.getLogger(__name__)

_OPEN = tuple(state for state in JobState if not state.is_final)
_RUNNING = (JobState.DISPATCHING, JobState.BUILDING, JobState.SIGNING, JobState.FINISHED)
_MOST_HOPS = 50


@dataclass(slots=True)
class Work:
    """What a batch of events asks for.

    Attributes:
        wanted: By scope.
        unpublish: (project, repository) that may be gone.
        stopped: Jobs whose execution has to be ended.
    """

    wanted: dict[Scope, Wanted] = field(default_factory=dict)
    unpublish: set[tuple[str, str]] = field(default_factory=set)
    stopped: list[int] = field(default_factory=list)

    def want(self, scope: Scope, wanted: Wanted) -> None:
        """Have a scope looked at."""
        self.wanted.setdefault(scope, Wanted()).add(wanted)


class EventReader:
    """Turns events into work; keeps what it needs to know across steps in memory only."""

    def __init__(self, house: BuilderHouse, repositories: Repositories) -> None:
        """Read for ``house``; ``repositories`` is told what to forget."""
        self._house = house
        self._repositories = repositories

    def read(self, unit: Unit, events: Iterable[Event]) -> Work:
        """What a batch asks for; rows of things that are gone are cleared away."""
        work = Work()
        for event in events:
            try:
                self._one(unit, event, work)
            except NotFound as error:
                _log.info("event_of_the_past", extra={"event": event.id, "reason": str(error)})
            except (KeyError, TypeError, ValueError):
                _log.exception("event_unreadable", extra={"event": event.id})
        return work

    def _one(self, unit: Unit, event: Event, work: Work) -> None:
        kind = event.kind
        if kind is EventKind.DEPENDENCY_PUBLISHED:
            return  # results count as soon as they are there; this one is for others
        if kind is EventKind.PROJECT_DELETED:
            self._project_gone(unit, event, work)
            return
        project = unit.projects.get(event.project)
        if kind is EventKind.PACKAGE_DELETED:
            self._package_gone(unit, event, project, work)
        elif kind is EventKind.CHECK_ASKED:
            self._look_again(unit, event, project, work)
        elif event.package in (None, str(PROJECT_CONTAINER)):
            self._project_changed(unit, project, work)
        else:
            self._repositories.forget_packages(project.id)
            if kind is EventKind.REBUILD_ASKED:
                self._rebuild(unit, event, project)
            if kind is EventKind.META_CHANGED:
                self._meta_changed(unit, event, project, work)
            for scope in scopes_of(project):
                work.want(scope, Wanted(packages={str(event.package)}))

    def _project_changed(self, unit: Unit, project: Project, work: Work) -> None:
        """Meta or configuration: everything here and everything on top of it."""
        self._repositories.forget_project(project.id)
        scopes = scopes_of(project)
        for scope in scopes:
            work.want(scope, Wanted(everything=True))
        self._clear_removed(unit, project, set(scopes), work)
        for scope in self.dependents(unit, project.name, None):
            work.want(scope, Wanted(everything=True))

    def _clear_removed(self, unit: Unit, project: Project, scopes: set[Scope], work: Work) -> None:
        """Forget repositories and architectures the meta no longer has."""
        places = {(scope.repository, scope.arch) for scope in scopes}
        repositories = {repository.name for repository in project.meta.repositories}
        for target in unit.targets.of_project(project.id):
            if (target.repository, target.arch) in places:
                continue
            job = unit.jobs.open_for(target.package_id, target.repository, target.arch)
            self._end(unit, job, "the repository was removed", work)
            unit.targets.delete(target.package_id, target.repository, target.arch)
        for row in unit.publications.of_project(project.id):
            if row.repository not in repositories:
                work.unpublish.add((project.name, row.repository))
                if row.arch:
                    unit.publications.delete(project.id, row.repository, row.arch)
            elif row.arch and (row.repository, row.arch) not in places:
                unit.publications.delete(project.id, row.repository, row.arch)
                work.unpublish.add((project.name, row.repository))

    def _package_gone(self, unit: Unit, event: Event, project: Project, work: Work) -> None:
        self._repositories.forget_packages(project.id)
        package_id = int(event.payload["package_id"])
        for target in unit.targets.of_package(package_id):
            job = unit.jobs.open_for(package_id, target.repository, target.arch)
            self._end(unit, job, "the package was deleted", work)
            names = self._names(unit, target.good_job_id)
            scope = Scope(project.id, project.name, target.repository, target.arch)
            self._touch(unit, scope, Wanted(names=names), work)
        unit.targets.delete(package_id)
        for scope in scopes_of(project):
            work.want(scope, Wanted())

    def _project_gone(self, unit: Unit, event: Event, work: Work) -> None:
        project_id = int(event.payload["project_id"])
        self._repositories.forget_project(project_id)
        for target in unit.targets.of_project(project_id):
            job = unit.jobs.open_for(target.package_id, target.repository, target.arch)
            self._end(unit, job, "the project was deleted", work)
        for row in unit.publications.of_project(project_id):
            work.unpublish.add((event.project, row.repository))
            unit.publications.delete(project_id, row.repository)
        for scope in self.dependents(unit, event.project, None):
            work.want(scope, Wanted(everything=True))

    def _look_again(self, unit: Unit, event: Event, project: Project, work: Work) -> None:
        payload = event.payload
        names = set(payload.get("names") or ())
        packages = set(payload.get("packages") or ())
        if event.package:
            packages.add(event.package)
        for scope in scopes_of(project):
            if payload.get("repository") not in (None, scope.repository):
                continue
            if payload.get("arch") not in (None, scope.arch):
                continue
            lost = payload.get("lost")
            if lost:
                package = unit.packages.find(project.name, str(lost))
                newest = package and unit.jobs.successes(
                    package.id, scope.repository, scope.arch, 1
                )
                names |= self._names(unit, newest[-1].id if newest else None)
            wanted = Wanted(bool(payload.get("everything")), set(packages), set(names))
            self._touch(unit, scope, wanted, work)

    def _touch(self, unit: Unit, scope: Scope, wanted: Wanted, work: Work) -> None:
        """Want a scope, and those that build on it when capabilities changed."""
        work.want(scope, wanted)
        if wanted.names:
            for other in self.dependents(unit, scope.project, scope.repository):
                if other.arch == scope.arch:
                    work.want(other, Wanted(names=set(wanted.names)))

    def _rebuild(self, unit: Unit, event: Event, project: Project) -> None:
        """Forget the records of a package; a job of the same sources that runs goes on."""
        package = unit.packages.get(project.name, str(event.package))
        chroots = None
        if event.payload.get("build_id"):
            chroots = unit.builds.get(int(event.payload["build_id"])).options.get("chroots")
        for target in unit.targets.of_package(package.id):
            if chroots is not None and f"{target.repository}-{target.arch}" not in chroots:
                continue
            unit.targets.put(replace(target, record=""))

    def _meta_changed(self, unit: Unit, event: Event, project: Project, work: Work) -> None:
        """Its results may be offered now, or no longer: whoever uses them is looked at."""
        package = unit.packages.get(project.name, str(event.package))
        for target in unit.targets.of_package(package.id):
            if names := self._names(unit, target.good_job_id):
                scope = Scope(project.id, project.name, target.repository, target.arch)
                self._touch(unit, scope, Wanted(names=names), work)

    def _names(self, unit: Unit, job_id: int | None) -> set[str]:
        """Everything a result offered."""
        if job_id is None:
            return set()
        return offered(unit.binaries.of_job(job_id))

    def _end(self, unit: Unit, job: Job | None, details: str, work: Work) -> None:
        if job is None:
            return
        now = int(self._house.clock())
        if (
            unit.jobs.transition(job.id, _OPEN, JobState.CANCELED, ended_at=now, details=details)
            and job.state in _RUNNING
        ):
            work.stopped.append(job.id)

    def dependents(self, unit: Unit, project: str, repository: str | None) -> Iterator[Scope]:
        """Scopes of other repositories whose search path comes by here."""
        seen: set[tuple[str, str]] = set()
        waiting = [(project, repository)]
        for _ in range(_MOST_HOPS):
            following: list[tuple[str, str | None]] = []
            for name, place in waiting:
                for pair in unit.projects.paths_to(name, place):
                    if pair not in seen:
                        seen.add(pair)
                        following.append(pair)
            if not following:
                break
            waiting = following
        for name, place in sorted(seen):
            found = unit.projects.find(name)
            if found is None:
                continue
            path = search_path(self._house, unit, found, place)
            if any(
                element.name == project and repository in (None, element.repository)
                for element in path.elements
            ) or any(text.startswith(f"{project}/") for text in path.unavailable):
                yield from (s for s in scopes_of(found) if s.repository == place)
