"""Keeps child processes running and ends them together.

The supervisor imports everything once and forks its children, so they share
that memory. A child that ends unexpectedly is started again with a growing
pause. A child outlives the supervisor in no case: the kernel is asked to
terminate it when its parent dies, and each child leads its own session so that
what it started can be ended with it.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_CALM_S = 20.0
"""A child that ran this long is restarted without a pause."""


@dataclass(slots=True)
class Role:
    """One child process.

    Attributes:
        name: Shown in the log and, as ``ph-<name>``, by ps and top.
        run: Called in the child; the child ends when it returns.
        grace_s: Time between the polite signal and SIGKILL at shutdown.
        stop_signal: The polite signal.
    """

    name: str
    run: Callable[[], None]
    grace_s: float = 10.0
    stop_signal: int = signal.SIGTERM
    pid: int = 0
    started_at: float = 0.0
    pause_s: float = field(default=_FIRST_PAUSE_S)
    due_at: float = 0.0


class Supervisor:
    """Runs roles until told to stop.

    Args:
        roles: In starting order; they are stopped in reverse order.
    """

    def __init__(self, roles: list[Role]) -> None:
        self._roles = roles
        self._stopping = False

    def run(self) -> None:
        """Start every role, restart what ends, return after SIGTERM or SIGINT."""
        self._listen()
        gc.collect()
        gc.freeze()
        for role in self._roles:
            self._start(role)
        while not self._stopping:
            self._reap()
            self._restart_due()
            if not self._stopping:
                self._pause(0.5)
        self._stop_all()

    def _listen(self) -> None:
        """Take signals; each one also ends a running pause."""
        self._wakeup, writer = socket.socketpair()
        for end in (self._wakeup, writer):
            end.setblocking(False)
        self._wakeup_writer = writer
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _pause(self, seconds: float) -> None:
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._wakeup.recv(4096)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        logger.info("stopping signal=%s", signal.Signals(number).name)
        self._stopping = True

    def _start(self, role: Role) -> None:
        pid = os.fork()
        if pid == 0:
            _become_child(role)
        role.pid, role.started_at = pid, time.monotonic()
        logger.info("child_started role=%s pid=%d", role.name, pid)

    def _reap(self) -> None:
        for role in self._roles:
            if role.pid and (status := _wait(role.pid)) is not None:
                self._ended(role, status)

    def _ended(self, role: Role, status: int) -> None:
        calm = time.monotonic() - role.started_at > _CALM_S
        role.pause_s = _FIRST_PAUSE_S if calm else min(role.pause_s * 2, _LONGEST_PAUSE_S)
        role.due_at = time.monotonic() + role.pause_s
        _kill_session(role.pid)
        role.pid = 0
        logger.warning("child_ended role=%s status=%d", role.name, status)

    def _restart_due(self) -> None:
        for role in self._roles:
            if not role.pid and time.monotonic() >= role.due_at and not self._stopping:
                self._start(role)

    def _stop_all(self) -> None:
        for role in reversed(self._roles):
            if role.pid:
                _signal(role.pid, role.stop_signal)
        for role in reversed(self._roles):
            if role.pid:
                self._end(role)
        logger.info("stopped")

    def _end(self, role: Role) -> None:
        deadline = time.monotonic() + role.grace_s
        while _wait(role.pid) is None:
            if time.monotonic() > deadline:
                logger.warning("child_killed role=%s pid=%d", role.name, role.pid)
                _signal(role.pid, signal.SIGKILL)
                os.waitpid(role.pid, 0)
                break
            self._pause(0.05)
        _kill_session(role.pid)
        role.pid = 0


def _become_child(role: Role) -> None:
    """Run the role in the freshly forked child; never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        die_with_parent()
        _show_name(f"ph-{role.name}")
        role.run()
        code = 0
    except KeyboardInterrupt:
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        logger.exception("child_crashed role=%s", role.name)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when its parent ends (Linux)."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _show_name(name: str) -> None:
    """Name the process for ps and top (15 bytes), its own children included."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _wait(pid: int) -> int | None:
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if done else None


def _kill_session(leader: int) -> None:
    """Kill what a dead child's process group still holds."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
