"""A disk that fills up: the write that does not fit leaves nothing, the others stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import need

ROOT = Path(__file__).parents[3]
SIZE_KIB = 6000


def fill_up(disk: Path) -> None:
    """Runs with a small file system of its own at ``disk``."""
    import os

    from storage.errors import Busy, StorageFull

    from .houses import ANNA, content, fsck_is_clean, open_house

    house = open_house(disk)
    hello = house.hello()
    house.put(hello, "small", b"first")
    acknowledged = 1
    refused = 0
    # Ballast leaves so little that writes fail at different places.
    ballast = disk / "ballast"
    for spare_kib in (*range(0, 400, 12), 2000):
        free = os.statvfs(disk)
        take = max(0, free.f_bavail * free.f_frsize - spare_kib * 1024)
        with ballast.open("wb") as file:
            file.write(b"\0" * take)
        try:
            size = 60_000 if spare_kib % 24 else 1_500_000
            with house.storage.stage([os.urandom(size)]) as staged:
                hello.put_file("big", staged, ANNA, "big")
            acknowledged += 1
        except (StorageFull, Busy):
            refused += 1
        ballast.unlink()
        assert list(house.storage.tmp.iterdir()) == []
        history = house.storage.package("home:anna", "hello").history()
        assert len(history) in (acknowledged, acknowledged + 1)
        acknowledged = len(history)
    assert refused > 10
    hello = house.storage.package("home:anna", "hello")
    house.put(hello, "small", b"last")
    assert content(hello, "small") == b"last"
    assert fsck_is_clean(hello.repository.path)
    assert house.storage.fsck() == []
    leftovers = [p for p in (disk / "data").rglob("*tmp_*") if p.is_file()]
    assert leftovers == []
    house.records.close()


def test_writes_that_do_not_fit_leave_nothing(tmp_path: Path) -> None:
    need.root()
    need.program("unshare", "git")
    script = (
        f"mount -t tmpfs -o size={SIZE_KIB}k tmpfs {tmp_path} && exec {sys.executable} -c "
        f"'from pathlib import Path; from tests.storage.git.test_full_disk import fill_up; "
        f'fill_up(Path("{tmp_path}"))\''
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if "mount" in done.stderr and "denied" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 0, done.stderr
