"""What is checked as one: a repository of a project for one architecture."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage.model import JobState, Project, Repository

BUSY = frozenset({JobState.SCHEDULED, JobState.BLOCKED, JobState.WAITING})
"""States of a package whose binaries are about to change."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One repository and architecture."""

    project_id: int
    project: str
    repository: str
    arch: str

    def __str__(self) -> str:
        """``project/repository/arch`` for logs."""
        return f"{self.project}/{self.repository}/{self.arch}"


@dataclass(slots=True)
class Wanted:
    """What a check of one scope has to look at.

    Attributes:
        everything: All packages; the other fields do not matter then.
        packages: Names of packages.
        names: Capabilities of which something changed: whoever uses them is looked at.
    """

    everything: bool = False
    packages: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, other: Wanted) -> None:
        """Also look at what another wish wants."""
        self.everything |= other.everything
        self.packages |= other.packages
        self.names |= other.names


def scopes_of(project: Project) -> list[Scope]:
    """Every scope of a project, in the order of its meta."""
    return [
        Scope(project.id, project.name, repository.name, arch)
        for repository in project.meta.repositories
        for arch in repository.arches
    ]


def repository_of(project: Project, scope: Scope) -> Repository | None:
    """The repository of a scope, None when the meta no longer has it or its architecture."""
    repository = project.meta.repository(scope.repository)
    return repository if repository and scope.arch in repository.arches else None
