"""Lists of names below ``/build`` (OBS API contract, section 11.1)."""

from __future__ import annotations

from flask import Response

from storage.errors import NotFound

from ...visible import visible_projects
from ..call import Call
from ..directory import names
from ..routing import Route
from .place import find_arch, find_project, find_repository


def index(call: Call) -> Response:
    """``GET /build`` [BLD-01]: the projects."""
    call.only(())
    with call.records() as unit:
        return names(visible_projects(unit, call.identity, unit.projects.list()))


def repositories(call: Call) -> Response:
    """``GET /build/P`` [BLD-03]."""
    call.only(())
    return names(repository.name for repository in find_project(call).project.meta.repositories)


def architectures(call: Call) -> Response:
    """``GET /build/P/R`` [BLD-04]."""
    call.only(())
    repository = find_repository(call).repository
    return names(repository.arches if repository else ())


def packages(call: Call) -> Response:
    """``GET /build/P/R/A`` [BLD-05]."""
    call.only(())
    place = find_arch(call)
    with call.records() as unit:
        return names(unit.packages.list(place.project.id))


def build_info(call: Call) -> Response:
    """``GET /build/P/R/A/_buildinfo`` [BRI-04] never had a meaning."""
    find_arch(call)
    raise NotFound("build information is about one package")


ROUTES = [
    Route("GET", "/build/<project>/<repository>/<arch>/_buildinfo", build_info),
    Route("GET", "/build", index),
    Route("GET", "/build/<project>", repositories),
    Route("GET", "/build/<project>/<repository>", architectures),
    Route("GET", "/build/<project>/<repository>/<arch>", packages),
]
