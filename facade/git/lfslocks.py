"""Git LFS locks: whoever may push may lock a path; others may break a lock by force.

GET  /git/<project>/<package>.git/info/lfs/locks?path=&id=&cursor=&limit=
POST .../info/lfs/locks
POST .../info/lfs/locks/verify
POST .../info/lfs/locks/<id>/unlock
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Response, request

from storage.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from storage.model import FileLock, JsonObject

from .entrance import enter
from .lfsjson import answer, read_json, text_field

if TYPE_CHECKING:
    from ..wiring import House

_PAGE = 100
_MOST_PER_PAGE = 1000


class LockRoutes:
    """Handlers of the lock routes."""

    def __init__(self, house: House) -> None:
        """Keep the house."""
        self._house = house

    def create(self, project: str, package: str) -> Response:
        """Lock a path; 409 with the lock in the way when somebody has it."""
        visit = enter(self._house, project, package, write=True)
        path = text_field(read_json(request), "path")
        at = int(self._house.clock())
        try:
            with self._house.records.begin() as unit:
                lock = unit.locks.create(visit.package.id, path, visit.identity.login, at)
        except AlreadyExists as error:
            present = error.facts["lock"]
            assert isinstance(present, FileLock)
            message = f"'{path}' is locked by {present.owner} already"
            return answer({"lock": _lock(present), "message": message}, 409)
        return answer({"lock": _lock(lock)}, 201)

    def listed(self, project: str, package: str) -> Response:
        """Locks of the package, page by page."""
        visit = enter(self._house, project, package, write=False)
        arguments = request.args
        limit = _limit(arguments.get("limit"))
        with self._house.records.read() as unit:
            found = unit.locks.list(
                visit.package.id,
                path=arguments.get("path"),
                id=arguments.get("id"),
                cursor=arguments.get("cursor") or None,
                limit=limit + 1,
            )
        document: JsonObject = {"locks": [_lock(lock) for lock in found[:limit]]}
        return answer(document | _next(found, limit))

    def verify(self, project: str, package: str) -> Response:
        """Locks sorted into the caller's and others'; asked before every push."""
        visit = enter(self._house, project, package, write=True)
        wish = read_json(request)
        limit = _limit(wish.get("limit"))
        cursor = text_field(wish, "cursor") or None
        with self._house.records.read() as unit:
            found = unit.locks.list(visit.package.id, cursor=cursor, limit=limit + 1)
        login = visit.identity.login
        document: JsonObject = {
            "ours": [_lock(lock) for lock in found[:limit] if lock.owner == login],
            "theirs": [_lock(lock) for lock in found[:limit] if lock.owner != login],
        }
        return answer(document | _next(found, limit))

    def unlock(self, project: str, package: str, lock_id: str) -> Response:
        """Remove the caller's own lock, or anybody's by force."""
        visit = enter(self._house, project, package, write=True)
        force = read_json(request).get("force") is True
        with self._house.records.begin() as unit:
            found = unit.locks.list(visit.package.id, id=lock_id, limit=1)
            if not found:
                raise NotFound("no such lock")
            if found[0].owner != visit.identity.login and not force:
                raise NotAllowed(
                    f"the lock belongs to {found[0].owner}",
                    hint="use 'git lfs unlock --force' to break it",
                )
            lock = unit.locks.delete(visit.package.id, lock_id)
        return answer({"lock": _lock(lock)})


def _lock(lock: FileLock) -> JsonObject:
    at = datetime.fromtimestamp(lock.locked_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": lock.id, "path": lock.path, "locked_at": at, "owner": {"name": lock.owner}}


def _next(found: list[FileLock], limit: int) -> JsonObject:
    return {"next_cursor": found[limit - 1].id} if len(found) > limit else {}


def _limit(value: object) -> int:
    if value is None or value == "":
        return _PAGE
    try:
        limit = int(str(value))
    except ValueError:
        raise InvalidInput("'limit' must be a number") from None
    # Clients say 0 when they do not care.
    return min(limit, _MOST_PER_PAGE) if limit > 0 else _PAGE
