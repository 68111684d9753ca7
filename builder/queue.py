"""The seam between what is to be done and who does it.

SQL is the truth of every job; a queue only hands out numbers. Losing a queue
loses nothing: the reconciler puts back what is missing.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue as RedisQueue
from rq import Worker
from rq.command import send_stop_job_command
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job as RedisJob
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from storage.errors import Busy

_log = logging.getLogger(__name__)

PRIORITIES = ("high", "default", "low")
SOURCE = "source"
"""Stands in queue names where builds have their architecture."""

_PREFIX = "packhouse:"
_WAKE_KEY = "packhouse:wake"
_FAILURE_TTL_S = 3600

Kind = Literal["job", "source"]
Standing = Literal["queued", "running"]


class QueueDown(Busy):
    """The queue cannot be reached; what is scheduled is not lost."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One execution: a job, or the source part of a build, and which attempt at it."""

    kind: Kind
    id: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.id}-{self.attempt}"

    def means(self, number: int, source: bool, attempt: int | None) -> bool:
        """Whether it stands for that job or source part, and that attempt if one is given."""
        wanted = ("source" if source else "job", number)
        return (self.kind, self.id) == wanted and attempt in (None, self.attempt)

    @classmethod
    def parse(cls, text: str) -> Ticket | None:
        """The ticket a queue entry stands for; None for entries of others."""
        kind, _, rest = text.partition("-")
        number, _, attempt = rest.partition("-")
        if kind not in ("job", "source") or not (number.isdecimal() and attempt.isdecimal()):
            return None
        return cls("job" if kind == "job" else "source", int(number), int(attempt))


class Queue(Protocol):
    """Hands out work to workers.

    Order: priority ``high`` before ``default`` before ``low``, first in first out
    within one. Every method may be called from any process.
    """

    def enqueue(self, job_id: int, attempt: int, arch: str, priority: str = "default") -> None:
        """Have a worker of ``arch`` call ``run_job``; once only for equal arguments.

        Raises:
            QueueDown: The job stays scheduled and is queued later.
        """
        ...

    def enqueue_source(self, build_id: int, attempt: int = 0, priority: str = "default") -> None:
        """Have any worker call ``run_source``; once only for equal arguments.

        Raises:
            QueueDown: As above.
        """
        ...

    def held(self) -> Mapping[Ticket, Standing]:
        """All tickets the queue knows, after clearing up behind dead workers.

        Raises:
            QueueDown: It cannot be told.
        """
        ...

    def depth(self, arch: str) -> int:
        """How many tickets of an architecture wait for a worker.

        Raises:
            QueueDown: It cannot be told.
        """
        ...

    def stop(self, job_id: int, *, source: bool = False, attempt: int | None = None) -> bool:
        """Kill what runs for a job (or a build's source part) and drop what waits for it.

        Record the new state first. Returns at once; the process is gone within
        about a second.

        Args:
            job_id: Number of the job, or of the build.
            source: Whether a build's source part is meant.
            attempt: Only this attempt; None = all.

        Returns:
            Whether anything was found.
        """
        ...

    def wake(self) -> None:
        """End the scheduler's wait, now or when it begins next; never raises."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait for ``wake``; whether it came. Returns early, False, when the queue is down."""
        ...

    def ping(self) -> bool:
        """Whether the queue answers."""
        ...


