"""The seam between a build and the tool that builds its kind of recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from storage.model import Job

from ..artifacts import Place


@dataclass(frozen=True, slots=True)
class Making:
    """One build as its maker sees it.

    Attributes:
        home: Host path of the build's home, still untouched by the package.
        job: What is built; ``install`` holds macros, flags and the release form.
        files: Names of the sources.
        disturl: Origin for the packages' headers.
        time: When the sources were committed, Unix seconds.
        processors: How many processes a build may use at once.
    """

    home: Path
    job: Job
    files: Sequence[str]
    disturl: str = ""
    time: int = 0
    processors: int = 1


@dataclass(frozen=True, slots=True)
class Command:
    """What to run inside."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


class Maker(Protocol):
    """Builds one kind of recipe."""

    @property
    def needs_rpm(self) -> bool:
        """Whether the root needs an rpm database that knows the distribution's packages."""
        ...

    @property
    def sources(self) -> str:
        """Where the sources go, relative to the build's home."""
        ...

    @property
    def places(self) -> Sequence[Place]:
        """Where results may lie after the build."""
        ...

    def prepare(self, making: Making) -> Command:
        """Write what the tool needs beside the sources, and say how to start it."""
        ...

    def missing(self, exit_code: int, output: str) -> str:
        """What the tool says it lacks, when it stopped for missing requirements; else empty.

        Args:
            exit_code: How it ended.
            output: The last part of what it printed.
        """
        ...


def maker_for(recipe: str) -> Maker | None:
    """Who builds a recipe, by its file name; None when nobody can."""
    from .dsc import DscMaker
    from .spec import SpecMaker

    if recipe.endswith(".spec"):
        return SpecMaker()
    if recipe.endswith(".dsc"):
        return DscMaker()
    return None
