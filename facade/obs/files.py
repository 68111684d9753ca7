"""Single source files (OBS API contract, sections 5.4, 7.5 and 7.6)."""

from __future__ import annotations

from flask import Response

from storage.errors import InvalidInput, InvalidName, UnknownFile
from storage.git.rules import is_generated
from storage.house import PackageStore
from storage.model import EMPTY_SRCMD5
from storage.names import LATEST, PROJECT_CONTAINER, FileName, PackageName, RevisionSpec

from ..access import Action
from ..streaming import send
from . import revisions
from .call import Call
from .packages import kind_of
from .reading import open_store
from .routing import Route
from .special import check_name, check_special
from .status import ok

_CONFIG = FileName("_config")


def show(call: Call) -> Response:
    """``GET /source/P/K/F`` [SRC-12, SRC-13]."""
    if call.param("view") not in ("", "raw"):
        raise InvalidInput(f"unknown view '{call.param('view')[:60]}'")
    return _send(call, open_store(call), call.file, call.revision())


def write(call: Call) -> Response:
    """``PUT /source/P/K/F`` [SRC-15 to SRC-17]: commits, collects or only stores."""
    name, spec = _writable(call)
    call.check_package(_write_action(call.package))
    storage = call.house.storage
    with storage.stage(
        call.request.stream, limit_bytes=call.house.settings.limits.file_bytes
    ) as staged:
        check_special(name, staged)
        # Only now: a long upload may outlive the package.
        store = storage.package(call.project, call.package)
        author = call.identity.author()
        if spec.kind == "repository":
            store.store_content(name, staged)
            return revisions.tree("repository", EMPTY_SRCMD5)
        if spec.kind == "upload":
            return revisions.tree("upload", store.upload_file(name, staged, author).srcmd5)
        made = store.put_file(name, staged, author, call.comment, operation=call.operation)
    return revisions.revision(made.revision)


def delete(call: Call) -> Response:
    """``DELETE /source/P/K/F`` [SRC-18]."""
    name, spec = _writable(call)
    action = Action.WRITE_CONFIG if call.package == PROJECT_CONTAINER else Action.DELETE_FILE
    call.check_package(action)
    store = call.house.storage.package(call.project, call.package)
    author = call.identity.author()
    if spec.kind == "upload":
        store.upload_delete(name, author)
    else:
        store.delete_file(name, author, call.comment, operation=call.operation)
    return ok()


def show_config(call: Call) -> Response:
    """``GET /source/P/_config`` [PRJ-09]: an unset one is empty, not missing."""
    call.the_project(Action.VIEW)
    store = call.house.storage.package(call.project, PROJECT_CONTAINER)
    spec = call.revision() if call.param("rev") else LATEST
    return _config(call, store, spec)


def write_config(call: Call) -> Response:
    """``PUT /source/P/_config`` [PRJ-10]: an empty body removes it."""
    call.the_project(Action.WRITE_CONFIG)
    storage = call.house.storage
    limit = call.house.settings.limits.document_bytes
    author = call.identity.author()
    with storage.stage(call.request.stream, limit_bytes=limit) as staged:
        store = storage.package(call.project, PROJECT_CONTAINER)
        if staged.size:
            store.put_file(_CONFIG, staged, author, call.comment)
        elif store.listing(LATEST)[1].find(_CONFIG) is not None:
            store.delete_file(_CONFIG, author, call.comment)
    return ok()


def _send(call: Call, store: PackageStore, name: FileName, spec: RevisionSpec) -> Response:
    listing = store.listing(spec, kind_of(call))[1]
    entry = listing.find(name)
    if entry is None:
        raise UnknownFile(f"{name}: no such file", file=str(name))
    return send(call.request, store.open(entry), etag=entry.md5)


def _config(call: Call, store: PackageStore, spec: RevisionSpec) -> Response:
    entry = store.listing(spec)[1].find(_CONFIG)
    if entry is None:
        return Response(b"", content_type="text/plain; charset=utf-8")
    content = store.open(entry)
    return send(call.request, content, content_type="text/plain; charset=utf-8", etag=entry.md5)


def _writable(call: Call) -> tuple[FileName, RevisionSpec]:
    """The name and the kind of write, if both are possible."""
    name = call.file
    check_name(name)
    if is_generated(name):
        raise InvalidName(f"filename '{name}' is read-only", code="invalid_file_name")
    if call.flag("meta"):
        raise InvalidInput("the meta's files are written through their own routes")
    if call.package == PROJECT_CONTAINER and name != _CONFIG:
        raise InvalidName(f"'_project' holds no file '{name}'", code="invalid_file_name")
    spec = call.revision()
    if spec.kind not in ("default", "latest", "upload", "repository"):
        raise InvalidInput("a file is written to the latest revision, 'upload' or 'repository'")
    return name, spec


def _write_action(package: PackageName) -> Action:
    return Action.WRITE_CONFIG if package == PROJECT_CONTAINER else Action.WRITE_FILE


ROUTES = [
    Route("GET", "/source/<project>/_config", show_config),
    Route("PUT", "/source/<project>/_config", write_config),
    Route("GET", "/source/<project>/<package>/<file>", show),
    Route("PUT", "/source/<project>/<package>/<file>", write),
    Route("DELETE", "/source/<project>/<package>/<file>", delete),
]
