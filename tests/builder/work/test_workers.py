"""Workers on RQ: what happens when processes, Redis or wishes go away."""

import os
import signal
import time
from pathlib import Path

import pytest

from builder.reconciler import Reconciler
from storage.model import JobState

from .conftest import SAMPLES, until

STUCK = (
    b"Name: stuck\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n"
    b"%description\n%build\ntrap '' TERM\necho here I am\n"
    b"while ! test -e /nonexistent; do sleep 1; done\n%files\n"
)


def start_stuck(bench):
    """A job whose build has begun and does not end."""
    bench.commit("stuck", {"stuck.spec": STUCK})
    job = bench.schedule("stuck")
    bench.house.queue.enqueue(job.id, 1, "x86_64", job.priority)
    until(lambda: "here I am" in bench.log(job), "the build has begun")
    return bench.job(job.id)


def builders():
    """Pids of processes of build users whose command line shows this test's build."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"stuck" in (entry / "cmdline").read_bytes():
                if entry.stat().st_uid >= 60000:
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


def horses(worker_pid):
    text = Path(f"/proc/{worker_pid}/task/{worker_pid}/children").read_text()
    return [int(pid) for pid in text.split()]


def state(bench, job):
    return bench.job(job.id).state


def test_a_worker_builds_what_is_queued(bench, workers):
    bench.commit("hello-c", SAMPLES / "hello-c")
    job = bench.schedule("hello-c")
    workers()

    bench.house.queue.enqueue(job.id, 1, "x86_64", "default")

    until(lambda: state(bench, job) is JobState.FINISHED, "the job is finished")
    assert bench.job(job.id).result == "succeeded"
    assert bench.house.queue.wait(5)  # the planner is woken
    until(lambda: not bench.house.queue.held(), "the queue forgets it")


def test_an_idle_worker_begins_at_once(bench, workers):
    bench.commit("hello-c", SAMPLES / "hello-c")
    workers()
    jobs = [bench.schedule("hello-c") for _ in range(2)]
    bench.house.queue.enqueue(jobs[0].id, 1, "x86_64", "default")
    until(lambda: state(bench, jobs[0]) is JobState.FINISHED, "the worker is warm")

    started = time.monotonic()
    bench.house.queue.enqueue(jobs[1].id, 1, "x86_64", "default")
    until(lambda: state(bench, jobs[1]) is JobState.FINISHED, "the job is finished")

    assert time.monotonic() - started < 3


def test_a_canceled_build_ends_within_two_seconds(bench, workers):
    workers()
    job = start_stuck(bench)
    with bench.house.records.begin() as unit:
        assert unit.jobs.transition(job.id, (JobState.BUILDING,), JobState.CANCELED)

    started = time.monotonic()
    assert bench.house.queue.stop(job.id)

    until(lambda: not builders(), "nothing runs any more")
    assert time.monotonic() - started < 2
    assert state(bench, job) is JobState.CANCELED


def test_a_canceled_build_ends_even_when_the_command_got_lost(bench, workers):
    workers()
    job = start_stuck(bench)

    with bench.house.records.begin() as unit:
        unit.jobs.transition(job.id, (JobState.BUILDING,), JobState.CANCELED)

    until(lambda: not builders(), "the heartbeat noticed")
    assert state(bench, job) is JobState.CANCELED


def test_a_killed_horse_loses_nothing(bench, workers):
    pid = workers()
    job = start_stuck(bench)
    reconciler = Reconciler(bench.house)

    for horse in horses(pid):
        os.kill(horse, signal.SIGKILL)
    until(lambda: not builders(), "the build died with it")
    outdate(bench, job)
    reconciler.step()

    again = until(lambda: building_as(bench, job, attempt=2), "it is built again")
    assert again.lost == 1


def test_a_killed_worker_takes_its_build_with_it(bench, workers):
    pid = workers()
    job = start_stuck(bench)

    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    until(lambda: not builders(), "the build died with it")
    assert "packhouse" not in Path("/proc/self/mountinfo").read_text()
    outdate(bench, job)
    Reconciler(bench.house).step()
    assert bench.job(job.id).attempt == 2
    workers()
    until(lambda: building_as(bench, job, attempt=2), "another worker takes it")


def test_a_worker_that_is_told_to_end_gives_its_build_back(bench, workers):
    pid = workers()
    job = start_stuck(bench)

    os.kill(pid, signal.SIGTERM)
    until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, "the worker has ended")

    row = bench.job(job.id)
    assert (row.state, row.attempt, row.lost) == (JobState.DISPATCHING, 2, 0)
    assert not builders()
    workers()
    until(lambda: building_as(bench, job, attempt=2), "another worker takes it")


def test_a_wiped_redis_loses_no_job(bench, workers):
    bench.commit("hello-c", SAMPLES / "hello-c")
    job = bench.schedule("hello-c")
    bench.house.queue.enqueue(job.id, 1, "x86_64", "low")
    reconciler = Reconciler(bench.house, grace_s=0)

    bench.house.queue.connection.flushall()
    reconciler.step()
    workers()

    until(lambda: state(bench, job) is JobState.FINISHED, "the job is finished")


def test_a_redis_wiped_during_a_build_does_not_disturb_it(bench, workers):
    workers()
    job = start_stuck(bench)
    reconciler = Reconciler(bench.house, grace_s=0)

    bench.house.queue.connection.flushall()
    reconciler.step()
    reconciler.step()

    assert state(bench, job) is JobState.BUILDING
    assert bench.job(job.id).attempt == 1
    assert builders()


def test_a_job_lost_too_often_ends_as_broken(bench, workers):
    bench.commit("hello-c", SAMPLES / "hello-c")
    job = bench.schedule("hello-c", state=JobState.BUILDING, heartbeat_at=1, lost=3)

    Reconciler(bench.house).step()

    row = bench.job(job.id)
    assert (row.state, row.result, row.details) == (
        JobState.FINISHED,
        "broken",
        "worker lost 4 times",
    )
    assert "worker lost 4 times" in bench.log(job)


def test_a_result_that_was_not_reported_is_not_built_again(bench, workers):
    bench.commit("hello-c", SAMPLES / "hello-c")
    workers()
    job = bench.schedule("hello-c")
    bench.house.queue.enqueue(job.id, 1, "x86_64", "default")
    until(lambda: state(bench, job) is JobState.FINISHED, "the job is finished")
    with bench.house.records.begin() as unit:
        unit.jobs.transition(
            job.id, (JobState.FINISHED,), JobState.BUILDING, heartbeat_at=1, result=""
        )
        unit.binaries.put_all(job.id, [])

    Reconciler(bench.house).step()

    assert bench.job(job.id).result == "succeeded"
    assert "hello-c-1.0-1.x86_64.rpm" in bench.binaries(job)


def test_unwanted_work_is_stopped_by_the_reconciler(bench, workers):
    from dataclasses import replace

    bench.house = replace(bench.house, settings=replace(bench.house.settings, heartbeat_s=1000))
    from builder import worker

    worker.configure(bench.house)
    pid = workers()
    job = start_stuck(bench)
    assert horses(pid)
    with bench.house.records.begin() as unit:
        unit.jobs.transition(job.id, (JobState.BUILDING,), JobState.CANCELED)

    until(lambda: Reconciler(bench.house).step() or not builders(), "the reconciler stopped it")


def outdate(bench, job):
    """Let the heartbeat be long ago."""
    with bench.house.records.begin() as unit:
        unit.jobs.update(job.id, heartbeat_at=1)


def building_as(bench, job, attempt):
    row = bench.job(job.id)
    if row.state is JobState.BUILDING and row.attempt == attempt:
        return row
    assert row.attempt <= attempt
    return None


@pytest.fixture(autouse=True)
def nothing_stays():
    """Whatever a test did, no process of its build survives it."""
    yield
    until(lambda: not builders(), "no build is left")
