"""Which job is next: fair between owners, first those somebody waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from storage.model import Job
from storage.records import Unit

PRIORITIES = ("high", "default", "low")
_OWNERS_AT_ONCE = 200


def next_jobs(
    waiting: Mapping[str, Mapping[str, Sequence[Job]]], count: int, *, last_owner: str = ""
) -> list[Job]:
    """Choose jobs by priority, then round robin over owners, then oldest first.

    Args:
        waiting: By priority, then by owner: jobs in order of age.
        count: At most so many.
        last_owner: Whose turn it was last; the round goes on behind.
    """
    chosen: list[Job] = []
    for priority in PRIORITIES:
        owners = waiting.get(priority, {})
        for job in _round(owners, last_owner):
            if len(chosen) == count:
                return chosen
            chosen.append(job)
    return chosen


def _round(owners: Mapping[str, Sequence[Job]], last_owner: str) -> Iterator[Job]:
    names = sorted(owner for owner, jobs in owners.items() if jobs)
    names = [n for n in names if n > last_owner] + [n for n in names if n <= last_owner]
    queues = deque(deque(_by_urgency(owners[name])) for name in names)
    while queues:
        queue = queues.popleft()
        yield queue.popleft()
        if queue:
            queues.append(queue)


def _by_urgency(jobs: Iterable[Job]) -> list[Job]:
    """Source changes and new builds before waves, else oldest first."""
    first = ("source change", "new build")
    return sorted(jobs, key=lambda job: (job.reason.get("explain") not in first, job.id))


def waiting_jobs(unit: Unit, arch: str, count: int) -> dict[str, dict[str, list[Job]]]:
    """What may be chosen for an architecture: of each owner the ``count`` oldest."""
    found: dict[str, dict[str, list[Job]]] = {}
    for priority in PRIORITIES:
        owners = unit.jobs.owners_waiting(arch, priority)[:_OWNERS_AT_ONCE]
        found[priority] = {
            owner: unit.jobs.next_for(owner, arch, priority, count) for owner, _ in owners
        }
    return found
