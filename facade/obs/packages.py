"""Packages: listing, history, deletion, small commands (OBS API contract, sections 6 and 7)."""

from __future__ import annotations

from functools import partial
from typing import Literal

from flask import Response

from storage.errors import NotAllowed, NotFound, StillUsed
from storage.house import PackageStore
from storage.model import Listing
from storage.names import PROJECT_CONTAINER

from ..access import Action, allowed, locate
from ..cpio import Member, archive
from . import commits, directory, flags, revisions
from .build import control
from .call import Call
from .reading import open_store
from .routing import Handler, Route, dispatch
from .sourceinfo import package_info
from .status import answer, ok
from .xml import Element

_HISTORY_LIMIT = 10_000


def show(call: Call) -> Response:
    """``GET /source/P/K`` [SRC-01 to SRC-08]."""
    spec = call.revision()
    if call.param("view") == "info":
        call.check_package(Action.READ_SOURCE)
        return package_info(call, spec)
    store = open_store(call)
    revision, listing = store.listing(spec, kind_of(call))
    if call.param("view") == "cpio":
        return _cpio(store, listing, call.param("extension"))
    return answer(directory.files(call.package, spec, revision, _filtered(call, listing)))


def patterns(call: Call) -> Response:
    """``GET /source/P/_pattern`` [PRJ-17]: an untouched container is an empty list."""
    project = call.the_project(Action.READ_SOURCE)
    with call.records() as unit:
        found = unit.packages.find(project.name, "_pattern")
    if found is None:
        attrs = {"name": "_pattern", "rev": "pattern", "srcmd5": "pattern"}
        return answer(Element("directory", attrs))
    revision, listing = call.house.storage.package(call.project, found.name).listing(
        call.revision()
    )
    return answer(directory.files(found.name, call.revision(), revision, listing))


def history(call: Call) -> Response:
    """``GET /source/P/K/_history`` [PKG-11]."""
    store = open_store(call)
    number = call.number("rev") if call.param("rev") else None
    limit = min(call.number("limit") or _HISTORY_LIMIT, _HISTORY_LIMIT)
    return revisions.history(store.history(kind_of(call), limit=limit, number=number))


def project_history(call: Call) -> Response:
    """``GET /source/P/_history``, an old spelling of ``/source/P/_project/_history``."""
    call.the_project(Action.VIEW)
    store = call.house.storage.package(call.project, PROJECT_CONTAINER)
    return revisions.history(store.history(kind_of(call), limit=_HISTORY_LIMIT))


def delete(call: Call) -> Response:
    """``DELETE /source/P/K`` [PKG-10]."""
    if call.package == PROJECT_CONTAINER:
        raise NotAllowed("'_project' cannot be deleted", code="delete_package_no_permission")
    call.the_package(Action.DELETE_PACKAGE)
    if call.param("force") in ("", "0"):
        with call.records() as unit:
            users = unit.packages.devel_of(call.project, call.package)
        if users:
            raise StillUsed(
                f"package '{call.package}' is the devel package of {'/'.join(users[0])}",
                code="delete_error",
            )
    author = call.identity.author()
    call.house.storage.delete_package(call.project, call.package, author, call.comment)
    return ok()


def undelete(call: Call) -> Response:
    """``POST /source/P/K?cmd=undelete`` [SRC-23]."""
    with call.records() as unit:
        target = locate(unit, call.identity, call.project, call.package)
        allowed(call.identity, Action.UNDELETE_PACKAGE, target)
        project = target.existing_project()
        if target.package is not None:
            raise NotAllowed(f"package '{call.package}' already exists", code="package_exists")
        if call.package not in unit.packages.deleted_names(project.id):
            raise NotAllowed(f"package '{call.package}' was not deleted", code="no_permission")
    author = call.identity.author()
    call.house.storage.undelete_package(call.project, call.package, author, call.comment)
    return ok()


def project_services(call: Call) -> Response:
    """``cmd=getprojectservices`` [SRC-32]: projects have no services here."""
    call.check_package(Action.READ_SOURCE)
    return answer(Element("services"))


def run_service(call: Call) -> Response:
    """``cmd=runservice`` [SRC-29]: services run on the client, the file is kept as it is."""
    call.the_package(Action.COMMAND_PACKAGE)
    listing = call.house.storage.package(call.project, call.package).listing(call.revision())[1]
    if listing.find("_service") is None:
        raise NotFound("no source service defined!")
    return ok()


def wait_service(call: Call) -> Response:
    """``cmd=waitservice`` [SRC-30]: nothing ever runs, so there is nothing to wait for."""
    call.check_package(Action.READ_SOURCE)
    return ok()


def kind_of(call: Call) -> Literal["source", "meta"]:
    """Which history is meant: ``meta=1`` is that of the meta."""
    return "meta" if call.flag("meta") else "source"


def _filtered(call: Call, listing: Listing) -> Listing:
    """``extension=spec`` shows only ``*.spec``."""
    extension = call.param("extension")
    if not extension:
        return listing
    kept = tuple(e for e in listing.entries if e.name.endswith("." + extension))
    return Listing(listing.tree, listing.srcmd5, kept)


def _cpio(store: PackageStore, listing: Listing, extension: str) -> Response:
    """``view=cpio`` [SRC-04]: the files of a revision in one archive."""
    members = [
        Member(entry.name, entry.mtime, partial(store.open, entry))
        for entry in listing.entries
        if not extension or entry.name.endswith("." + extension)
    ]
    return Response(archive(members), content_type="application/x-cpio")


COMMANDS: dict[str, Handler] = {
    "undelete": undelete,
    "getprojectservices": project_services,
    "runservice": run_service,
    "waitservice": wait_service,
    "rebuild": control.for_package("rebuild"),
    "wipe": control.for_package("wipe"),
    **flags.PACKAGE_COMMANDS,
    **commits.COMMANDS,
}


def command(call: Call) -> Response:
    """``POST /source/P/K``; the seed also writes ``?deleteuploadrev`` without ``cmd=``."""
    if not call.param("cmd") and call.has("deleteuploadrev"):
        return commits.delete_upload(call)
    return _dispatch(call)


_dispatch = dispatch(COMMANDS)
ROUTES = [
    Route("GET", "/source/<project>/_pattern", patterns),
    Route("GET", "/source/<project>/_history", project_history),
    Route("GET", "/source/<project>/<package>", show),
    Route("DELETE", "/source/<project>/<package>", delete),
    Route("POST", "/source/<project>/<package>", command),
    Route("GET", "/source/<project>/<package>/_history", history),
]