class InlineQueue:
    """Runs everything in the waiting process: ``wait`` does the work.

    For tests and single-process use. ``enqueue`` only notes the ticket, so it may
    be called inside a transaction that the work needs to see finished.
    """

    def __init__(
        self,
        run_job: Callable[[int, int], None] | None = None,
        run_source: Callable[[int, int], None] | None = None,
    ) -> None:
        """Take the two callables; by default those of ``builder.worker``, in a child process."""
        self._run_job = run_job
        self._run_source = run_source
        self._waiting: dict[str, deque[tuple[str, Ticket]]] = {p: deque() for p in PRIORITIES}
        self._running: Ticket | None = None
        self._woken = False

    def enqueue(self, job_id: int, attempt: int, arch: str, priority: str = "default") -> None:
        """Note a job."""
        self._note(arch, Ticket("job", job_id, attempt), priority)

    def enqueue_source(self, build_id: int, attempt: int = 0, priority: str = "default") -> None:
        """Note a build's source part."""
        self._note(SOURCE, Ticket("source", build_id, attempt), priority)

    def held(self) -> Mapping[Ticket, Standing]:
        """All noted tickets."""
        found: dict[Ticket, Standing] = {
            ticket: "queued" for waiting in self._waiting.values() for _, ticket in waiting
        }
        if self._running is not None:
            found[self._running] = "running"
        return found

    def depth(self, arch: str) -> int:
        """Noted tickets of an architecture."""
        return sum(place == arch for waiting in self._waiting.values() for place, _ in waiting)

    def stop(self, job_id: int, *, source: bool = False, attempt: int | None = None) -> bool:
        """Drop what waits."""
        found = False
        for priority, waiting in self._waiting.items():
            kept = deque(e for e in waiting if not e[1].means(job_id, source, attempt))
            found = found or len(kept) < len(waiting)
            self._waiting[priority] = kept
        return found

    def wake(self) -> None:
        """End the next wait."""
        self._woken = True

    def wait(self, timeout_s: float) -> bool:
        """Do all noted work; never sleeps."""
        while (ticket := self._next()) is not None:
            self._running, self._woken = ticket, True
            try:
                self._run(ticket)
            finally:
                self._running = None
        woken, self._woken = self._woken, False
        return woken

    def ping(self) -> bool:
        """Always there."""
        return True

    def _note(self, place: str, ticket: Ticket, priority: str) -> None:
        if ticket not in self.held():
            self._waiting[priority].append((place, ticket))

    def _next(self) -> Ticket | None:
        for waiting in self._waiting.values():
            if waiting:
                return waiting.popleft()[1]
        return None

    def _run(self, ticket: Ticket) -> None:
        from . import worker

        if ticket.kind == "job":
            (self._run_job or worker.run_job_in_child)(ticket.id, ticket.attempt)
        else:
            (self._run_source or worker.run_source_in_child)(ticket.id, ticket.attempt)


