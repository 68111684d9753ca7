"""Staging: content is summed while it streams, bounded, and never left behind."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from storage.errors import StorageFull, TooLarge
from storage.git.staging import stage, sweep


def test_the_sums_are_those_of_the_content(tmp_path: Path) -> None:
    data = os.urandom(700_000)
    with stage(io.BytesIO(data), tmp_path, 1 << 20) as staged:
        assert staged.size == len(data)
        assert staged.md5 == hashlib.md5(data).hexdigest()
        assert staged.sha1 == hashlib.sha1(data).hexdigest()
        assert staged.sha256 == hashlib.sha256(data).hexdigest()
        assert staged.path.read_bytes() == data
        assert staged.head == data[:8000]
    assert list(tmp_path.iterdir()) == []


def test_chunks_are_taken_as_well_as_readers(tmp_path: Path) -> None:
    with stage([b"one ", b"", b"two"], tmp_path, 100) as staged:
        assert b"".join(staged.chunks()) == b"one two"
        assert staged.is_text
    with stage(iter([b"a\0b"]), tmp_path, 100) as staged:
        assert not staged.is_text


def test_too_much_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    def endless() -> object:
        while True:
            yield bytes(65_536)

    with pytest.raises(TooLarge):
        stage(endless(), tmp_path, 200_000)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        stage(broken(), tmp_path, 100)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            stage([bytes(200_000)], tmp_path, 1 << 20)
        except StorageFull:
            os._exit(0 if not list(tmp_path.iterdir()) else 3)
        os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_leftovers_of_dead_processes_are_swept_and_living_ones_are_not(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        kept = stage([b"orphan"], tmp_path, 100)
        os._exit(0 if kept.size else 1)
    os.waitpid(child, 0)
    long_ago = time.time() - 3600
    with stage([b"alive"], tmp_path, 100) as alive:
        for path in tmp_path.iterdir():
            os.utime(path, (long_ago, long_ago))
        assert sweep(tmp_path) == 1
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"alive"]
        assert alive.path.exists()
