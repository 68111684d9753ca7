"""Programs of this machine run for a source part: bounded in time, memory and disk."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.git.child import environment

from ..chroots.limits import Limits, apply_rlimits
from .task import SourceFailed, Task

_POLL_S = 0.1
_DISK_EVERY_S = 1.0
_ADDRESS_BYTES = 4 << 30
_MAX_FILES = 500_000
_OUTPUT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Workshop:
    """Runs programs that may fill one directory and nothing else.

    Attributes:
        task: The source part they work for.
        directory: What they fill; watched while they run.
        disk_bytes: Size at which they are ended.
    """

    task: Task
    directory: Path
    disk_bytes: int

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program with its output in the log.

        Raises:
            SourceFailed: It failed, took too long or filled the disk.
            Stopped: The work is not wanted any more.
        """
        self.task.log.say("$ " + " ".join(argv))
        output = self._run(argv, cwd, env, merge_errors=True)
        self.task.log.write(output)

    def output(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """What a program prints; errors as for ``run``."""
        return self._run(argv, cwd, env, merge_errors=False).decode(errors="replace").strip()

    def _run(
        self,
        argv: Sequence[str],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        *,
        merge_errors: bool,
    ) -> bytes:
        self.task.check()
        capture = self.directory.parent / f"output-{os.urandom(6).hex()}"
        try:
            with capture.open("w+b") as stream:
                process = subprocess.Popen(
                    argv,
                    cwd=cwd or self.directory,
                    env=environment({**(env or {}), "HOME": str(self.directory.parent)}),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream if merge_errors else subprocess.DEVNULL,
                    start_new_session=True,
                )
                with contextlib.suppress(ProcessLookupError):
                    apply_rlimits(process.pid, _limits(self.disk_bytes))
                code = self._wait(process)
                stream.seek(0)
                output = stream.read(_OUTPUT_BYTES)
        finally:
            capture.unlink(missing_ok=True)
        if code != 0:
            self.task.log.write(output)
            raise SourceFailed(f"{os.path.basename(argv[0])} ended with exit status {code}")
        return output

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        looked_at = time.monotonic()
        try:
            while (code := process.poll()) is None:
                self.task.check()
                if time.monotonic() - looked_at > _DISK_EVERY_S:
                    self._check_disk()
                    looked_at = time.monotonic()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
            self._check_disk()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return code

    def _check_disk(self) -> None:
        size = count = 0
        for directory, names, files in os.walk(self.directory):
            count += len(names) + len(files)
            if count > _MAX_FILES:
                raise SourceFailed(f"the sources hold more than {_MAX_FILES} files")
            for name in files:
                with contextlib.suppress(OSError):
                    size += os.lstat(os.path.join(directory, name)).st_size
            if size > self.disk_bytes:
                raise SourceFailed(f"the sources are larger than {self.disk_bytes} bytes")


def _limits(file_bytes: int) -> Limits:
    return Limits(file_bytes=file_bytes, address_bytes=_ADDRESS_BYTES, processes=4096)
