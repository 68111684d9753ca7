"""Side directories of a project: ``demo:custom:x`` and ``demo:pr:12``.

Each is a project of its own below the main one, whose repositories build upon
the main project's. It appears when a build is first sent there; roles come from
the project above.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from storage.errors import InvalidInput, UnknownProject
from storage.model import PathEntry, ProjectMeta, Repository
from storage.names import ProjectName

from ..access import Target
from ..obs.meta import render_project_meta
from .lookup import Named, find_project
from .names import FullName, full_name

if TYPE_CHECKING:
    from storage.records import Unit

    from .call import Call

_LISTED = 200
_KINDS = ("custom", "pr")


def read_dirname(named: Named, dirname: str | None) -> FullName:
    """The main project's or a side directory's name.

    Raises:
        InvalidInput: The text is no directory of this project.
    """
    if not dirname or dirname == named.name.name:
        return named.name
    name = FullName.parse(named.name.owner, dirname)
    if name.name != named.name.name or not name.directory or not list(name.candidates()):
        main = named.name.name
        raise InvalidInput(
            f"Please use directory format {main}:custom:<SUFFIX_OF_CHOICE> or {main}:pr:<ID>"
            " (for automatically removed directories)"
        )
    return name


def ensure_directory(call: Call, named: Named, name: FullName) -> Named:
    """The directory's project with the main project's repositories; made if it is missing."""
    if not name.directory:
        return named
    wanted = _meta(named, name)
    with call.records() as unit:
        project = unit.projects.find(wanted.name)
    if project is None or project.meta.repositories != wanted.repositories:
        project = call.house.storage.put_project_meta(
            render_project_meta(wanted), wanted, call.identity.author()
        )
    return Named(name, project, Target(ProjectName(project.name), project=project))


def find_directory(call: Call, unit: Unit, named: Named, name: FullName) -> Named | None:
    """The directory, None when no build was sent there yet."""
    if not name.directory:
        return named
    try:
        return find_project(unit, call.identity, name)
    except UnknownProject:
        return None


def side_directories(unit: Unit, named: Named) -> list[Named]:
    """The side directories of a project by name."""
    found: list[Named] = []
    for kind in _KINDS:
        prefix = f"{named.project.name}:{kind}:"
        for text in unit.projects.list(prefix=prefix, limit=_LISTED):
            name = full_name(text)
            if name is not None and name.directory:
                project = unit.projects.get(text)
                target = Target(ProjectName(text), project=project)
                found.append(Named(name, project, target))
    return found


def _meta(named: Named, name: FullName) -> ProjectMeta:
    main = named.project
    repositories = tuple(
        Repository(each.name, each.arches, (PathEntry(main.name, each.name),))
        for each in main.meta.repositories
    )
    return dataclasses.replace(
        ProjectMeta(ProjectName.parse(f"{main.name}:{name.directory}"), title=name.dirname),
        flags=main.meta.flags,
        repositories=repositories,
    )
