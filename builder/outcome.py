"""What became of one attempt, kept on disk before it is reported.

A worker that dies between the two leaves a finished build; the reconciler
reports it instead of building again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from storage.model import Binary, JobState

from .house import BuilderHouse

_NAME = "_result.json"
_DETAILS_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        result: ``succeeded``, ``failed``, ``unchanged``, ``unresolvable`` (the root said
            what the resolver did not see) or ``broken`` (not the package's fault).
        details: One line for people.
        binaries: Result files of a success.
        ended_at: Unix seconds.
    """

    result: str
    details: str = ""
    binaries: Sequence[Binary] = ()
    ended_at: int = 0


def keep(house: BuilderHouse, job_id: int, attempt: int, outcome: Outcome) -> None:
    """Write an outcome beside the log, durably."""
    directory = house.settings.job_dir(job_id, attempt)
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f"{_NAME}.{os.getpid()}"
    with temporary.open("w") as stream:
        json.dump(asdict(outcome), stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.rename(directory / _NAME)


def kept(directory: Path) -> Outcome | None:
    """The outcome an attempt left in its directory, None when it did not get that far."""
    try:
        facts = json.loads((directory / _NAME).read_text())
        rows = tuple(Binary(**row) for row in facts.pop("binaries"))
        return Outcome(**facts, binaries=rows)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def report(house: BuilderHouse, job_id: int, attempt: int, outcome: Outcome) -> bool:
    """Hand an outcome to the planner.

    Returns:
        False when the attempt is no longer the current one; nothing is changed then.
    """
    with house.records.begin() as unit:
        taken = unit.jobs.transition(
            job_id,
            (JobState.DISPATCHING, JobState.BUILDING, JobState.SIGNING),
            JobState.FINISHED,
            if_attempt=attempt,
            result=outcome.result,
            details=" ".join(outcome.details.split())[:_DETAILS_BYTES],
            ended_at=outcome.ended_at or int(house.clock()),
        )
        if taken and outcome.binaries:
            rows = [replace(binary, job_id=job_id) for binary in outcome.binaries]
            unit.binaries.put_all(job_id, rows)
    if taken:
        house.queue.wake()
    return taken
