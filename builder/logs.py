"""Build logs: appended while the build runs, read by offset from any process.

Each line starts with the seconds since the start of the build (``[   12s] ``),
which is the form OBS clients know. The file only ever grows; once the size limit
is reached the middle is left out and the last part is added when the build ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from storage.model import Job

from .house import BuilderSettings

LOG_NAME = "_log"
_TAIL_BYTES = 64 << 10
_LINE_BYTES = 64 << 10  # a longer line is cut into several


def log_path(settings: BuilderSettings, job: Job) -> Path:
    """Where the log of a job's current attempt is; it may not exist yet."""
    return settings.job_dir(job.id, job.attempt) / LOG_NAME


def source_log_path(settings: BuilderSettings, build_id: int) -> Path:
    """Where the log of a build's source part is; it may not exist yet."""
    return settings.data_dir / "builds" / f"source-{build_id}" / LOG_NAME


def read_log(path: Path, start: int = 0, length: int | None = None) -> bytes:
    """Bytes of a log that may still grow; empty past its present end.

    Args:
        path: The log file; a missing one reads as empty.
        start: Offset in bytes.
        length: At most so many bytes; None = up to the present end.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read() if length is None else stream.read(length)
    except FileNotFoundError:
        return b""


class LogWriter:
    """Appends to the log of one attempt; a ``chroots.base.Sink``.

    Written without buffer, so that a reader sees what the build printed even
    when this process is killed. Not synced: a log may lose its end with the
    power, never with a process.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the file, or go on with an existing one.

        Args:
            path: The log file; its directory is made.
            limit_bytes: Size at which ``write`` starts to say no.
            clock: Seconds; the first reading is the build's start.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._room = limit_bytes - os.fstat(self._fd).st_size
        self._clock = clock
        self._started = clock()
        self._line = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def write(self, data: bytes) -> bool:
        """Append output of the build; False once the limit is reached."""
        self._line += data
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest)
        if len(rest) > _LINE_BYTES:
            lines.append(rest)
            self._line.clear()
        if lines:
            prefix = b"[%5ds] " % int(self._clock() - self._started)
            self._append(b"".join(prefix + line + b"\n" for line in lines))
        return self._room > 0

    def say(self, text: str) -> None:
        """Append a line of our own."""
        if self._line:
            self.write(b"\n")
        self.write(text.encode(errors="replace") + b"\n")

    def close(self) -> None:
        """Write what is held back: an unfinished line, and the end of a log that grew too long."""
        if self._fd < 0:
            return
        if self._line:
            self.write(b"\n")
        if self._left_out:
            note = b"\n[... %d bytes left out ...]\n" % max(0, self._left_out - len(self._tail))
            os.write(self._fd, note + bytes(self._tail))
        os.close(self._fd)
        self._fd = -1

    def _append(self, data: bytes) -> None:
        if self._room > 0:
            kept, data = data[: self._room], data[self._room :]
            os.write(self._fd, kept)
            self._room -= len(kept)
        if data:
            self._left_out += len(data)
            self._tail += data
            del self._tail[:-_TAIL_BYTES]
