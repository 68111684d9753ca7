"""Where a ``/build`` route points: project, repository, architecture, package."""

from __future__ import annotations

from dataclasses import dataclass

from storage.errors import UnknownPackage, UnknownRepository
from storage.model import Package, Project, Repository
from storage.names import PackageName

from ...access import Action, allowed, locate
from ..call import Call

POOL = "_repository"
"""Stands for all results of a repository where a package may stand."""

POOL_NAMES = frozenset({POOL, "_all", "_binarylist"})
"""The documented spellings of it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names; later parts are None where the route has none.

    Attributes:
        package: None for the pool and above.
        package_name: As asked for.
    """

    project: Project
    repository: Repository | None = None
    arch: str = ""
    package: Package | None = None
    package_name: str = ""

    @property
    def is_pool(self) -> bool:
        """Whether the whole repository is meant instead of one package."""
        return self.package_name in POOL_NAMES


def find_project(call: Call, action: Action = Action.VIEW) -> Place:
    """The project of the path, if the caller may do this with it."""
    return Place(call.the_project(action))


def find_repository(call: Call) -> Place:
    """Project and repository of the path."""
    project = call.the_project(Action.VIEW)
    return Place(project, _repository(call, project))


def find_arch(call: Call) -> Place:
    """Project, repository and architecture of the path."""
    place = find_repository(call)
    return Place(place.project, place.repository, _arch(call, place))


def find_package(call: Call, action: Action = Action.VIEW) -> Place:
    """Everything a path names, if the caller may do this with the package."""
    name = call.part("package")
    package = None if name in POOL_NAMES else PackageName.parse(_without_flavor(name))
    with call.records() as unit:
        target = locate(
            unit,
            call.identity,
            call.project,
            package,
            repository=call.part("repository"),
            arch=call.part("arch"),
        )
        allowed(call.identity, action, target)
    project = target.existing_project()
    place = Place(project, _repository(call, project))
    arch = _arch(call, place)
    return Place(project, place.repository, arch, target.package, name)


def _without_flavor(name: str) -> str:
    """A package name; no package has flavors here, so one that names any is unknown."""
    plain, colon, _ = name.partition(":")
    if colon:
        raise UnknownPackage(f"unknown package: {name[:200]}")
    return plain


def _repository(call: Call, project: Project) -> Repository:
    name = call.repository
    repository = project.meta.repository(name)
    if repository is None:
        raise UnknownRepository(f"project '{project.name}' has no repository '{name}'")
    return repository


def _arch(call: Call, place: Place) -> str:
    arch = call.arch
    assert place.repository is not None
    if arch not in place.repository.arches:
        raise UnknownRepository(
            f"repository '{place.project.name}/{place.repository.name}'"
            f" has no architecture '{arch}'"
        )
    return arch
