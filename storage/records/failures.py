"""What the databases raise, in the words of the house."""

from __future__ import annotations

from sqlalchemy import exc

from ..errors import Busy, Conflict, PackhouseError, StorageFull

_FULL = ("disk is full", "no space left", "disk i/o error")
_BUSY = ("locked", "busy", "deadlock", "lock timeout", "statement timeout", "could not serialize")


def translate(error: exc.SQLAlchemyError) -> PackhouseError | None:
    """The house's error for a database's, or None when it is a bug of ours."""
    if isinstance(error, exc.TimeoutError):
        return Busy("no database connection was free in time")
    if isinstance(error, exc.IntegrityError):
        return Conflict("the change contradicts what is already recorded")
    if not isinstance(error, exc.OperationalError | exc.InternalError):
        return None
    text = str(error.orig).lower()
    if any(word in text for word in _FULL):
        return StorageFull("no space left for the records")
    if any(word in text for word in _BUSY):
        return Busy("the records are locked by another writer", hint="try again")
    if error.connection_invalidated or isinstance(error, exc.OperationalError):
        return Busy("the database cannot be reached", hint="try again")
    return None
