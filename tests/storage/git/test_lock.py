"""The lock: one writer at a time, and none that outlives its process."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from storage.errors import Busy, UnknownPackage
from storage.git.lock import repository_lock


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "r.git"
    path.mkdir()
    (path / "config").touch()
    return path


def test_a_second_writer_waits_in_vain_and_is_told_so(repository: Path) -> None:
    with repository_lock(repository, 1), pytest.raises(Busy):
        with repository_lock(repository, 0.05):
            pass


def test_threads_exclude_each_other(repository: Path) -> None:
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with repository_lock(repository, 20):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_killed_holder_frees_the_lock(repository: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with repository_lock(repository, 5):
            os.write(writer, b"x")
            signal.pause()
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    with pytest.raises(Busy), repository_lock(repository, 0.02):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with repository_lock(repository, 5):
        pass


def test_waiting_for_a_repository_that_goes_to_the_trash_ends(
    repository: Path, tmp_path: Path
) -> None:
    found: list[BaseException] = []

    def wait() -> None:
        try:
            with repository_lock(repository, 20):
                pass
        except UnknownPackage as error:
            found.append(error)

    with repository_lock(repository, 1):
        waiter = threading.Thread(target=wait)
        waiter.start()
        deadline = time.monotonic() + 5
        while not _is_open_twice(repository / "config") and time.monotonic() < deadline:
            time.sleep(0.005)
        repository.rename(tmp_path / "trash.git")
    waiter.join()
    assert len(found) == 1


def test_a_repository_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(UnknownPackage), repository_lock(tmp_path / "none.git", 1):
        pass


def _is_open_twice(path: Path) -> bool:
    targets = []
    for name in os.listdir("/proc/self/fd"):
        try:
            targets.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return targets.count(str(path)) >= 2
