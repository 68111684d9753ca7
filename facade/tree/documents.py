"""``/published/...``: the same trees as OBS documents (OBS API contract, section 13)."""

from __future__ import annotations

from flask import Response

from builder.headers import describe
from builder.publishers import tree_path
from builder.publishers.subject import published_url
from storage.errors import InvalidInput, NotFound, UnknownFile, UnknownRepository
from storage.model import Binary, Project

from ..access import Action
from ..obs.build.fileinfo import file_info
from ..obs.call import Call
from ..obs.directory import names
from ..obs.routing import Route
from ..obs.status import answer
from ..obs.xml import Element
from .paths import components
from .serving import list_directory, send_path
from .trees import Found, Trees
from .ymp import metapackage

_FILE_VIEWS = ("", "fileinfo", "ymp")


def projects(call: Call) -> Response:
    """``GET /published`` [PUB-01]: projects with published repositories."""
    return names(_trees(call).projects())


def repositories(call: Call) -> Response:
    """``GET /published/P`` [PUB-02]."""
    project = call.the_project(Action.VIEW)
    return names(_trees(call).repositories(project))


def top(call: Call) -> Response:
    """``GET /published/P/R`` [PUB-03, PUB-07]."""
    project = _project(call)
    view = call.param("view")
    if view == "publishedpath":
        return _published_path(call, project)
    if view:
        raise InvalidInput(f"unknown view '{view[:60]}'")
    try:
        found = _trees(call).find(project, call.repository, ())
    except NotFound:
        # Nothing has been published yet.
        return names(())
    return names(line.name for line in list_directory(found.path))


def below(call: Call) -> Response:
    """``GET /published/P/R/A`` [PUB-04]: a directory's names, or a file of the top directory."""
    found = _find(call, call.part("arch"))
    if found.is_directory:
        return names(line.name for line in list_directory(found.path))
    return _file(call, found)


def file(call: Call) -> Response:
    """``GET /published/P/R/A/F`` [PUB-05, PUB-06]."""
    found = _find(call, call.part("arch"), call.part("file"))
    if found.is_directory:
        return names(line.name for line in list_directory(found.path))
    return _file(call, found)


def _file(call: Call, found: Found) -> Response:
    view = call.param("view")
    if view not in _FILE_VIEWS:
        raise InvalidInput(f"unknown view '{view[:60]}'")
    if not view:
        return send_path(call.request, found.path, fixed=found.is_fixed)
    facts = found.path.stat()
    header = describe(found.path)
    if view == "ymp":
        return metapackage(call, _project(call), header)
    described = Binary(0, found.path.name, facts.st_size, "", "", int(facts.st_mtime), header)
    return file_info(found.path.name, described)


def _published_path(call: Call, project: Project) -> Response:
    builder = call.house.builder
    children = [
        Element("path", text=tree_path(project.name, call.repository)),
        Element("url", text=published_url(builder, project.name, call.repository)),
    ]
    attrs = {"project": project.name, "repository": str(call.repository)}
    return answer(Element("publishedpath", attrs, children))


def _project(call: Call) -> Project:
    """The project of the path, with the repository of the path or a tree of that name.

    Raises:
        UnknownRepository: There is neither.
    """
    project = call.the_project(Action.VIEW)
    name = call.repository
    if project.meta.repository(name) is None and name not in _trees(call).repositories(project):
        raise UnknownRepository(f"project '{project.name}' has no repository '{name}'")
    return project


def _find(call: Call, *parts: str) -> Found:
    project = _project(call)
    trees = _trees(call)
    trees.project(call.project, call.repository)
    inside = components("/".join(parts))
    try:
        return trees.find(project, call.repository, inside)
    except NotFound:
        name = "/".join(parts)[:255]
        raise UnknownFile(f"{name}: No such file or directory") from None


def _trees(call: Call) -> Trees:
    return Trees(call.house, call.identity)


ROUTES = [
    Route("GET", "/published", projects),
    Route("GET", "/published/", projects),
    Route("GET", "/published/<project>", repositories),
    Route("GET", "/published/<project>/<repository>", top),
    Route("GET", "/published/<project>/<repository>/<arch>", below),
    Route("GET", "/published/<project>/<repository>/<arch>/<file>", file),
]
