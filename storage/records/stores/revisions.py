"""Revision numbers over commits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select

from ...errors import StaleTip, UnknownRevision
from ...model import Revision
from ..shape import Shape
from ..tables.sources import revisions
from .base import Store, is_id

_SHAPE = Shape(Revision, revisions)
_ALL = select(*_SHAPE.columns).where(revisions.c.package_id == bindparam("package_id"))
_OF_KIND = _ALL.where(revisions.c.kind == bindparam("kind"))
_NEWEST = _OF_KIND.order_by(revisions.c.number.desc())
_LATEST = _NEWEST.limit(1)
_BY_NUMBER = _OF_KIND.where(revisions.c.number == bindparam("number"))
_BY_COMMIT = _OF_KIND.where(revisions.c.commit == bindparam("commit"))
_BY_SRCMD5 = _NEWEST.where(revisions.c.srcmd5 == bindparam("srcmd5")).limit(1)
_BY_OPERATION = (
    _ALL.where(revisions.c.operation == bindparam("operation"))
    .order_by(revisions.c.kind.desc(), revisions.c.number)
    .limit(1)
)
_HISTORY = _NEWEST.where(revisions.c.number < bindparam("before"))
_MAX_VREV = select(func.max(revisions.c.vrev)).where(
    revisions.c.package_id == bindparam("package_id"),
    revisions.c.kind == "source",
    revisions.c.version == bindparam("version"),
)
_BEYOND = (1 << 62) - 1


class Revisions(Store):
    """Revision N of a package: the Nth commit after its base."""

    def append(self, package_id: int, revision: Revision, operation: str | None = None) -> None:
        """Record one revision.

        Args:
            package_id: Whose revision.
            revision: With its number; the caller holds the repository's lock.
            operation: Caller's idempotency key, found again by ``by_operation``.

        Raises:
            StaleTip: Somebody recorded this number or this commit before.
        """
        self.append_all(package_id, [(revision, operation)])

    def append_all(self, package_id: int, recorded: Sequence[tuple[Revision, str | None]]) -> None:
        """``append`` for many: pairs of revision and idempotency key, oldest first.

        Raises:
            StaleTip: Somebody recorded one of these numbers or commits before; what
                the unit has written then must be rolled back.
        """
        if not recorded:
            return
        rows = [
            _SHAPE.dump_whole(revision) | {"package_id": package_id, "operation": operation}
            for revision, operation in recorded
        ]
        insert = self._tx.insert(revisions).on_conflict_do_nothing()
        insert = insert.execution_options(preserve_rowcount=True)
        if self._tx.write(insert, rows).rowcount != len(rows):
            first = recorded[0][0]
            raise StaleTip(f"revision {first.number} is recorded already", commit=first.commit)

    def get(self, package_id: int, kind: str, number: int) -> Revision:
        """Revision ``number``.

        Raises:
            UnknownRevision: There is none.
        """
        row = None
        if is_id(number):
            row = self._tx.first(_BY_NUMBER, package_id=package_id, kind=kind, number=number)
        if row is None:
            raise UnknownRevision(f"no revision {number}", number=number)
        return _SHAPE.load(row)

    def latest(self, package_id: int, kind: str = "source") -> Revision | None:
        """The newest revision, or None when nothing was committed."""
        row = self._tx.first(_LATEST, package_id=package_id, kind=kind)
        return None if row is None else _SHAPE.load(row)

    def by_commit(self, package_id: int, kind: str, commit: str) -> Revision | None:
        """The revision a commit is, or None."""
        row = self._tx.first(_BY_COMMIT, package_id=package_id, kind=kind, commit=commit)
        return None if row is None else _SHAPE.load(row)

    def by_srcmd5(self, package_id: int, kind: str, srcmd5: str) -> Revision | None:
        """The newest revision with these sources, or None."""
        row = self._tx.first(_BY_SRCMD5, package_id=package_id, kind=kind, srcmd5=srcmd5)
        return None if row is None else _SHAPE.load(row)

    def by_operation(self, package_id: int, operation: str) -> Revision | None:
        """The first revision recorded with that idempotency key, or None."""
        row = self._tx.first(_BY_OPERATION, package_id=package_id, operation=operation)
        return None if row is None else _SHAPE.load(row)

    def history(
        self, package_id: int, kind: str, limit: int | None = None, before: int | None = None
    ) -> list[Revision]:
        """The last ``limit`` revisions, oldest first.

        Args:
            package_id: Whose history.
            kind: ``source`` or ``meta``.
            limit: At most so many; None is everything.
            before: Only numbers below it; for paging backwards.
        """
        bound = _BEYOND if before is None else min(before, _BEYOND)
        rows = self._tx.all(_HISTORY.limit(limit), package_id=package_id, kind=kind, before=bound)
        return _SHAPE.load_all(rows[::-1])

    def max_vrev(self, package_id: int, version: str) -> int:
        """The highest check-in counter within a version; 0 for a new version."""
        return self._tx.value(_MAX_VREV, package_id=package_id, version=version) or 0

    def truncate(self, package_id: int, kind: str) -> None:
        """Forget every revision of a kind, to record them again from git."""
        self._tx.write(
            delete(revisions).where(revisions.c.package_id == package_id, revisions.c.kind == kind)
        )
