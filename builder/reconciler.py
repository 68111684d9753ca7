"""Keeps what SQL says and what workers do in agreement; a step every ten seconds or so.

Everything here may be interrupted or run twice: each change is a compare-and-set
on state and attempt.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from storage.errors import UnknownBuild
from storage.model import Build, Job, JobState, SourceState
from storage.records import Unit

from . import outcome
from .house import BuilderHouse
from .logs import LogWriter, log_path
from .queue import QueueDown, Standing, Ticket

_log = logging.getLogger(__name__)

_PAGE = 1000
_AT_WORK = (JobState.BUILDING, JobState.SIGNING)


class Reconciler:
    """Puts back what was lost, ends what is no longer wanted."""

    def __init__(self, house: BuilderHouse, *, grace_s: float = 10.0) -> None:
        """Watch over a house.

        Args:
            house: The builder's house.
            grace_s: How long a queued job may be unseen before it is queued again.
        """
        self._house = house
        self._grace_s = grace_s
        self._unseen: dict[Ticket, float] = {}

    def run(self, stop: threading.Event, every_s: float = 10.0) -> None:
        """Step until told to stop; an error of one step does not end it."""
        while not stop.wait(every_s):
            try:
                self.step()
            except Exception:  # SQL or Redis away; both may come back
                _log.exception("reconciling failed")

    def step(self) -> None:
        """Look at everything once."""
        try:
            held = self._house.queue.held()
        except QueueDown:
            _log.warning("queue cannot be seen")
            return
        self._lost_workers()
        self._lost_sources()
        self._missing(held)
        self._unwanted(held)

    def _lost_workers(self) -> None:
        """Jobs whose worker gave no sign of life: report, or build again, a few times."""
        before = int(self._house.clock() - self._house.settings.lost_after_s)
        with self._house.records.read() as unit:
            stale = [job for job in unit.jobs.stale(before) if job.state in _AT_WORK]
        for job in stale:
            found = outcome.kept(self._house.settings.job_dir(job.id, job.attempt))
            if found is not None:
                _log.info("finished build is reported", extra={"job": job.id})
                outcome.report(self._house, job.id, job.attempt, found)
            elif job.lost >= self._house.settings.lost_limit:
                self._give_up(job)
            else:
                self._again(job)

    def _again(self, job: Job) -> None:
        _log.warning("worker lost", extra={"job": job.id, "worker": job.worker})
        attempt = job.attempt + 1
        with self._house.records.begin() as unit:
            moved = unit.jobs.transition(
                job.id,
                _AT_WORK,
                JobState.DISPATCHING,
                if_attempt=job.attempt,
                attempt=attempt,
                lost=job.lost + 1,
                queued_at=int(self._house.clock()),
                started_at=None,
                heartbeat_at=None,
                worker="",
                details="worker lost, queued again",
            )
        if moved:
            self._house.queue.stop(job.id, attempt=job.attempt)
            self._house.queue.enqueue(job.id, attempt, job.arch, job.priority)

    def _give_up(self, job: Job) -> None:
        text = f"worker lost {job.lost + 1} times"
        writer = LogWriter(log_path(self._house.settings, job), limit_bytes=1 << 62)
        writer.say(text)
        writer.close()
        outcome.report(self._house, job.id, job.attempt, outcome.Outcome("broken", text))

    def _lost_sources(self) -> None:
        before = int(self._house.clock() - self._house.settings.lost_after_s)
        with self._house.records.read() as unit:
            stale = unit.builds.stale_sources(before)
        for build in stale:
            attempt = build.source_attempt + 1
            with self._house.records.begin() as unit:
                moved = unit.builds.transition_source(
                    build.id,
                    (build.source_state,),
                    SourceState.PENDING,
                    if_attempt=build.source_attempt,
                    source_attempt=attempt,
                    source_beat_at=None,
                )
            if moved:
                _log.warning("worker of a source part lost", extra={"build": build.id})
                self._house.queue.enqueue_source(build.id, attempt)

    def _missing(self, held: Mapping[Ticket, Standing]) -> None:
        """What SQL says is queued and the queue does not know, for longer than a moment."""
        now = self._house.clock()
        with self._house.records.read() as unit:
            jobs = unit.jobs.with_state((JobState.DISPATCHING,), _PAGE)
            jobs += unit.jobs.with_state((JobState.SCHEDULED,), _PAGE)
            builds = unit.builds.with_source_state((SourceState.PENDING,), _PAGE)
        queued: dict[Ticket, Job | Build] = {
            Ticket("job", job.id, job.attempt): job
            for job in jobs
            if job.state is JobState.DISPATCHING or job.queued_at is not None
        }
        for build in builds:
            if build.source_type and not build.canceled:
                queued[Ticket("source", build.id, build.source_attempt)] = build
        missing = [ticket for ticket in queued if ticket not in held]
        self._unseen = {ticket: self._unseen.get(ticket, now) for ticket in missing}
        for ticket, since in self._unseen.items():
            if now - since >= self._grace_s:
                _log.warning("queued again", extra={"ticket": str(ticket)})
                self._enqueue(ticket, queued[ticket])

    def _enqueue(self, ticket: Ticket, row: Job | Build) -> None:
        if isinstance(row, Job):
            self._house.queue.enqueue(row.id, ticket.attempt, row.arch, row.priority)
        else:
            low = "low" if row.options.get("background") else "default"
            self._house.queue.enqueue_source(row.id, ticket.attempt, low)

    def _unwanted(self, held: Mapping[Ticket, Standing]) -> None:
        """Running tickets that SQL no longer wants: canceled, deleted or superseded."""
        running = [ticket for ticket, standing in held.items() if standing == "running"]
        with self._house.records.read() as unit:
            unwanted = [ticket for ticket in running if not _wanted(unit, ticket)]
        for ticket in unwanted:
            _log.info("unwanted work is stopped", extra={"ticket": str(ticket)})
            self._house.queue.stop(
                ticket.id, source=ticket.kind == "source", attempt=ticket.attempt
            )


def _wanted(unit: Unit, ticket: Ticket) -> bool:
    try:
        if ticket.kind == "source":
            return not unit.builds.get(ticket.id).canceled
        job = unit.jobs.get(ticket.id)
        return job.attempt == ticket.attempt and not job.state.is_final
    except UnknownBuild:
        return False
