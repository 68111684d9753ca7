"""The seam between a build and the root it runs in."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from storage.errors import PackhouseError

from .limits import Limits
from .modes import Mode

HOME = "/home/build"
"""Home and working directory of a build, as seen inside."""

User = Literal["build", "root"]
"""``build``: no privilege at all. ``root``: enough to install packages."""


class ChrootBroken(PackhouseError):
    """The root itself cannot be set up; says nothing about the package."""


class Unresolvable(PackhouseError):
    """The wanted packages cannot be installed together; the message says which."""


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a command in a root ended.

    Attributes:
        code: Exit code, 128 + signal number for a killed one.
        ended_by: Empty when it ended by itself, else who ended it: ``timeout``,
            ``idle``, ``log``, ``stopped`` or ``memory``.
        elapsed_s: Wall-clock seconds.
    """

    code: int
    ended_by: str = ""
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with code 0."""
        return self.code == 0 and not self.ended_by


@dataclass(frozen=True, slots=True)
class Bind:
    """A host path shown inside at ``target``."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class InstallSet:
    """What a root needs besides its base.

    Attributes:
        debs: Distribution packages, ``name`` or ``name=version``.
        project_debs: Files built by projects of this house.
        rpms: Files built by projects of this house, installed with real dependency checks.
        provides: Further names the distribution's packages answer to inside the rpm
            database: (name, deb packages that must all be installed).
        rpm: Whether the root needs an rpm database that knows the distribution's packages.
    """

    debs: tuple[str, ...] = ()
    project_debs: tuple[Path, ...] = ()
    rpms: tuple[Path, ...] = ()
    provides: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rpm: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """A base root ready to be mounted.

    Attributes:
        id: Changes with every package version in it.
        lowers: Directories to stack, topmost first; never written.
        status: The dpkg status file, None in roots without dpkg.
        sources: One-line style apt sources its packages come from.
        shown: Directories of this machine bound read-only at their own place; a root
            that has any takes no further packages.
        notice: Said at the head of each log, if anything has to be said.
    """

    id: str
    lowers: tuple[Path, ...]
    status: Path | None = None
    sources: str = ""
    shown: tuple[Path, ...] = ()
    notice: str = ""


class Sink(Protocol):
    """Takes the output of a command."""

    def write(self, data: bytes) -> bool:
        """Keep ``data``; False means enough, end the command."""
        ...


@dataclass(slots=True)
class Capture:
    """A sink that keeps the first ``limit_bytes`` of the output in memory."""

    limit_bytes: int = 16 << 20
    data: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> bool:
        """Keep what still fits."""
        self.data += data[: max(0, self.limit_bytes - len(self.data))]
        return len(self.data) < self.limit_bytes

    @property
    def text(self) -> str:
        """The output as text, undecodable bytes replaced."""
        return self.data.decode(errors="replace")


class Root(Protocol):
    """One root, made for one build and gone with it."""

    @property
    def home(self) -> Path:
        """Host path of the build's home; content is untrusted once a command ran."""
        ...

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
        """Run a command inside and wait for it and everything it left running.

        Args:
            argv: Program and arguments, as seen inside.
            sink: Gets standard output and error, interleaved.
            user: Who it runs as.
            cwd: Directory inside.
            env: Additions to the small fixed environment.
            network: Share the host's network; False leaves a dead loopback device only.
            binds: Further host paths to show, read-only unless they say otherwise.
            timeout_s: Wall clock; None takes what the root's limits say.
            stop: Set by another thread to end the command.
        """
        ...

    def give(self, path: Path) -> None:
        """Hand a file or directory below ``home`` to the build user."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Chroot(Protocol):
    """One configured build environment."""

    @property
    def name(self) -> str:
        """Its configured name, for example ``debian-12-x86_64``."""
        ...

    @property
    def mode(self) -> Mode:
        """The rights it works with; what ``namespaces.isolate`` is given."""
        ...

    def base(self) -> Base:
        """The base root, made first if it is missing (can take a minute).

        Raises:
            ChrootBroken: It cannot be made.
        """
        ...

    def prepare(self, install: InstallSet, limits: Limits, sink: Sink, *, slot: int = 0) -> Root:
        """A root holding the base and ``install``, to be used as a context manager.

        The calling process must have isolated itself (``namespaces.isolate``).

        Args:
            install: Packages besides the base; cached by their exact set.
            limits: Sizes and times of everything run inside.
            sink: Gets the output of an installation, if one was necessary.
            slot: Number of the build slot; decides the build user's uid.

        Raises:
            Unresolvable: The packages do not go together or do not exist.
            ChrootBroken: Anything that is not the package's fault.
        """
        ...

    def package_lists(self) -> tuple[Path, ...]:
        """Debian ``Packages`` index files of the base's archive, fetched when missing or old."""
        ...

    def sweep(self) -> None:
        """Remove what dead processes left and what the size bound no longer allows."""
        ...
