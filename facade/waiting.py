"""Requests that wait: few at a time, so that others are still answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class WaitingRoom:
    """Seats for long polls and followed logs of one process.

    Args:
        seats: How many may wait at the same time; the rest is answered at once.
    """

    def __init__(self, seats: int) -> None:
        """Put up the seats."""
        self._seats = threading.BoundedSemaphore(seats)
        self._leaving = threading.Event()

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Try to take a seat; whether there was one."""
        taken = self._seats.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._seats.release()

    def pause(self, seconds: float) -> bool:
        """Wait a moment; False when everybody has to leave."""
        return not self._leaving.wait(seconds)

    def close(self) -> None:
        """Send everybody home."""
        self._leaving.set()
