"""The id of the request at hand, for answers and for every log line."""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("packhouse_request_id", default="-")


def begin() -> str:
    """Start a new request: make an id and keep it for this thread of work."""
    request_id = secrets.token_hex(8)
    _current.set(request_id)
    return request_id


def current() -> str:
    """The id of the request being answered, ``-`` outside of one."""
    return _current.get()


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to log records, so that formats may name it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute; never drops a record."""
        record.request_id = current()
        return True
