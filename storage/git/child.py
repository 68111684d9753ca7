"""Running the git program: a clean environment, bounded memory, a certain end.

Native git reads objects for us and nothing else: it never writes into a
repository that others see. It is started with arguments only this module and
its callers choose, and no configuration but that on its command line counts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

logger = logging.getLogger(__name__)

_OLDEST = (2, 34)
_STDERR_BYTES = 4096
_END_GRACE_S = 5.0

_SETTINGS = (
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.bigFileThreshold=8m",
    "core.deltaBaseCacheLimit=64m",
    "pack.threads=1",
    "pack.windowMemory=64m",
    "pack.deltaCacheSize=64m",
    "gc.auto=0",
)


def find_git() -> str | None:
    """Path of a git that is new enough, or None."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "version"],
            capture_output=True,
            timeout=10,
            check=True,
            env=environment({}),
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        logger.warning("git_unusable", extra={"program": program})
        return None
    found = re.search(rb"(\d+)\.(\d+)", answer.stdout)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        logger.warning("git_too_old", extra={"program": program})
        return None
    return program


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a child: nothing of the server's own leaks in."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **extra,
    }


class GitChild:
    """One git process; leaving the context kills what is left of its process group.

    Attributes:
        stdout: What it writes.
        stdin: Present when no file was given as input.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        settings: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        """Start the process.

        Args:
            program: Path of git.
            arguments: The subcommand and its arguments.
            settings: ``name=value`` configuration for this run.
            env: Added to the clean environment.
            stdin: A file to read from; None makes a pipe.
            memory_bytes: Limit of the address space; None leaves it open.
        """
        self._stderr = tempfile.TemporaryFile()
        chosen = [part for value in (*_SETTINGS, *settings) for part in ("-c", value)]
        try:
            self._process = subprocess.Popen(
                [program, *chosen, *arguments],
                stdin=subprocess.PIPE if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=environment(env or {}),
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            self._stderr.close()
            raise
        if memory_bytes is not None:
            # The child waits for its input, so this comes before any allocation.
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(
                    self._process.pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes)
                )
        assert self._process.stdout is not None
        self.stdout: IO[bytes] = self._process.stdout
        self.stdin: IO[bytes] | None = self._process.stdin

    @property
    def pid(self) -> int:
        """Process id, also of the process group."""
        return self._process.pid

    def chunks(self, size: int = 64 * 1024) -> Iterator[bytes]:
        """What the child writes, as it comes."""
        descriptor = self.stdout.fileno()
        while chunk := os.read(descriptor, size):
            yield chunk

    def wait(self, timeout_s: float) -> int:
        """Wait for the end.

        Returns:
            The exit status; negative when killed, also when the time was over.
        """
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def complaint(self) -> str:
        """The end of what it wrote to standard error, for logs."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _STDERR_BYTES))
        return self._stderr.read(_STDERR_BYTES).decode(errors="replace").strip()

    def kill(self) -> None:
        """Kill the whole process group, helpers included."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        with contextlib.suppress(OSError):
            if self.stdin is not None:
                self.stdin.close()
        self.stdout.close()
        if self._process.poll() is None:
            self.kill()
        self._process.wait()
        self._stderr.close()


class Deadline:
    """A moment after which work for a stranger is given up."""

    def __init__(self, seconds: float) -> None:
        """Start counting."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return time.monotonic() >= self._end


def repository_environment(repository: Path, quarantine: Path | None = None) -> dict[str, str]:
    """Variables that name the repository, and a quarantine that writes go to."""
    variables = {"GIT_DIR": str(repository)}
    if quarantine is not None:
        variables["GIT_OBJECT_DIRECTORY"] = str(quarantine)
        variables["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(repository / "objects")
    return variables
