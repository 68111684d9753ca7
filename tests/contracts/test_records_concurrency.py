"""Several processes with several threads each write at once: nothing is lost, nothing doubled."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from storage.errors import StaleTip
from storage.model import EventKind, JobState
from storage.records import Records
from tests.contracts.making import job, package, project, revision

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS = 4, 2

_WORKER = """
import json, sys, threading
from tests.contracts.test_records_concurrency import {task}
from storage.records import Records

records = Records.open(sys.argv[1])
done = [None] * {threads}

def work(slot):
    done[slot] = {task}(records, f"{{sys.argv[2]}}-{{slot}}")

print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=work, args=(n,)) for n in range({threads})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(done), flush=True)
records.close()
"""


def together(url: str, task) -> list:
    """Run ``task(records, name)`` in 4 processes x 2 threads, started at one moment."""
    script = textwrap.dedent(_WORKER).format(task=task.__name__, threads=THREADS)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, url, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    return [result for output in outputs for result in json.loads(output)]


def append_revisions(records: Records, name: str) -> list[int]:
    """Record 10 revisions of package 1 in a race; the numbers that were won."""
    won = []
    while len(won) < 10:
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
    deadline = time.monotonic() + 60
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


@pytest.fixture
def hello(records):
    with records.begin() as unit:
        return package(unit, project(unit, "a"), "hello")


def test_racing_writers_number_revisions_without_gaps(records, records_url, hello):
    won = sorted(number for mine in together(records_url, append_revisions) for number in mine)
    total = 10 * PROCESSES * THREADS
    assert won == list(range(1, total + 1))
    with records.read() as unit:
        history = unit.revisions.history(hello.id, "source")
        assert [r.number for r in history] == won
        assert len({r.commit for r in history}) == total
        assert unit.events.pending() == total


def test_racing_claimers_share_every_event_once(records, records_url, hello):
    with records.begin() as unit:
        made = {unit.events.append(EventKind.META_CHANGED, "a").id for _ in range(100)}
    claimed = [number for mine in together(records_url, claim_events) for number in mine]
    assert len(claimed) == len(made)
    assert set(claimed) == made


def test_racing_dispatchers_take_every_job_once(records, records_url, hello):
    with records.begin() as unit:
        made = {job(unit, hello).id for _ in range(40)}
    won = [number for mine in together(records_url, take_jobs) for number in mine]
    assert len(won) == len(made)
    assert set(won) == made
    with records.read() as unit:
        assert {j.attempt for j in unit.jobs.with_state([JobState.DISPATCHING])} == {1}
