"""``_meta`` of projects and packages (OBS API contract, sections 5.2 and 6.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Response

from storage.errors import UnknownProject
from storage.model import Grant, PackageMeta, ProjectMeta
from storage.names import PROJECT_CONTAINER

from ..access import Action, Target, allowed, locate
from ..identity import Identity
from . import references
from .call import Call
from .meta import (
    parse_package_meta,
    parse_project_meta,
    render_package_meta,
    render_project_meta,
)
from .routing import Route
from .status import XML, ok

if TYPE_CHECKING:
    from storage.house import PackageStore


def show_project(call: Call) -> Response:
    """``GET /source/P/_meta`` [PRJ-06]; with ``rev=`` the text of that revision."""
    project = call.the_project(Action.VIEW)
    if call.has("rev") or call.flag("meta"):
        return _stored(call, call.house.storage.package(call.project, PROJECT_CONTAINER))
    return _xml(render_project_meta(project.meta))


def write_project(call: Call) -> Response:
    """``PUT /source/P/_meta`` [PRJ-07]: creates or replaces."""
    author = call.identity.author()
    meta = parse_project_meta(call.body(), call.project)
    with call.records() as unit:
        target = locate(unit, call.identity, call.project)
        if target.project is None:
            allowed(call.identity, Action.CREATE_PROJECT, target)
            meta = _with_creator(call.identity, target, meta)
        else:
            _hide_existence(call.identity, target)
            allowed(call.identity, Action.WRITE_PROJECT, target)
        references.check_project(
            unit, call.identity, target.project, meta, force=call.param("force") not in ("", "0")
        )
    call.house.storage.put_project_meta(render_project_meta(meta), meta, author, call.comment)
    return ok()


def show_package(call: Call) -> Response:
    """``GET /source/P/K/_meta`` [PKG-08]."""
    if call.package == PROJECT_CONTAINER:
        return show_project(call)
    if call.flag("deleted"):
        call.the_project(Action.VIEW)
        return _stored(call, call.house.storage.deleted_package(call.project, call.package))
    package = call.the_package(Action.VIEW)
    if call.has("rev") or call.flag("meta"):
        return _stored(call, call.house.storage.package(call.project, call.package))
    return _xml(render_package_meta(package.meta))


def write_package(call: Call) -> Response:
    """``PUT /source/P/K/_meta`` [PKG-09]: creates or replaces."""
    if call.package == PROJECT_CONTAINER:
        return write_project(call)
    author = call.identity.author()
    meta = parse_package_meta(call.body(), call.project, call.package)
    with call.records() as unit:
        target = locate(unit, call.identity, call.project, call.package)
        is_new = target.package is None
        action = Action.CREATE_PACKAGE if is_new else Action.WRITE_PACKAGE
        allowed(call.identity, action, target)
        old = target.package.meta if target.package else None
        references.check_package(unit, call.identity, old, meta)
    call.house.storage.put_package_meta(render_package_meta(meta), meta, author, call.comment)
    return ok()


def store_project(call: Call, old: ProjectMeta, new: ProjectMeta) -> None:
    """Keep a meta that a command changed."""
    references.check_protection(call.identity, old, new)
    author = call.identity.author()
    call.house.storage.put_project_meta(render_project_meta(new), new, author, call.comment)


def store_package(call: Call, new: PackageMeta) -> None:
    """Keep a package's meta that a command changed."""
    author = call.identity.author()
    call.house.storage.put_package_meta(render_package_meta(new), new, author, call.comment)


def _with_creator(identity: Identity, target: Target, meta: ProjectMeta) -> ProjectMeta:
    """Make the creator maintainer, unless some maintainer is listed or it is an administrator."""
    creator = Grant("person", identity.login, "maintainer")
    if creator in meta.grants or (identity.is_admin and _has_maintainer(meta)):
        return meta
    return replace(meta, grants=(*meta.grants, creator))


def _has_maintainer(meta: ProjectMeta) -> bool:
    return any(grant.role == "maintainer" for grant in meta.grants)


def _hide_existence(identity: Identity, target: Target) -> None:
    """Whoever cannot see the project gets the refusal that a missing one would give."""
    try:
        allowed(identity, Action.VIEW, target)
    except UnknownProject:
        allowed(identity, Action.CREATE_PROJECT, target)
        raise


def _stored(call: Call, store: PackageStore) -> Response:
    number = call.number("rev") if call.param("rev") not in ("", "latest") else None
    return _xml(store.meta_raw(number))


def _xml(raw: bytes) -> Response:
    return Response(raw, content_type=XML)


ROUTES = [
    Route("GET", "/source/<project>/_meta", show_project),
    Route("PUT", "/source/<project>/_meta", write_project),
    Route("GET", "/source/<project>/<package>/_meta", show_package),
    Route("PUT", "/source/<project>/<package>/_meta", write_package),
]
