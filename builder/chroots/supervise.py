"""The watch over one sandboxed command: started held, fed to a sink, ended for good."""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO

from . import seccomp
from .base import ChrootBroken, ExitStatus, Sink
from .bwrap import Command, arguments
from .limits import Limits, apply_rlimits

_POLL_S = 0.25
_CHUNK_BYTES = 1 << 16


def run(
    command: Command,
    *,
    limits: Limits,
    sink: Sink,
    enter: Callable[[int], None],
    timeout_s: float | None = None,
    stop: threading.Event | None = None,
) -> ExitStatus:
    """Run a command and wait until it and everything it left running is gone.

    Args:
        command: What to run.
        limits: Times and rlimits.
        sink: Gets the output.
        enter: Called with the pid of the sandbox's first process before it may go on.
        timeout_s: Wall clock instead of the one in ``limits``.
        stop: Ends the command when set.

    Raises:
        ChrootBroken: bwrap itself failed; what it said is in the output.
    """
    started = time.monotonic()
    deadline = started + (limits.wall_s if timeout_s is None else timeout_s)
    with _start(command) as held:
        if held.first_pid:
            enter(held.first_pid)
            with contextlib.suppress(ProcessLookupError):  # it failed already, as is seen below
                apply_rlimits(held.first_pid, limits)
        with contextlib.suppress(BrokenPipeError):
            held.release.write(b"1")
        ended_by = _watch(held.output, sink, deadline, limits.idle_s, stop)
        held.end(kill=bool(ended_by))
        _drain(held.output, sink)
        code = held.process.wait()
        # bwrap names an exit code only when it came as far as the command.
        if code == 1 and not ended_by and b'"exit-code"' not in (held.status.read() or b""):
            raise ChrootBroken("the sandbox could not be started", hint="see the log")
    if code < 0:
        code = 128 - code
    return ExitStatus(code, ended_by, time.monotonic() - started)


@dataclass(slots=True)
class _Held:
    """A started sandbox whose command waits for ``release``."""

    process: subprocess.Popen[bytes]
    output: FileIO
    status: FileIO
    release: FileIO
    first_pid: int
    first_pidfd: int

    def end(self, *, kill: bool) -> None:
        """Wait until all processes of the sandbox are gone, killing them first if asked.

        The first process is its pid namespace's init: the kernel ends it only
        after every other process in there.
        """
        if not kill:
            self.process.wait()
        if self.first_pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.first_pidfd, signal.SIGKILL)
            select.select([self.first_pidfd], [], [])
        elif kill:
            self.process.kill()


@contextlib.contextmanager
def _start(command: Command) -> Iterator[_Held]:
    """Start bwrap, held before its command; whatever happens, it is dead at the end."""
    with contextlib.ExitStack() as stack:

        def pipe() -> tuple[FileIO, FileIO]:
            read, write = os.pipe()
            return stack.enter_context(FileIO(read)), stack.enter_context(FileIO(write, "w"))

        output, output_end = pipe()
        status, status_end = pipe()
        block_end, release = pipe()
        filter_fd = _filter_fd(stack)
        line = arguments(
            command,
            status_fd=status_end.fileno(),
            block_fd=block_end.fileno(),
            filter_fd=filter_fd,
        )
        passed = [status_end.fileno(), block_end.fileno()]
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=output_end,
            stderr=output_end,
            pass_fds=passed + ([filter_fd] if filter_fd >= 0 else []),
            env={},
            cwd="/",
        )
        stack.callback(_reap, process)
        for end in (output_end, status_end, block_end):
            end.close()
        first_pid, first_pidfd = _first_process(status)
        if first_pidfd >= 0:
            stack.callback(os.close, first_pidfd)
        yield _Held(process, output, status, release, first_pid, first_pidfd)


def _reap(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _filter_fd(stack: contextlib.ExitStack) -> int:
    code = seccomp.program()
    if code is None:
        return -1
    file = stack.enter_context(tempfile.TemporaryFile())
    file.write(code)
    file.flush()
    file.seek(0)
    return file.fileno()


def _first_process(status: FileIO) -> tuple[int, int]:
    """Pid and descriptor of the held process; (0, -1) when bwrap gave up, which it says itself."""
    text = b""
    while b"\n" not in text:
        chunk = status.read(4096)
        if not chunk:
            return 0, -1
        text += chunk
    pid = int(json.loads(text.split(b"\n")[0]).get("child-pid", 0))
    try:
        return pid, os.pidfd_open(pid)
    except ProcessLookupError:
        return 0, -1


def _drain(output: FileIO, sink: Sink) -> None:
    """Take what is still in the pipe; nobody can write to it any more."""
    os.set_blocking(output.fileno(), False)
    while data := output.read(_CHUNK_BYTES):
        sink.write(data)


def _watch(
    output: FileIO, sink: Sink, deadline: float, idle_s: float, stop: threading.Event | None
) -> str:
    """Feed the sink until the last writer is gone; why it had to be ended, or nothing."""
    last_output = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now >= deadline:
                return "timeout"
            if idle_s and now - last_output >= idle_s:
                return "idle"
            if stop is not None and stop.is_set():
                return "stopped"
            if not selector.select(min(_POLL_S, max(0.0, deadline - now))):
                continue
            data = output.read(_CHUNK_BYTES)
            if not data:
                return ""
            last_output = now
            if not sink.write(data):
                return "log"
