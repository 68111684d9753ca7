"""The scheduler: one loop over results, events, decisions, dispatch and publishing.

SQL is the truth. Every step may be interrupted anywhere and made again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.errors import PackhouseError
from storage.model import JobState
from storage.records import Unit

from ..house import BuilderHouse
from ..prjconf import ProjectConfig
from ..publish import recover
from ..queue import QueueDown
from .basewatch import BaseWatch
from .check import Checked, Checker
from .dispatch import next_jobs, waiting_jobs
from .events import EventReader, Work
from .publishing import conclude
from .results import take_finished
from .scopes import Scope, Wanted, repository_of
from .write import Writer

_log = logging.getLogger(__name__)

Publish = Callable[[str, str, ProjectConfig | None], object]

_EVENTS_AT_ONCE = 500
_PUBLISH_AT_ONCE = 5
_MOST_CHECKS = 10  # of one scope in one step; repositories may build on each other in circles
_WAIT_S = 5.0
_PUBLISH_RETRY_S = 60.0
_QUEUE_DEPTH = 2  # waiting tickets per build slot: few, or fairness would be decided too early
_NAME = "scheduler"


class Scheduler:
    """Decides what is built and published, and when."""

    def __init__(self, house: BuilderHouse, *, publish: Publish) -> None:
        """Schedule for a house.

        Args:
            house: The builder's house.
            publish: Brings the tree of (project, repository) up to date; the third
                argument is the repository's combined configuration, if it has one.
        """
        self._house = house
        self._publish = publish
        self.checker = Checker(house)
        self._reader = EventReader(house, self.checker.repositories)
        self._writer = Writer(house)
        self._bases = BaseWatch(house)
        self._pending: set[Scope] = set()
        self._last_owner: dict[str, str] = {}
        self._unpublished: dict[tuple[str, str], float] = {}

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop; only one scheduler of a data directory does."""
        with _only_one(self._house, stop) as alone:
            if alone:
                recover(self._house)
            while alone and not stop.is_set():
                try:
                    busy = self.step()
                except Exception:  # SQL, disk or Redis away; all may come back
                    _log.exception("step_failed")
                    stop.wait(1.0)
                    continue
                if not busy and not stop.is_set():
                    self._house.queue.wait(_WAIT_S)

    def step(self) -> bool:
        """One round; whether anything was done."""
        self._writer.begin_round()
        taken = take_finished(self._house)
        handled = self._handle_bases() + self._handle_events() + self._handle_stale()
        sent = self._dispatch()
        published = self._publish_dirty()
        return bool(taken or handled or sent or published)

    # --- what has to be looked at ---

    def _handle_events(self) -> int:
        with self._house.records.begin() as unit:
            # No lease: there is one scheduler, and what it did not finish it sees again.
            now = int(self._house.clock())
            events = unit.events.claim(_EVENTS_AT_ONCE, _NAME, 0, now)
            work = self._reader.read(unit, events)
        self._do(work)
        if events:
            with self._house.records.begin() as unit:
                for event in events:
                    unit.events.done(event.id)
        return len(events)

    def _handle_bases(self) -> int:
        """A distribution came or changed: everything on top of it."""
        work = Work()
        if self._bases.came_up():
            self._pending.clear()
        changed = self._bases.changed()
        with self._house.records.read() as unit:
            for place in changed:
                for scope in self._reader.dependents(unit, place.project, place.repository):
                    if scope.arch == place.arch:
                        work.want(scope, Wanted(everything=True))
        self._do(work)
        self._bases.checked(changed)
        return len(changed)

    def _handle_stale(self) -> int:
        """Scopes marked by others, or by a scheduler that died before it looked."""
        work = Work()
        with self._house.records.read() as unit:
            for row in unit.publications.dirty():
                scope = Scope(row.project_id, row.project, row.repository, row.arch)
                if row.arch and scope not in self._pending:
                    work.want(scope, Wanted(everything=True))
        self._do(work)
        return len(work.wanted)

    def _do(self, work: Work) -> None:
        """Check what is wanted, and scopes that build on what flipped."""
        for job_id in work.stopped:
            self._house.queue.stop(job_id)
        waiting = dict(sorted(work.wanted.items()))
        times: Counter[Scope] = Counter()
        order = deque(waiting)
        while order:
            scope = order.popleft()
            wanted = waiting.pop(scope)
            times[scope] += 1
            for other, names in self._check_safely(scope, wanted):
                if times[other] < _MOST_CHECKS:
                    if other not in waiting:
                        waiting[other] = Wanted()
                        order.append(other)
                    waiting[other].add(Wanted(names=names))
        for project, repository in sorted(work.unpublish):
            self._call_publish(project, repository, self._config(project, repository))

    def _check_safely(self, scope: Scope, wanted: Wanted) -> list[tuple[Scope, set[str]]]:
        """``_check``; what one repository holds must not stop the others."""
        try:
            return self._check(scope, wanted)
        except (PackhouseError, OSError):
            raise  # the database or the disk: the whole step is made again
        except Exception as error:
            _log.exception("check_failed", extra={"scope": str(scope)})
            found = Checked(scope, "broken", f"internal error: {type(error).__name__}")
            with self._house.records.begin() as unit:
                if (project := unit.projects.find(scope.project)) is not None:
                    repositories = self.checker.repositories
                    conclude(self._house, unit, project, found, repositories)
            self.checker.repositories.forget_project(scope.project_id)
            return []

    def _check(self, scope: Scope, wanted: Wanted) -> list[tuple[Scope, set[str]]]:
        """Check one scope and write what was found; scopes that have to follow."""
        records = self._house.records
        with records.read() as unit:
            project = unit.projects.find(scope.project)
            if project is None or repository_of(project, scope) is None:
                return self._forget(scope)
            found = self.checker.check(unit, project, scope, wanted)
        written = self._writer.write(found)
        with records.begin() as unit:
            conclude(self._house, unit, project, found, self.checker.repositories)
            following = self._following(unit, scope, found)
        for job_id in written.stopped:
            self._house.queue.stop(job_id)
        if found.pending:
            self._pending.add(scope)
        facts = {"scope": str(scope), "packages": len(found.verdicts), "state": found.state}
        _log.info("scope_checked", extra=facts)
        return following

    def _forget(self, scope: Scope) -> list[tuple[Scope, set[str]]]:
        """A scope that no longer exists must not stay marked."""
        with self._house.records.begin() as unit:
            unit.publications.delete(scope.project_id, scope.repository, scope.arch)
        return []

    def _following(self, unit: Unit, scope: Scope, found: Checked) -> list[tuple[Scope, set[str]]]:
        if not found.binaries:
            return []
        dependents = self._reader.dependents(unit, scope.project, scope.repository)
        return [(other, set(found.binaries)) for other in dependents if other.arch == scope.arch]

    # --- dispatch ---

    def _dispatch(self) -> int:
        sent = 0
        for arch in dict.fromkeys(c.arch for c in self._house.settings.chroots):
            try:
                sent += self._dispatch_arch(arch)
            except QueueDown:
                _log.warning("queue_down", extra={"arch": arch})
        return sent

    def _dispatch_arch(self, arch: str) -> int:
        room = max(_QUEUE_DEPTH * self._house.settings.slots, _QUEUE_DEPTH)
        room -= self._house.queue.depth(arch)
        if room <= 0:
            return 0
        with self._house.records.read() as unit:
            waiting = waiting_jobs(unit, arch, room)
        jobs = next_jobs(waiting, room, last_owner=self._last_owner.get(arch, ""))
        for job in jobs:
            with self._house.records.begin() as unit:
                moved = unit.jobs.transition(
                    job.id,
                    (JobState.SCHEDULED,),
                    JobState.DISPATCHING,
                    if_attempt=job.attempt,
                    queued_at=int(self._house.clock()),
                )
            if moved:
                self._last_owner[arch] = job.owner
                self._house.queue.enqueue(job.id, job.attempt, job.arch, job.priority)
        return len(jobs)

    # --- publishing ---

    def _publish_dirty(self) -> int:
        now = self._house.clock()
        with self._house.records.read() as unit:
            rows = [row for row in unit.publications.dirty() if not row.arch]
        due = [
            (row.project, row.repository)
            for row in rows
            if self._unpublished.get((row.project, row.repository), 0) <= now
        ]
        for project, repository in due[:_PUBLISH_AT_ONCE]:
            self._call_publish(project, repository, self._config(project, repository))
        return min(len(due), _PUBLISH_AT_ONCE)

    def _call_publish(self, project: str, repository: str, config: ProjectConfig | None) -> None:
        try:
            self._publish(project, repository, config)
            self._unpublished.pop((project, repository), None)
        except (PackhouseError, OSError):
            facts = {"project": project, "repository": repository}
            _log.exception("publish_failed", extra=facts)
            later = self._house.clock() + _PUBLISH_RETRY_S
            self._unpublished[project, repository] = later

    def _config(self, project: str, repository: str) -> ProjectConfig | None:
        with self._house.records.read() as unit:
            found = unit.projects.find(project)
            place = found.meta.repository(repository) if found else None
            if found is None or place is None:
                return None
            text = self.checker.config_text(unit, found, repository)
        return self.checker.configs.config(text, place.arches[0] if place.arches else "noarch")


@contextmanager
def _only_one(house: BuilderHouse, stop: threading.Event) -> Iterator[bool]:
    """Wait for the lock on the data directory; False when told to stop before."""
    path = house.settings.data_dir / "scheduler.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not stop.is_set():
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _log.info("another_scheduler_runs")
                stop.wait(_WAIT_S)
        yield not stop.is_set()
    finally:
        os.close(fd)
