"""What racing processes do to the records; ``python -m tests.contracts.racing`` is one of them.

Each line on standard input is a URL, a task and a name; after "go" the task runs
in two threads at once, and its results come back as one line of JSON.
"""

import json
import sys
import threading
import time
import traceback

from storage.errors import StaleTip
from storage.model import EventKind, JobState
from storage.records import Records
from tests.contracts.making import revision

THREADS = 2
WANTED_REVISIONS = 10
_PATIENCE_S = 60


def append_revisions(records: Records, name: str) -> list[int]:
    """Record 10 revisions of package 1; the numbers that were won."""
    won: list[int] = []
    while len(won) < WANTED_REVISIONS:
        with records.begin() as unit:
            latest = unit.revisions.latest(1, "source")
            number = latest.number + 1 if latest else 1
            made = revision(number, commit=f"{name}-{len(won)}", user=name)
            try:
                unit.revisions.append(1, made, f"{name}-{len(won)}")
            except StaleTip:
                continue
            unit.events.append(EventKind.SOURCE_CHANGED, "a", "hello", {"rev": number})
        won.append(number)
    return won


def claim_events(records: Records, name: str) -> list[int]:
    """Claim and finish until nothing is left; the numbers of the events."""
    mine: list[int] = []
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with records.begin() as unit:
            claimed = unit.events.claim(3, name, 600, 1000)
            left = unit.events.pending()
        for event in claimed:
            with records.begin() as unit:
                assert unit.events.done(event.id)
        mine += [event.id for event in claimed]
        if not left:
            return mine
    raise AssertionError("events are left over")


def take_jobs(records: Records, name: str) -> list[int]:
    """Try to take every job; the ones that were won."""
    with records.read() as unit:
        waiting = unit.jobs.next_for("anna", "x86_64", "default", 100)
    won = []
    for made in waiting:
        with records.begin() as unit:
            if unit.jobs.transition(
                made.id,
                [JobState.SCHEDULED],
                JobState.DISPATCHING,
                if_attempt=made.attempt,
                attempt=made.attempt + 1,
                worker=name,
            ):
                won.append(made.id)
    return won


def main() -> None:
    for line in sys.stdin:
        url, task, name = line.split()
        records = Records.open(url)
        print("ready", flush=True)
        assert sys.stdin.readline() == "go\n"
        results: list[object] = ["failed"] * THREADS

        def work(slot: int, records=records, task=task, name=name, results=results) -> None:
            try:
                results[slot] = globals()[task](records, f"{name}-{slot}")
            except Exception:
                results[slot] = traceback.format_exc()

        threads = [threading.Thread(target=work, args=(slot,)) for slot in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        records.close()
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
