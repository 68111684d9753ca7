"""Git LFS file locks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from ...errors import AlreadyExists, InvalidName, NotFound
from ...model import FileLock
from ..tables.sources import file_locks
from ..transaction import Values
from .base import BIGGEST_ID, Store, is_id

_PATH_LIMIT = 1024

_ALL = select(
    file_locks.c.id,
    file_locks.c.package_id,
    file_locks.c.path,
    file_locks.c.owner,
    file_locks.c.locked_at,
).where(file_locks.c.package_id == bindparam("package_id"))
_BY_PATH = _ALL.where(file_locks.c.path == bindparam("path"))
_PAGE = (
    _ALL.where(file_locks.c.id > bindparam("after"))
    .order_by(file_locks.c.id)
    .limit(bindparam("limit"))
)


class Locks(Store):
    """At most one lock per path of a package."""

    def create(self, package_id: int, path: str, owner: str, at: int) -> FileLock:
        """Lock a path.

        Args:
            package_id: Where.
            path: Which file; it need not exist.
            owner: Login.
            at: Unix seconds.

        Raises:
            AlreadyExists: It is locked; the fact ``lock`` is the lock in the way.
            InvalidName: The path is empty or too long.
        """
        if not path or len(path) > _PATH_LIMIT:
            raise InvalidName("the path of a lock is empty or too long")
        values = {"package_id": package_id, "path": path, "owner": owner, "locked_at": at}
        made = self._tx.insert_new(file_locks, values, file_locks.c.id)
        row = self._tx.first(_BY_PATH, package_id=package_id, path=path)
        assert row is not None
        lock = _load(row)
        if made is None:
            raise AlreadyExists("the file is locked already", lock=lock)
        return lock

    def list(
        self,
        package_id: int,
        path: str | None = None,
        id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> list[FileLock]:
        """Locks of a package, oldest first.

        Args:
            package_id: Where.
            path: Only the lock of this path.
            id: Only the lock with this id.
            limit: At most so many.
            cursor: The id of the last lock of the page before.
        """
        statement = _PAGE
        if path is not None:
            statement = statement.where(file_locks.c.path == path)
        if id is not None:
            statement = statement.where(file_locks.c.id == _number(id))
        rows = self._tx.all(
            statement, package_id=package_id, after=_number(cursor or "0"), limit=limit
        )
        return [_load(row) for row in rows]

    def delete(self, package_id: int, id: str) -> FileLock:
        """Remove a lock and return it.

        Raises:
            NotFound: The package has no such lock.
        """
        found: Sequence[FileLock] = self.list(package_id, id=id, limit=1)
        if not found:
            raise NotFound(f"no lock '{id[:32]}'")
        self._tx.write(delete(file_locks).where(file_locks.c.id == int(id)))
        return found[0]


def _load(row: Values) -> FileLock:
    return FileLock(str(row[0]), row[1], row[2], row[3], row[4])


def _number(text: str) -> int:
    """A lock id from outside as a key; whatever is none becomes one that never exists."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else BIGGEST_ID
    return number if number == 0 or is_id(number) else BIGGEST_ID
