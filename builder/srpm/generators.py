"""Source types whose specs are written by an external generator."""

from __future__ import annotations

from pathlib import Path

from ..chroots.base import Root
from .task import SourceFailed, Task

_PROGRAMS = {"rubygems": "gem2rpm", "distgit": "a dist-git client"}


class GeneratorProducer:
    """Names the program that is missing.

    The generators fetch from their index by themselves and run code of what they
    fetched, so they can neither run outside of a root nor inside one without
    network.
    """

    packages = ()

    def __init__(self, task: Task) -> None:
        """Produce for one task."""
        self._task = task

    def gather(self) -> Path | None:
        """Fail with the name of the program."""
        kind = self._task.build.source_type
        program = self._task.argument("spec_generator") or _PROGRAMS.get(kind, kind)
        raise SourceFailed(f"Please, install {program}")

    def make(self, root: Root) -> Path:
        """Never reached: there is nothing to make."""
        raise SourceFailed("there is no generator")