class RqQueue:
    """RQ on Redis. Entries are JSON: whoever reaches Redis cannot hand code to a worker."""

    def __init__(self, connection: redis.Redis) -> None:
        """Use a connection made elsewhere."""
        self.connection = connection

    @classmethod
    def from_url(cls, url: str) -> RqQueue:
        """Connect lazily; each process gets connections of its own."""
        # One quick retry finds a restarted server; longer ones would hold up every commit
        # while there is none.
        retry = Retry(NoBackoff(), 1)
        return cls(
            redis.Redis.from_url(
                url, socket_connect_timeout=5, health_check_interval=30, retry=retry
            )
        )

    def enqueue(self, job_id: int, attempt: int, arch: str, priority: str = "default") -> None:
        """Queue a job."""
        self._enqueue(Ticket("job", job_id, attempt), arch, priority)

    def enqueue_source(self, build_id: int, attempt: int = 0, priority: str = "default") -> None:
        """Queue a build's source part."""
        self._enqueue(Ticket("source", build_id, attempt), SOURCE, priority)

    def held(self) -> Mapping[Ticket, Standing]:
        """All tickets in queues and in registries of started jobs."""
        found: dict[Ticket, Standing] = {}
        with _reachable():
            for queue in self._queues():
                registry = StartedJobRegistry(
                    queue.name, connection=self.connection, serializer=JSONSerializer
                )
                for text in queue.get_job_ids():
                    if ticket := Ticket.parse(text):
                        found[ticket] = "queued"
                for text in registry.get_job_ids():
                    if ticket := Ticket.parse(text):
                        found[ticket] = "running"
        return found

    def depth(self, arch: str) -> int:
        """Waiting entries of an architecture's three queues."""
        with _reachable():
            return sum(self._queue(arch, priority).count for priority in PRIORITIES)

    def stop(self, job_id: int, *, source: bool = False, attempt: int | None = None) -> bool:
        """Tell the worker that has it, and remove waiting entries."""
        found = False
        try:
            for worker in Worker.all(connection=self.connection):
                text = worker.get_current_job_id() or ""
                ticket = Ticket.parse(text)
                if ticket and ticket.means(job_id, source, attempt):
                    with contextlib.suppress(NoSuchJobError, InvalidJobOperation):
                        send_stop_job_command(self.connection, text, serializer=JSONSerializer)
                        found = True
            for ticket, standing in self.held().items():
                if standing == "queued" and ticket.means(job_id, source, attempt):
                    self._forget(ticket)
                    found = True
        except (redis.RedisError, QueueDown):
            _log.warning("stop not delivered", extra={"number": job_id, "source": source})
        return found

    def wake(self) -> None:
        """Leave one mark for the waiting scheduler."""
        try:
            with self.connection.pipeline() as pipe:
                pipe.lpush(_WAKE_KEY, "1")
                pipe.ltrim(_WAKE_KEY, 0, 0)
                pipe.execute()
        except redis.RedisError:
            _log.warning("wake-up not delivered")

    def wait(self, timeout_s: float) -> bool:
        """Block on the mark."""
        try:
            return self.connection.blpop([_WAKE_KEY], timeout=max(timeout_s, 0.01)) is not None
        except redis.RedisError:
            _log.warning("queue is down")
            return False

    def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self.connection.ping())
        except redis.RedisError:
            return False

    def names(self, arches: tuple[str, ...]) -> list[str]:
        """Queues a worker of these architectures serves, in order."""
        places = (SOURCE, *arches)
        return [f"{_PREFIX}{place}:{priority}" for priority in PRIORITIES for place in places]

    def _enqueue(self, ticket: Ticket, place: str, priority: str) -> None:
        queue = self._queue(place, priority if priority in PRIORITIES else "default")
        with _reachable():
            try:
                self._push(queue, ticket)
            except DuplicateJobError:
                if ticket in self.held():
                    return
                # A worker died while taking it: known, but neither waiting nor running.
                self._forget(ticket)
                with contextlib.suppress(DuplicateJobError):
                    self._push(queue, ticket)

    def _push(self, queue: RedisQueue, ticket: Ticket) -> None:
        function = "run_job" if ticket.kind == "job" else "run_source"
        queue.enqueue_call(
            f"builder.worker.{function}",
            args=(ticket.id, ticket.attempt),
            job_id=str(ticket),
            unique=True,
            timeout=-1,
            result_ttl=0,
            failure_ttl=_FAILURE_TTL_S,
            description=str(ticket),
        )

    def _forget(self, ticket: Ticket) -> None:
        with contextlib.suppress(NoSuchJobError):
            RedisJob.fetch(
                str(ticket), connection=self.connection, serializer=JSONSerializer
            ).delete()

    def _queue(self, place: str, priority: str) -> RedisQueue:
        name = f"{_PREFIX}{place}:{priority}"
        return RedisQueue(name, connection=self.connection, serializer=JSONSerializer)

    def _queues(self) -> Iterator[RedisQueue]:
        for key in self.connection.smembers(RedisQueue.redis_queues_keys):
            text = key.decode() if isinstance(key, bytes) else key
            name = text.removeprefix(RedisQueue.redis_queue_namespace_prefix)
            if name.startswith(_PREFIX):
                yield RedisQueue(name, connection=self.connection, serializer=JSONSerializer)


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise QueueDown("the queue cannot be reached", hint="try again later") from error
