"""One build: take the job, prepare a root, build, collect, report."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from storage.errors import InvalidContent, NotFound, PackhouseError, TooLarge
from storage.model import Job, JobState

from . import outcome
from .artifacts import BadResults, collect, described, results_dir, same_content
from .chroots.base import (
    Bind,
    Chroot,
    ChrootBroken,
    ExitStatus,
    InstallSet,
    Root,
    Sink,
    Unresolvable,
)
from .chroots.cache import remove_tree
from .chroots.limits import Limits
from .chroots.namespaces import isolate
from .heartbeat import Heartbeat
from .house import BuilderHouse
from .logs import LogWriter, log_path
from .makers import Maker, Making, maker_for
from .materials import give_all, install_set, write_sources
from .outcome import Outcome
from .queue import QueueDown

_log = logging.getLogger(__name__)

_ALWAYS_NEW = ("copr", "upload")  # causes whose builds own their results, even unchanged ones
_ENDINGS = {
    "timeout": "the build took longer than {wall_s:.0f} seconds",
    "idle": "the build printed nothing for {idle_s:.0f} seconds",
    "log": "the build log grew larger than {log_bytes} bytes",
    "memory": "the build ran out of memory",
    "stopped": "the build was stopped",
}


def limits_for(house: BuilderHouse, timeout_s: float | None = None) -> Limits:
    """The limits of one build by the settings."""
    settings = house.settings
    return Limits(
        wall_s=float(timeout_s or settings.build_timeout_s),
        idle_s=float(settings.idle_timeout_s),
        disk_bytes=settings.disk_limit_bytes,
        memory_bytes=settings.memory_limit_bytes,
        log_bytes=settings.log_limit_bytes,
        result_bytes=settings.result_limit_bytes,
        file_bytes=settings.disk_limit_bytes,
    )


@contextmanager
def opened_root(
    chroot: Chroot, install: InstallSet, limits: Limits, sink: Sink, *, slot: int = 0
) -> Iterator[Root]:
    """A root in a process made for it: base first, then isolation, then the mounts.

    The process can do nothing else afterwards; see ``namespaces.isolate``.
    """
    chroot.base()
    isolate(chroot.mode)
    with chroot.prepare(install, limits, sink, slot=slot) as root:
        yield root


def run_in_sandbox(
    root: Root,
    argv: Sequence[str],
    *,
    sink: Sink,
    binds: Sequence[Bind] = (),
    network: bool = False,
    timeout_s: float | None = None,
    stop: threading.Event | None = None,
) -> ExitStatus:
    """Run a command that nobody vouches for as the build user of an open root."""
    give_all(root, root.home)
    return root.run(argv, sink=sink, binds=binds, network=network, timeout_s=timeout_s, stop=stop)


class BuildRun:
    """One attempt at one job, in a process of its own."""

    def __init__(
        self,
        house: BuilderHouse,
        job_id: int,
        attempt: int,
        *,
        worker: str,
        slot: int = 0,
        stop: threading.Event | None = None,
    ) -> None:
        """Describe the attempt.

        Args:
            house: The builder's house.
            job_id: Which job.
            attempt: Which attempt; the job is left alone when it is not the current one.
            worker: Name of the worker, shown as ``building on ...``.
            slot: Build slot held by the caller.
            stop: Set from outside (shutdown) to give the job back.
        """
        self._house = house
        self._job_id = job_id
        self._attempt = attempt
        self._worker = worker
        self._slot = slot
        self._stop = stop or threading.Event()

    def run(self) -> Outcome | None:
        """Do it; None when there was nothing to do or the job went back to the queue."""
        job = self._take()
        if job is None:
            _log.info("job has moved on", extra={"job": self._job_id, "attempt": self._attempt})
            return None
        limits = limits_for(self._house, job.options.get("timeout"))
        log = LogWriter(log_path(self._house.settings, job), limit_bytes=limits.log_bytes)
        try:
            found = self._attempt_build(job, limits, log)
        finally:
            log.close()
        if found is None:
            return None
        found = replace(found, ended_at=int(self._house.clock()))
        outcome.keep(self._house, job.id, job.attempt, found)
        if not outcome.report(self._house, job.id, job.attempt, found):
            _log.info("result comes too late", extra={"job": job.id, "attempt": job.attempt})
        return found

    def _take(self) -> Job | None:
        now = int(self._house.clock())
        with self._house.records.begin() as unit:
            taken = unit.jobs.transition(
                self._job_id,
                (JobState.SCHEDULED, JobState.DISPATCHING),
                JobState.BUILDING,
                if_attempt=self._attempt,
                worker=self._worker,
                started_at=now,
                heartbeat_at=now,
                details=f"building on {self._worker}",
            )
            return unit.jobs.get(self._job_id) if taken else None

    def _attempt_build(self, job: Job, limits: Limits, log: LogWriter) -> Outcome | None:
        log.say(f"building {job.recipe or job.package} of {job.project}/{job.package}")
        log.say(f"for {job.repository} {job.arch} on {self._worker}, revision {job.rev}")
        try:
            found = self._build(job, limits, log)
        except Unresolvable as error:
            found = Outcome("unresolvable", error.message)
        except ChrootBroken as error:
            _log.error("root is broken", extra={"job": job.id, **error.facts})
            log.say(f"the build root could not be set up: {error.message}")
            return self._give_back(job, error)
        except (BadResults, InvalidContent, TooLarge) as error:
            found = Outcome("failed", error.message)
        except NotFound as error:
            found = Outcome("broken", error.message)
        except Exception as error:  # a full disk, a database away: somebody else may do better
            _log.exception("build attempt failed", extra={"job": job.id})
            log.say("the build could not be carried out here")
            return self._give_back(job, ChrootBroken(f"internal error: {type(error).__name__}"))
        if found is not None:
            note = f": {found.details}" if found.details else ""
            log.say(f"build of {job.package} {found.result}{note}")
        return found

    def _build(self, job: Job, limits: Limits, log: LogWriter) -> Outcome | None:
        maker = maker_for(job.recipe)
        if maker is None:
            return Outcome("broken", f"no way to build {job.recipe or 'a package without recipe'}")
        chroot = self._chroot(job)
        with self._beating(job):
            chroot.base()  # can take a minute the first time
        isolate(chroot.mode)
        install = install_set(self._house, job, rpm=maker.needs_rpm)
        with (
            self._beating(job) as heart,
            chroot.prepare(install, limits, log, slot=self._slot) as root,
        ):
            status, missing = self._make(job, maker, root, log, heart.stop)
            if status.ended_by == "stopped":
                return None if heart.fenced else self._give_back(job, None)
            if not status.ok:
                return _failure(status, missing, limits)
            return self._collect(job, maker, root, limits)

    def _make(
        self, job: Job, maker: Maker, root: Root, log: LogWriter, stop: threading.Event
    ) -> tuple[ExitStatus, str]:
        """Run the recipe; how it ended, and what it says is missing."""
        sources = write_sources(self._house, job, root.home / maker.sources)
        instance = self._house.settings.instance
        origin = f"{job.project}/{job.repository}/{job.srcmd5}-{job.package}"
        command = maker.prepare(
            Making(
                home=root.home,
                job=job,
                files=sources.names,
                disturl=f"obs://{instance}/{origin}",
                time=sources.time,
                processors=self._processors(),
            )
        )
        give_all(root, root.home)
        output = _Remembering(log)
        status = root.run(
            command.argv,
            sink=output,
            env=command.env,
            network=bool(job.options.get("enable_net")),
            stop=stop,
        )
        return status, maker.missing(status.code, output.end)

    def _collect(self, job: Job, maker: Maker, root: Root, limits: Limits) -> Outcome:
        target = results_dir(self._house.settings, job.id, job.attempt)
        rows = collect(
            root.home,
            maker.places,
            target,
            max_files=limits.result_files,
            max_bytes=limits.result_bytes,
        )
        if not rows:
            return Outcome("failed", "the build made no packages")
        rows = described(rows, target)
        with self._house.records.read() as unit:
            cause = unit.builds.get(job.build_id).cause
            before = unit.targets.get(job.package_id, job.repository, job.arch)
            good = before.good_job_id if before else None
            old = unit.binaries.of_job(good) if good else []
        # A member of a dependency cycle always counts: else the cycle could rest too early.
        counts = cause in _ALWAYS_NEW or bool(job.options.get("nounchanged"))
        if not counts and same_content(rows, old):
            remove_tree(target)
            return Outcome("unchanged")
        return Outcome("succeeded", binaries=rows)

    def _give_back(self, job: Job, error: PackhouseError | None) -> Outcome | None:
        """Queue the job again; a root that breaks too often counts as a result."""
        lost = job.lost + (1 if error else 0)
        if error and lost > self._house.settings.lost_limit:
            return Outcome("broken", f"the build could not be set up: {error.message}")
        attempt = job.attempt + 1
        with self._house.records.begin() as unit:
            moved = unit.jobs.transition(
                job.id,
                (JobState.BUILDING,),
                JobState.DISPATCHING,
                if_attempt=job.attempt,
                attempt=attempt,
                lost=lost,
                queued_at=int(self._house.clock()),
                started_at=None,
                heartbeat_at=None,
                worker="",
                details=error.message if error else "",
            )
        if moved:
            try:
                self._house.queue.enqueue(job.id, attempt, job.arch, job.priority)
            except QueueDown:
                _log.warning("job waits for the reconciler", extra={"job": job.id})
        return None

    def _chroot(self, job: Job) -> Chroot:
        chroots = self._house.chroots
        name = str(job.install.get("base") or "")
        if name in chroots:
            return chroots[name]
        if not name and len(chroots) == 1:
            return next(iter(chroots.values()))
        raise ChrootBroken(f"no build environment '{name}' is configured here")

    def _beating(self, job: Job) -> Heartbeat:
        def beat() -> bool:
            with self._house.records.begin() as unit:
                return unit.jobs.beat(job.id, job.attempt, int(self._house.clock()))

        return Heartbeat(beat, self._house.settings.heartbeat_s, self._stop)

    def _processors(self) -> int:
        return max(1, len(os.sched_getaffinity(0)) // max(1, self._house.settings.slots))


class _Remembering:
    """Passes output to the log and remembers its last lines."""

    def __init__(self, log: LogWriter) -> None:
        self._log = log
        self._chunks: deque[bytes] = deque(maxlen=16)

    def write(self, data: bytes) -> bool:
        self._chunks.append(data)
        return self._log.write(data)

    @property
    def end(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")


def _failure(status: ExitStatus, missing: str, limits: Limits) -> Outcome:
    if status.ended_by:
        facts = {"wall_s": limits.wall_s, "idle_s": limits.idle_s, "log_bytes": limits.log_bytes}
        return Outcome("failed", _ENDINGS[status.ended_by].format(**facts))
    if missing:
        return Outcome("unresolvable", missing)
    return Outcome("failed", f"the build ended with exit status {status.code}")
