"""Build slots: numbers that no two running builds of a machine share.

A slot decides the uid of the build user, and process limits count per uid on
the whole machine, so slots are machine-wide when roots have real uids.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .chroots.base import ChrootBroken
from .chroots.fixup import SLOTS

_MACHINE = Path("/run/lock/packhouse")


class Slot:
    """A number held by this process and its children; free again when all are gone."""

    def __init__(self, number: int, fd: int) -> None:
        """Keep the number and the descriptor that holds its lock."""
        self.number = number
        self._fd = fd

    def release(self) -> None:
        """Give the number back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def acquire(data_dir: Path) -> Slot:
    """Take the lowest free slot.

    Args:
        data_dir: Where slots are kept when the process is not root.

    Raises:
        ChrootBroken: All are taken.
    """
    directory = _MACHINE if os.geteuid() == 0 else data_dir / "slots"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(SLOTS):
        fd = os.open(directory / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            continue
        return Slot(number, fd)
    raise ChrootBroken("all build slots of this machine are taken")
