"""The source part of one build as its producer sees it, and the seam they share."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.errors import PackhouseError
from storage.git.child import Deadline
from storage.model import Build

from ..chroots.base import Root
from ..house import BuilderHouse
from ..logs import LogWriter
from .addresses import AddressPolicy

DEFAULT_TIMEOUT_S = 3600
"""Wall clock of a source part whose build names none, seconds."""


class SourceFailed(PackhouseError):
    """No source package can be made; the message is for the submitter."""


class Stopped(PackhouseError):
    """The source part is not wanted any more, or this worker ends."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a producer works with.

    Attributes:
        work: Empty directory of its own on the data file system.
        log: Takes the output of everything that runs.
        stop: Set when the work has to end.
        deadline: When it is given up.
    """

    house: BuilderHouse
    build: Build
    work: Path
    log: LogWriter
    stop: threading.Event
    deadline: Deadline

    def argument(self, name: str) -> str:
        """One text of the build's source description, empty when absent."""
        value = self.build.source_dict.get(name)
        return value if isinstance(value, str) else ""

    @property
    def addresses(self) -> AddressPolicy:
        """Which addresses may be fetched from."""
        return AddressPolicy(self.house.settings.private_networks)

    def check(self) -> None:
        """Go on only if that is wanted.

        Raises:
            Stopped: It is not.
            SourceFailed: The time is over.
        """
        if self.stop.is_set():
            raise Stopped("the source part was stopped")
        if self.deadline.is_over:
            raise SourceFailed(f"the source part took longer than {self.deadline.seconds:.0f} s")


class Producer(Protocol):
    """Makes the source package of one build, in two steps.

    ``gather`` runs in the worker's own world and may use the network through the
    guard; whatever a stranger wrote is run in ``make`` only, inside a root
    without network.
    """

    @property
    def packages(self) -> Sequence[str]:
        """What the root needs besides its base."""
        ...

    def gather(self) -> Path | None:
        """Fetch everything.

        Returns:
            The source package, if it is one already; None asks for ``make``.

        Raises:
            SourceFailed: It cannot be had.
        """
        ...

    def make(self, root: Root) -> Path:
        """Make the source package; returns its host path.

        Raises:
            SourceFailed: It cannot be made.
        """
        ...
