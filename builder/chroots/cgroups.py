"""Memory and process limits for all of a build together, where the system lets us.

Version 2 (one tree, the normal case today) is used when a controller can be
enabled below this process's own group or below the root; version 1 when its
``memory`` and ``pids`` trees are writable. Otherwise rlimits alone count.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .limits import Limits

_log = logging.getLogger(__name__)

_ROOT = Path("/sys/fs/cgroup")
_GROUP = "packhouse"
_REMOVE_DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class Group:
    """The control groups of one build; empty where none could be made."""

    paths: tuple[Path, ...] = ()

    def add(self, pid: int) -> None:
        """Put a process, and all it will fork, under the limits."""
        for path in self.paths:
            _write(path / "cgroup.procs", str(pid))

    def out_of_memory(self) -> bool:
        """Whether the kernel killed something for memory."""
        for path in self.paths:
            for name in ("memory.events", "memory.oom_control"):
                for line in _read(path / name).splitlines():
                    word, _, count = line.partition(" ")
                    if word == "oom_kill" and count.strip() not in ("", "0"):
                        return True
        return False


@contextlib.contextmanager
def group(name: str, limits: Limits) -> Iterator[Group]:
    """Make the groups of one build and remove them at the end.

    Args:
        name: Unique on this machine.
        limits: ``memory_bytes`` and ``processes`` count; files in the build's
            tmpfs are memory too, so ``disk_bytes`` is added.
    """
    made = Group(tuple(_make(name, limits)))
    try:
        yield made
    finally:
        for path in made.paths:
            _remove(path)


def sweep() -> None:
    """Remove groups without processes that dead workers left."""
    for parent in _parents():
        for path in (parent / _GROUP).glob("build-*"):
            with contextlib.suppress(OSError):
                path.rmdir()


def _make(name: str, limits: Limits) -> Iterator[Path]:
    memory = limits.memory_bytes + limits.disk_bytes if limits.memory_bytes else 0
    wanted = {
        "memory.max": memory,
        "memory.swap.max": 0 if memory else -1,
        "memory.limit_in_bytes": memory,
        "pids.max": limits.processes,
    }
    for parent in _parents():
        path = parent / _GROUP / f"build-{name}"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        _enable(parent)
        _enable(path.parent)
        count = sum(
            _write(path / file, str(value))
            for file, value in wanted.items()
            if (value > 0 or file == "memory.swap.max") and (path / file).exists()
        )
        if count:
            yield path
        else:
            _remove(path)


def _parents() -> list[Path]:
    """Directories that may hold our groups, best first."""
    if not os.access(_ROOT, os.W_OK) and not (_ROOT / "cgroup.controllers").exists():
        return []
    unified = _ROOT if (_ROOT / "cgroup.controllers").exists() else None
    if unified is None:
        return [p for p in (_ROOT / "memory", _ROOT / "pids") if os.access(p, os.W_OK)]
    own = next(
        (line[3:] for line in _read(Path("/proc/self/cgroup")).splitlines() if line[:3] == "0::"),
        "/",
    )
    candidates = [unified / own.lstrip("/"), unified]
    usable = [p for p in candidates if os.access(p, os.W_OK) and "memory" in _enabled(p)]
    return usable[:1]


def _enabled(parent: Path) -> list[str]:
    _enable(parent)
    return _read(parent / "cgroup.subtree_control").split()


def _enable(parent: Path) -> None:
    if (parent / "cgroup.subtree_control").exists():
        for controller in ("+memory", "+pids"):
            _write(parent / "cgroup.subtree_control", controller)


def _remove(path: Path) -> None:
    if (path / "cgroup.kill").exists():
        _write(path / "cgroup.kill", "1")
    deadline = time.monotonic() + _REMOVE_DEADLINE_S
    while path.exists():
        try:
            path.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                _log.warning("cgroup left behind", extra={"path": str(path)})
                return
            time.sleep(0.01)


def _write(path: Path, text: str) -> bool:
    try:
        path.write_text(text)
    except OSError:
        return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
