"""Worker processes: RQ hands out numbers, each is done in a forked child ("work-horse").

The child dies with its worker, makes its own mount namespace and holds a build
slot; whatever kills it, nothing it started or mounted stays.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from rq import Queue as RedisQueue
from rq import Worker
from rq.job import Job as RedisJob
from rq.serializers import JSONSerializer

from .chroots.namespaces import die_with_parent
from .house import BuilderHouse
from .queue import RqQueue
from .run import BuildRun
from .slots import acquire

_log = logging.getLogger(__name__)

SourceHandler = Callable[[BuilderHouse, int, int, threading.Event], None]
"""Makes the source package of a build: (house, build id, attempt, stop)."""

_WORKER_TTL_S = 60

_house: BuilderHouse | None = None
_source_handler: SourceHandler | None = None
_parent_pid = 0


def configure(house: BuilderHouse) -> None:
    """Set what this process and its children work with."""
    global _house, _parent_pid
    _house, _parent_pid = house, os.getpid()


def register_source(handler: SourceHandler) -> None:
    """Set who makes source packages; it takes the build, reports and fences by itself."""
    global _source_handler
    _source_handler = handler


def worker_name() -> str:
    """Name of this worker in job rows: host and process."""
    return f"{socket.gethostname()}:{_parent_pid or os.getpid()}"


def run_job(job_id: int, attempt: int) -> None:
    """Do one attempt at a job; called in a child made for it."""
    house, stop = _enter()
    slot = acquire(house.settings.data_dir)
    try:
        BuildRun(house, job_id, attempt, worker=worker_name(), slot=slot.number, stop=stop).run()
    finally:
        slot.release()


def run_source(build_id: int, attempt: int) -> None:
    """Make the source package of a build; called in a child made for it."""
    house, stop = _enter()
    if _source_handler is None:
        _log.error("nobody makes source packages here", extra={"build": build_id})
        return
    _source_handler(house, build_id, attempt, stop)


def run_job_in_child(job_id: int, attempt: int) -> None:
    """``run_job`` in a child of this process, waited for."""
    _in_child(run_job, job_id, attempt)


def run_source_in_child(build_id: int, attempt: int) -> None:
    """``run_source`` in a child of this process, waited for."""
    _in_child(run_source, build_id, attempt)


def serve(
    house: BuilderHouse,
    queue: RqQueue,
    arches: Sequence[str] | None = None,
    *,
    burst: bool = False,
) -> None:
    """Work until SIGTERM; a build then running goes back to the queue.

    Args:
        house: The builder's house.
        queue: Where numbers come from.
        arches: Architectures built here; default those of the configured chroots.
        burst: Return when there is nothing to do.
    """
    configure(house)
    served = tuple(arches or dict.fromkeys(c.arch for c in house.settings.chroots))
    worker = BuildWorker(
        queue.names(served),
        name=f"{worker_name()}:{os.urandom(4).hex()}",
        connection=queue.connection,
        serializer=JSONSerializer,
        worker_ttl=_WORKER_TTL_S,
        log_job_description=False,
    )
    worker.work(burst=burst, logging_level="WARNING")


class BuildWorker(Worker):
    """An RQ worker whose child gives its build back when the worker is told to end."""

    def handle_warm_shutdown_request(self) -> None:
        """Tell the child; it ends within a heartbeat or two."""
        if self.horse_pid:
            # The child alone: its process group holds the sandbox, which the child ends itself.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def run_maintenance_tasks(self) -> None:
        """At the start and every ten minutes: also clear up behind killed builds."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call,unused-ignore]
        for chroot in _house.chroots.values() if _house else ():
            try:
                chroot.sweep()
            except OSError:
                _log.exception("caches could not be swept")

    def fork_work_horse(self, job: RedisJob, queue: RedisQueue) -> None:
        """Fork with nothing buffered that both would write."""
        sys.stdout.flush()
        sys.stderr.flush()
        super().fork_work_horse(job, queue)


def _enter() -> tuple[BuilderHouse, threading.Event]:
    """What every child does first."""
    if _house is None:
        raise RuntimeError("the worker was not configured")
    if os.getpid() != _parent_pid:
        die_with_parent(_parent_pid)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_signal)
    return _house, stop


def _in_child(work: Callable[[int, int], None], number: int, attempt: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    code = 1
    try:
        work(number, attempt)
        code = 0
    except BaseException:
        _log.exception("work failed", extra={"number": number, "attempt": attempt})
    finally:
        os._exit(code)
