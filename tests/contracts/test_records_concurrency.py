"""Four processes of two threads write at once: nothing is lost, nothing doubled."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from storage.model import EventKind, JobState
from tests.contracts.making import job, package, project
from tests.contracts.racing import THREADS, WANTED_REVISIONS

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 4


@pytest.fixture(scope="module")
def racers():
    """Four processes that wait for a task."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.racing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(PROCESSES)
    ]
    yield started
    for racer in started:
        racer.communicate(timeout=30)


@pytest.fixture
def race(racers, records_url):
    """Run a task of ``racing`` in every thread of every process; all their results in one list."""

    def tell(racer, line):
        racer.stdin.write(line + "\n")
        racer.stdin.flush()

    def run(task: str) -> list[int]:
        for number, racer in enumerate(racers):
            tell(racer, f"{records_url} {task} racer-{number}")
        assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * PROCESSES
        for racer in racers:
            tell(racer, "go")
        outcomes = [won for racer in racers for won in json.loads(racer.stdout.readline())]
        assert [trouble for trouble in outcomes if isinstance(trouble, str)] == []
        return [number for won in outcomes for number in won]

    return run


@pytest.fixture
def hello(records):
    with records.begin() as unit:
        return package(unit, project(unit, "a"), "hello")


def test_racing_writers_number_revisions_without_gaps(race, records, hello):
    won = sorted(race("append_revisions"))
    total = WANTED_REVISIONS * PROCESSES * THREADS
    assert won == list(range(1, total + 1))
    with records.read() as unit:
        history = unit.revisions.history(hello.id, "source")
        assert [r.number for r in history] == won
        assert len({r.commit for r in history}) == total
        assert unit.events.pending() == total


def test_racing_claimers_share_every_event_once(race, records, hello):
    with records.begin() as unit:
        made = {unit.events.append(EventKind.META_CHANGED, "a").id for _ in range(100)}
    claimed = race("claim_events")
    assert len(claimed) == len(made)
    assert set(claimed) == made


def test_racing_dispatchers_take_every_job_once(race, records, hello):
    with records.begin() as unit:
        made = {job(unit, hello).id for _ in range(40)}
    won = race("take_jobs")
    assert len(won) == len(made)
    assert set(won) == made
    with records.read() as unit:
        assert {j.attempt for j in unit.jobs.with_state([JobState.DISPATCHING])} == {1}
