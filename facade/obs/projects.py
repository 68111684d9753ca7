"""Projects: lists, deletion, commands (OBS API contract, sections 5.1, 5.3, 5.7 and 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Response

from storage.errors import StillUsed, UnknownProject
from storage.model import PathEntry, Project, ProjectMeta, Repository
from storage.names import ProjectName

from ..access import Action, allowed, locate
from ..visible import visible_projects
from . import flags, keys
from .call import Call
from .directory import names
from .meta import render_project_meta
from .routing import Handler, Route, dispatch
from .sourceinfo import project_info
from .status import answer, ok
from .xml import Element

if TYPE_CHECKING:
    from storage.records import Unit

_GONE = PathEntry("deleted", "standard")
"""What stands in a path whose project was deleted by force."""


def index(call: Call) -> Response:
    """``GET /source`` [PRJ-01], ``?deleted`` [PRJ-02]."""
    if call.has("deleted"):
        allowed(call.identity, Action.LIST_DELETED)
        with call.records() as unit:
            return names(unit.projects.all_deleted())
    with call.records() as unit:
        return names(visible_projects(unit, call.identity, unit.projects.list()))


def show(call: Call) -> Response:
    """``GET /source/P`` [PKG-01 to PKG-05]."""
    if call.has("deleted") and call.param("deleted") != "0":
        return _deleted(call)
    project = call.the_project(Action.VIEW)
    if call.param("view") == "info":
        return project_info(call, project)
    with call.records() as unit:
        found = unit.packages.list(project.id)
        if call.flag("expand"):
            return _expanded(call, unit, project, found)
    return names(found, count=not call.has("deleted"))


def delete(call: Call) -> Response:
    """``DELETE /source/P`` [PRJ-08]."""
    force = call.param("force") not in ("", "0")
    call.the_project(Action.DELETE_PROJECT)
    with call.records() as unit:
        users = unit.projects.referencing(call.project)
        if users and not force:
            shown = ", ".join(visible_projects(unit, call.identity, users)[:5])
            raise StillUsed(
                f"repositories of {shown or 'other projects'} build on project '{call.project}'",
                hint="give force=1 to delete it anyway",
            )
        developed = [p for p in unit.packages.developed_in(call.project) if p[0] != call.project]
        if developed and not force:
            raise StillUsed(
                f"project '{call.project}' holds devel packages of {'/'.join(developed[0])}",
                code="delete_error",
            )
    author = call.identity.author()
    for name in users:
        _cut_paths(call, name)
    call.house.storage.delete_project(call.project, author, call.comment)
    call.house.keyring.delete(call.project)
    return ok()


def undelete(call: Call) -> Response:
    """``POST /source/P?cmd=undelete`` [PRJ-25]."""
    with call.records() as unit:
        target = locate(unit, call.identity, call.project)
        allowed(call.identity, Action.UNDELETE_PROJECT, target)
        if target.project is not None:
            raise UnknownProject(f"project '{call.project}' already exists", code="not_found")
    call.house.storage.undelete_project(call.project, call.identity.author(), call.comment)
    return ok()


def show_linked(call: Call) -> Response:
    """``POST /source/P?cmd=showlinked`` [PRJ-26]."""
    call.the_project(Action.VIEW)
    with call.records() as unit:
        found = visible_projects(unit, call.identity, unit.projects.linking(call.project))
    return answer(Element("collection", {}, [Element("project", {"name": n}) for n in found]))


def _deleted(call: Call) -> Response:
    """Names of deleted packages; of a deleted project, those it had."""
    with call.records() as unit:
        target = locate(unit, call.identity, call.project)
        if target.project is not None:
            allowed(call.identity, Action.VIEW, target)
            return names(unit.packages.deleted_names(target.project.id))
        allowed(call.identity, Action.UNDELETE_PROJECT, target)
        gone = unit.projects.deleted(call.project)
        return names(unit.packages.list(gone.id))


def _expanded(call: Call, unit: Unit, project: Project, own: Sequence[str]) -> Response:
    """Own packages and those of linked projects, the first that has a name wins."""
    origin = dict.fromkeys(own, project.name)
    seen = {project.name}
    waiting = [link.project for link in project.meta.links]
    while waiting:
        name = waiting.pop(0)
        if name in seen or not visible_projects(unit, call.identity, [name]):
            continue
        seen.add(name)
        linked = unit.projects.find(name)
        if linked is not None:
            for package in unit.packages.list(linked.id):
                origin.setdefault(package, name)
            waiting += [link.project for link in linked.meta.links]
    entries = [
        Element("entry", {"name": name, "originproject": origin[name]}) for name in sorted(origin)
    ]
    return answer(Element("directory", {"count": len(entries)}, entries))


def _cut_paths(call: Call, name: str) -> None:
    """Replace the paths of another project to this one by ``deleted/standard``."""
    with call.records() as unit:
        meta = unit.projects.get(name).meta
    repositories = tuple(_without(repository, call.project) for repository in meta.repositories)
    new: ProjectMeta = replace(meta, repositories=repositories)
    call.house.storage.put_project_meta(
        render_project_meta(new),
        new,
        call.identity.author(),
        f"project '{call.project}' was deleted",
    )


def _without(repository: Repository, project: ProjectName) -> Repository:
    def cut(places: tuple[PathEntry, ...]) -> tuple[PathEntry, ...]:
        return tuple(_GONE if place.project == project else place for place in places)

    return replace(repository, paths=cut(repository.paths), hostsystems=cut(repository.hostsystems))


COMMANDS: dict[str, Handler] = {
    "undelete": undelete,
    "showlinked": show_linked,
    **flags.PROJECT_COMMANDS,
    **keys.COMMANDS,
}
ROUTES = [
    Route("GET", "/source", index),
    Route("GET", "/source/<project>", show),
    Route("DELETE", "/source/<project>", delete),
    Route("POST", "/source/<project>", dispatch(COMMANDS)),
]
