"""Git LFS: batch, basic transfer, verification.

    POST /git/<project>/<package>.git/info/lfs/objects/batch
    PUT  .../info/lfs/objects/<sha256>      upload; streamed, size and checksum verified
    GET  .../info/lfs/objects/<sha256>      download; ranges
    POST .../info/lfs/verify

An object can be fetched through a package that holds it or that somebody with
write access uploaded it to, and through no other: knowing a checksum is not
enough, neither for reading nor to be spared an upload.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request, url_for

from storage.errors import ChecksumMismatch, NotAllowed, NotFound
from storage.git.largefiles import BlobStore
from storage.model import JsonObject

from .. import streaming
from .bodies import body_of
from .entrance import REPOSITORY, Visit, enter, refused
from .lfsjson import LargeObject, answer, check_sha256, read_batch, read_json, read_object
from .lfslocks import LockRoutes

if TYPE_CHECKING:
    from ..wiring import House

_BASE = REPOSITORY + "/info/lfs"


def lfs(house: House) -> Blueprint:
    """The routes of Git LFS clients."""
    door = LargeFileRoutes(house)
    locks = LockRoutes(house)
    blueprint = Blueprint("lfs", __name__)
    routes = (
        ("POST", "/objects/batch", "batch", door.batch),
        ("PUT", "/objects/<sha256>", "upload", door.upload),
        ("GET", "/objects/<sha256>", "download", door.download),
        ("POST", "/verify", "verify", door.verify),
        ("GET", "/locks", "list_locks", locks.listed),
        ("POST", "/locks", "create_lock", locks.create),
        ("POST", "/locks/verify", "verify_locks", locks.verify),
        ("POST", "/locks/<lock_id>/unlock", "unlock", locks.unlock),
    )
    for method, path, name, handler in routes:
        blueprint.add_url_rule(_BASE + path, name, handler, methods=[method])
    blueprint.register_error_handler(Exception, refused)
    return blueprint


class LargeFileRoutes:
    """Handlers of everything but locks."""

    def __init__(self, house: House) -> None:
        """Keep the house."""
        self._house = house

    def batch(self, project: str, package: str) -> Response:
        """Say for each object whether and where it can be sent or fetched."""
        visit = enter(self._house, project, package, write=False)
        wish = read_batch(request)
        uploading = wish.operation == "upload"
        if uploading and not visit.may_write:
            visit.identity.required()
            raise NotAllowed(
                "no permission to upload to this package",
                hint="ask a maintainer of the package or its project",
            )
        action = self._upload_action if uploading else self._download_action
        objects = [
            action(visit, wanted, visit.store.large_size(wanted.sha256)) for wanted in wish.objects
        ]
        return answer({"transfer": "basic", "objects": objects, "hash_algo": "sha256"})

    def upload(self, project: str, package: str, sha256: str) -> Response:
        """Take an object in."""
        visit = enter(self._house, project, package, write=True)
        check_sha256(sha256)
        limit_bytes = self._house.settings.limits.file_bytes
        body = body_of(request, limit_bytes)
        with self._house.storage.stage(body, limit_bytes=limit_bytes) as staged:
            if staged.sha256 != sha256:
                raise ChecksumMismatch(
                    f"the content has the checksum {staged.sha256}, not {sha256}",
                    hint="the upload broke off or the file changed meanwhile: push again",
                )
            visit.store.accept_large(staged)
        return Response(status=200)

    def download(self, project: str, package: str, sha256: str) -> Response:
        """Give an object out, or a range of it."""
        visit = enter(self._house, project, package, write=False)
        size = visit.store.large_size(check_sha256(sha256))
        if size is None:
            raise NotFound("this package has no such object")
        content = _Content(self._house.storage.large, sha256, size)
        return streaming.send(request, content, etag=sha256)

    def verify(self, project: str, package: str) -> Response:
        """Confirm that an upload arrived."""
        visit = enter(self._house, project, package, write=True)
        wanted = read_object(read_json(request))
        size = visit.store.large_size(wanted.sha256)
        if size is None:
            raise NotFound("this package has no such object", hint="push again")
        if size != wanted.size:
            raise ChecksumMismatch(f"the object has {size} bytes, not {wanted.size}")
        return answer({})

    def _upload_action(self, visit: Visit, wanted: LargeObject, size: int | None) -> JsonObject:
        limit_bytes = self._house.settings.limits.file_bytes
        if wanted.size > limit_bytes:
            return _problem(wanted, 422, f"larger than the limit of {limit_bytes} bytes")
        if size is not None:
            if size != wanted.size:
                return _problem(wanted, 422, f"the object has {size} bytes, not {wanted.size}")
            return _described(wanted)
        return _described(
            wanted,
            upload=self._action(visit, "lfs.upload", sha256=wanted.sha256),
            verify=self._action(visit, "lfs.verify"),
        )

    def _download_action(self, visit: Visit, wanted: LargeObject, size: int | None) -> JsonObject:
        if size is None:
            return _problem(wanted, 404, "this package has no such object")
        if size != wanted.size:
            return _problem(wanted, 422, f"the object has {size} bytes, not {wanted.size}")
        action = self._action(visit, "lfs.download", sha256=wanted.sha256)
        return _described(wanted, download=action)

    def _action(self, visit: Visit, endpoint: str, **values: Any) -> JsonObject:
        """Where to go next, with the credentials the client came with."""
        package = visit.package
        names: dict[str, Any] = {"project": package.project, "package": f"{package.name}.git"}
        path = url_for(endpoint, **names, **values)
        base = self._house.settings.public_url.rstrip("/") or request.host_url.rstrip("/")
        action: JsonObject = {"href": base + path}
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            action["header"] = {"Authorization": authorization}
        return action


@dataclass(frozen=True, slots=True)
class _Content:
    """A large file as something that can be sent."""

    store: BlobStore
    sha256: str
    size: int

    def chunks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A part of it."""
        return self.store.chunks(self.sha256, start, length)


def _described(wanted: LargeObject, **actions: JsonObject) -> JsonObject:
    document: JsonObject = {"oid": wanted.sha256, "size": wanted.size}
    if actions:
        document["authenticated"] = True
        document["actions"] = actions
    return document


def _problem(wanted: LargeObject, code: int, message: str) -> JsonObject:
    error = {"code": code, "message": message}
    return {"oid": wanted.sha256, "size": wanted.size, "error": error}
