"""The state words of the Copr dialect, computed and never stored (contract, section 4)."""

from __future__ import annotations

from collections.abc import Iterable

from storage.model import Build, Job, JobState, SourceState

NUMBERS = {
    "failed": 0,
    "succeeded": 1,
    "canceled": 2,
    "running": 3,
    "pending": 4,
    "skipped": 5,
    "starting": 6,
    "importing": 7,
    "forked": 8,
    "waiting": 9,
    "unknown": 1000,
}
"""Every word with its number, as the monitor shows it."""

FINAL = frozenset({"succeeded", "failed", "canceled", "skipped", "forked"})

_OF_JOB = {
    JobState.WAITING: "waiting",
    # A missing dependency is Copr's failed build: nothing happens without a new cause.
    JobState.UNRESOLVABLE: "failed",
    JobState.BLOCKED: "pending",
    JobState.SCHEDULED: "pending",
    JobState.DISPATCHING: "starting",
    JobState.BUILDING: "running",
    JobState.SIGNING: "running",
    JobState.FINISHED: "running",
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.BROKEN: "failed",
    JobState.EXCLUDED: "skipped",
    JobState.DISABLED: "skipped",
    JobState.LOCKED: "skipped",
    JobState.CANCELED: "canceled",
}
_ORDER = ("running", "starting", "pending", "waiting", "failed", "canceled", "succeeded", "skipped")
_SOURCE_DECIDES = frozenset(
    {
        SourceState.PENDING,
        SourceState.STARTING,
        SourceState.RUNNING,
        SourceState.IMPORTING,
        SourceState.FAILED,
    }
)


def chroot_state(build: Build, job: Job | None) -> str:
    """State of one chroot of a build; ``job`` is None while the planner has not made it."""
    if build.canceled:
        return "canceled"
    if build.source_state is SourceState.FAILED:
        return "failed"
    if build.source_state is not SourceState.SUCCEEDED:
        return "waiting"
    return _OF_JOB[job.state] if job is not None else "pending"


def build_state(build: Build, chroots: Iterable[str]) -> str:
    """State of a whole build; ``chroots`` are the words of its chroots."""
    if build.canceled or build.source_state is SourceState.CANCELED:
        return "canceled"
    if build.source_state in _SOURCE_DECIDES:
        return str(build.source_state)
    found = set(chroots)
    for state in _ORDER:
        if state in found:
            return "pending" if state == "waiting" else state
    return "pending"
