"""The outbox: what happened and the builder has not dealt with yet."""

from __future__ import annotations

import time

from sqlalchemy import bindparam, delete, func, select, update

from ...model import Event, EventKind, JsonObject
from ..shape import Shape
from ..tables.building import events
from .base import PAGE, Store

_SHAPE = Shape(Event, events)
# On PostgreSQL two claimers share the queue instead of waiting for each other, or
# each for the other; SQLite has one writer anyway and ignores the words.
_EXPIRED = (
    select(events.c.id)
    .where(events.c.claimed_until <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_RELEASE = (
    update(events).where(events.c.id.in_(_EXPIRED)).values(claimed_until=None, claimed_by=None)
)
_FREE = (
    select(*_SHAPE.columns)
    .where(events.c.claimed_until.is_(None))
    .order_by(events.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_CLAIM = update(events).where(events.c.id.in_(bindparam("ids", expanding=True)))
_DONE = delete(events).where(events.c.id == bindparam("key"))
_PENDING = select(func.count()).select_from(events)
_CONCERNING = select(events.c.id).where(events.c.project == bindparam("project")).limit(1)


class Events(Store):
    """A row lives until ``done``; a claim that is not done in time comes again."""

    def append(
        self,
        kind: EventKind,
        project: str,
        package: str | None = None,
        payload: JsonObject | None = None,
        created_at: int | None = None,
    ) -> Event:
        """Tell the builder something, in the transaction that made it true."""
        at = int(time.time()) if created_at is None else created_at
        event = Event(0, kind, project, package, payload or {}, at)
        statement = events.insert().returning(events.c.id)
        number = self._tx.write(statement, _SHAPE.dump_whole(event, without=["id"])).scalar_one()
        return Event(number, kind, project, package, payload or {}, at)

    def claim(self, limit: int, worker: str, lease_s: int, now: int) -> list[Event]:
        """Take events for a while; nobody else gets them meanwhile.

        Args:
            limit: At most so many.
            worker: Who claims.
            lease_s: Seconds after which an event not done is free again.
            now: Unix seconds.

        Returns:
            Oldest first.
        """
        self._tx.write(_RELEASE, {"now": now})
        found = _SHAPE.load_all(self._tx.all(_FREE, limit=min(limit, PAGE)))
        if found:
            claim = _CLAIM.values(claimed_by=worker, claimed_until=now + lease_s)
            self._tx.write(claim, {"ids": [event.id for event in found]})
        return found

    def done(self, event_id: int) -> bool:
        """Remove an event that was dealt with; whether it was still there."""
        return self._tx.write(_DONE, {"key": event_id}).rowcount > 0

    def concerns(self, project: str) -> bool:
        """Whether something happened to a project that the builder has not dealt with."""
        return self._tx.first(_CONCERNING, project=project) is not None

    def pending(self) -> int:
        """How many events are not done, claimed or not."""
        return int(self._tx.value(_PENDING))
