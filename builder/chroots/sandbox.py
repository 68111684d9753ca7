"""One root: an overlay with a size-limited top, and commands run in it."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from . import bwrap, cgroups, supervise
from .base import HOME, Bind, ChrootBroken, ExitStatus, Sink, User
from .fixup import BUILD_UID_BASE, SLOTS
from .limits import Limits
from .modes import Mode
from .namespaces import (
    bind_device,
    mount_overlay,
    mount_tmpfs,
    require_isolation,
    unmount,
)

_log = logging.getLogger(__name__)


class Sandbox:
    """A root whose every change lies in memory and vanishes with it.

    Attributes:
        mode: Rights it works with.
        upper: Host path of the changes; untrusted once a command ran.
    """

    def __init__(
        self,
        scratch: Path,
        lowers: Sequence[Path],
        limits: Limits,
        mode: Mode,
        slot: int,
        shown: Sequence[Path] = (),
        held: contextlib.ExitStack | None = None,
    ) -> None:
        """Describe the root; entering the context makes it.

        Args:
            scratch: Directory in which a mount point of its own is made.
            lowers: Read-only directories, topmost first.
            limits: Size of the top, and limits of the commands.
            mode: Rights at hand.
            slot: Build slot; decides the build user's uid.
            shown: Directories of this machine to bind read-only at their own place.
            held: Closed with the root; keeps its layers from being removed.
        """
        if not 0 <= slot < SLOTS:
            raise ChrootBroken(f"build slot {slot} does not exist")
        self._lowers = tuple(lowers)
        self._limits = limits
        self.mode = mode
        self._binds = tuple(Bind(path, str(path)) for path in shown)
        self._held = held
        self._uid = BUILD_UID_BASE + slot
        # Pid and start time tell a sweeper whether the maker still lives.
        name = f"{os.getpid()}-{start_time(os.getpid())}-{secrets.token_hex(4)}"
        self._name = name
        self._place = scratch / name
        self.upper = self._place / "upper"

    @property
    def home(self) -> Path:
        """Host path of the build's home."""
        return self._place / "home"

    def give(self, path: Path) -> None:
        """Hand a file or directory of ours below ``home`` to the build user."""
        if self.mode is Mode.ROOT:
            os.chown(path, self._uid, self._uid, follow_symlinks=False)

    def run(
        self,
        argv: Sequence[str],
        *,
        sink: Sink,
        user: User = "build",
        cwd: str = HOME,
        env: Mapping[str, str] | None = None,
        network: bool = False,
        binds: Sequence[Bind] = (),
        timeout_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> ExitStatus:
        """Run a command inside; see ``base.Root.run``."""
        command = bwrap.Command(
            mode=self.mode,
            tree=self._place / "tree",
            argv=argv,
            devices=self._place / "dev" if self.mode is Mode.ROOT else None,
            uid=self._uid,
            user=user,
            cwd=cwd,
            env=env or {},
            network=network,
            binds=(*self._binds, Bind(self.home, HOME, writable=True), *binds),
        )
        with cgroups.group(self._name, self._limits) as group:
            status = supervise.run(
                command,
                limits=self._limits,
                sink=sink,
                enter=group.add,
                timeout_s=timeout_s,
                stop=stop,
            )
            if not status.ok and not status.ended_by and group.out_of_memory():
                status = ExitStatus(status.code, "memory", status.elapsed_s)
        return status

    def __enter__(self) -> Self:
        """Mount everything.

        Raises:
            ChrootBroken: The system refuses.
        """
        require_isolation()
        self._place.mkdir(parents=True, mode=0o700)
        try:
            mount_tmpfs(self._place, size_bytes=self._limits.disk_bytes, inodes=self._limits.inodes)
            for name in ("upper", "work", "tree", "home", "dev"):
                (self._place / name).mkdir()
            for name in ("upper", "home"):
                (self._place / name).chmod(0o755)
            self.give(self.home)
            if self.mode is Mode.ROOT:
                for device in bwrap.DEVICES:
                    bind_device(Path("/dev") / device, self._place / "dev" / device)
            mount_overlay(
                self._place / "tree",
                self._lowers,
                self.upper,
                self._place / "work",
                mode=self.mode,
            )
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unmount everything and remove the mount point."""
        self._close()

    def _close(self) -> None:
        if self.mode is Mode.ROOT:
            for device in bwrap.DEVICES:
                unmount(self._place / "dev" / device)
        unmount(self._place / "tree")
        unmount(self._place)
        with contextlib.suppress(FileNotFoundError):
            self._place.rmdir()
        if self._held is not None:
            self._held.close()


def sweep(scratch: Path) -> None:
    """Remove mount points of processes that no longer live."""
    if not scratch.is_dir():
        return
    for path in scratch.iterdir():
        pid, _, rest = path.name.partition("-")
        if pid.isdigit() and start_time(int(pid)) != rest.partition("-")[0]:
            with contextlib.suppress(OSError):
                path.rmdir()


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
