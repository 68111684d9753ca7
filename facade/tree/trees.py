"""Looking into published trees, for everybody who may."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.publishers import Generation, Generations
from builder.publishers.subject import generations
from storage.errors import NotFound, UnknownProject
from storage.model import Project
from storage.names import ProjectName, RepositoryName

from ..access import Action, allowed, locate
from ..identity import Identity
from ..visible import visible_projects

if TYPE_CHECKING:
    from ..wiring import House

_FIXED = re.compile(r"[0-9a-f]{64}-[a-z]+\.xml\.gz|[0-9a-f]{64}|.+\.[ud]?deb|.+\.rpm")
_VISITED = 200_000
"""Directory entries looked at for one list."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or directory of a tree.

    Attributes:
        path: On disk, inside one generation.
        is_fixed: Whether the content under this name never changes.
    """

    path: Path
    is_directory: bool
    is_fixed: bool


class Trees:
    """The published trees of a house, as one caller may see them."""

    def __init__(self, house: House, identity: Identity) -> None:
        """Look with the eyes of ``identity``."""
        self._house = house
        self._identity = identity

    @property
    def generations(self) -> Generations:
        """The trees themselves."""
        return generations(self._house.builder)

    def project(self, name: ProjectName, repository: str | None = None) -> Project:
        """A project whose binaries the caller may fetch (of that repository).

        Raises:
            UnknownProject: There is none, or it is hidden.
            NotAllowed: Its binaries are closed.
            NotAuthenticated: The house shows nothing to strangers.
        """
        if not self._house.settings.anonymous_read:
            self._identity.required()
        with self._house.records.read() as unit:
            target = locate(unit, self._identity, name, repository=repository)
            try:
                allowed(self._identity, Action.DOWNLOAD_BINARY, target)
            except UnknownProject:
                raise NotFound("no such file or directory") from None
            return target.existing_project()

    def current(self, project: Project, repository: RepositoryName) -> Generation:
        """The published generation.

        Raises:
            NotFound: Nothing is published, or the repository does not exist any more.
        """
        found = self.generations.current(project.name, repository)
        if found is None:
            raise NotFound("no such file or directory")
        return found

    def find(self, project: Project, repository: RepositoryName, rest: tuple[str, ...]) -> Found:
        """A path in a tree.

        What the present generation lacks is looked for in those replaced a
        short while ago, if its name is that of a package or a checksum: a
        client may have read the list that names it just before.

        Raises:
            NotFound: There is no such file or directory.
        """
        fixed = bool(rest) and _FIXED.fullmatch(rest[-1]) is not None
        for generation in self._readable(project, repository, with_earlier=fixed):
            path = generation.path.joinpath(*rest)
            try:
                mode = path.lstat().st_mode
            except OSError:
                continue
            if stat.S_ISDIR(mode):
                return Found(path, True, False)
            if stat.S_ISREG(mode):
                return Found(path, False, fixed)
        raise NotFound("no such file or directory")

    def repositories(self, project: Project) -> list[str]:
        """Names of a project's trees."""
        return self.generations.repositories(project.name)

    def projects(self, above: str = "") -> list[str]:
        """Names of the projects with trees that begin with ``above`` and may be seen."""
        if not self._house.settings.anonymous_read:
            self._identity.required()
        top = self.generations.root / above.replace(":", ":/")
        names = [above + name for name in _walk(top)]
        with self._house.records.read() as unit:
            living = set(unit.projects.list(above or None))
            known = sorted(name for name in names if name in living)
            return visible_projects(unit, self._identity, known)

    def _readable(
        self, project: Project, repository: RepositoryName, *, with_earlier: bool
    ) -> Iterator[Generation]:
        yield self.current(project, repository)
        if with_earlier:
            yield from self.generations.earlier(project.name, repository)


def _walk(top: Path) -> Iterator[str]:
    """Names of projects below a directory: those that hold a link to a generation."""
    waiting = [(top, "")]
    visited = 0
    while waiting:
        directory, prefix = waiting.pop()
        try:
            entries = list(os.scandir(directory))
        except OSError:
            continue
        for entry in entries:
            visited += 1
            if visited > _VISITED:
                return
            if entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
                continue
            if entry.name.endswith(":"):
                waiting.append((Path(entry.path), prefix + entry.name))
            else:
                yield prefix + entry.name
