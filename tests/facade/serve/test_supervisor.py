"""The supervisor keeps children alive and leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, time, pathlib
from facade.serve.supervisor import Role, Supervisor
where = pathlib.Path(sys.argv[1])

def note(name):
    with (where / name).open("a") as f:
        f.write(f"{os.getpid()}\\n")

def steady():
    note("steady")
    if os.fork() == 0:
        note("grandchild")
    time.sleep(600)

def stubborn():
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("stubborn")
    time.sleep(600)

def crashing():
    note("crashing")
    raise RuntimeError("on purpose")

Supervisor([Role("steady", steady), Role("stubborn", stubborn, grace_s=0.2),
            Role("crashing", crashing)]).run()
"""


def pids(where: Path, name: str) -> list[int]:
    try:
        return [int(line) for line in (where / name).read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def running(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stderr=subprocess.DEVNULL
    )
    names = ("steady", "grandchild", "stubborn", "crashing")
    wait_for(lambda: all(pids(tmp_path, name) for name in names))
    yield process, tmp_path
    process.kill()
    process.wait()
    for name in names:
        for pid in filter(alive, pids(tmp_path, name)):
            os.kill(pid, signal.SIGKILL)


def everything_ended(where: Path) -> bool:
    names = ("steady", "grandchild", "stubborn", "crashing")
    return not any(alive(pid) for name in names for pid in pids(where, name))


def test_sigterm_ends_every_child_and_what_it_started(running):
    process, where = running
    process.terminate()
    assert process.wait(timeout=20) == 0
    wait_for(lambda: everything_ended(where))


def test_a_crashed_child_is_started_again(running):
    _, where = running
    wait_for(lambda: len(pids(where, "crashing")) >= 2)


def test_a_killed_child_takes_its_own_children_along_and_comes_back(running):
    _, where = running
    first, grandchild = pids(where, "steady")[0], pids(where, "grandchild")[0]
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(pids(where, "steady")) >= 2)
    wait_for(lambda: not alive(grandchild))


def test_killing_the_supervisor_leaves_no_polite_child_behind(running):
    process, where = running
    process.kill()
    wait_for(lambda: not alive(pids(where, "steady")[0]))
