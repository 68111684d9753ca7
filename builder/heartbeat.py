"""Signs of life of running work, and the news that it is no longer wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)


class Heartbeat:
    """A thread that calls ``beat`` every few seconds while the context is open.

    Attributes:
        stop: Set when the work has to end: it was canceled, or given to somebody else.
        fenced: Whether that was told by a beat.
    """

    def __init__(
        self, beat: Callable[[], bool], every_s: float, stop: threading.Event | None = None
    ) -> None:
        """Take what to call.

        Args:
            beat: Notes a sign of life; False when the work is not ours any more.
            every_s: Seconds between two calls.
            stop: Event to set; a new one by default.
        """
        self.stop = stop or threading.Event()
        self.fenced = False
        self._beat = beat
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                wanted = self._beat()
            except Exception:  # the database may be away for a while; the lease decides
                _log.exception("heartbeat failed")
                continue
            if not wanted:
                self.fenced = True
                self.stop.set()
                return
