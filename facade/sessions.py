"""Short sessions, so that osc need not send everything twice.

osc sends each request without credentials first and repeats it, body and all,
after the 401 - unless it holds a cookie. The cookie given here names an account
and an end; it is good while the password stays the same. It has no lifetime of
its own on purpose: osc then forgets it when it exits, and two people who share a
cookie jar are never taken for each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

COOKIE = "packhouse_session"
_LIFETIME_S = 3600
_KEY_BYTES = 32
_FORM = re.compile(r"([0-9]{1,18})\.([0-9]{1,12})\.([0-9a-f]{64})")


class Sessions:
    """Makes and checks cookie values.

    Args:
        key: Secret of this house, at least 32 bytes.
        clock: Unix seconds now.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        """Keep key and clock."""
        self._key = key
        self._clock = clock

    def issue(self, account_id: int, password_hash: str) -> str:
        """A value for somebody who just gave the right password."""
        until = int(self._clock()) + _LIFETIME_S
        return f"{account_id}.{until}.{self._seal(account_id, until, password_hash)}"

    def claimed(self, value: str) -> int | None:
        """Whose session a value says it is; None when it is malformed or over."""
        match = _FORM.fullmatch(value)
        if match is None or int(match.group(2)) <= self._clock():
            return None
        return int(match.group(1))

    def is_good(self, value: str, password_hash: str) -> bool:
        """Whether a claimed session was issued here and for this password."""
        match = _FORM.fullmatch(value)
        if match is None:
            return False
        seal = self._seal(int(match.group(1)), int(match.group(2)), password_hash)
        return hmac.compare_digest(seal, match.group(3))

    def _seal(self, account_id: int, until: int, password_hash: str) -> str:
        text = f"{account_id}.{until}.{password_hash}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def load_key(data_dir: Path) -> bytes:
    """The house's session key, made on first need and shared by its processes."""
    path = data_dir / "session.key"
    temporary = data_dir / f".session.key.{secrets.token_hex(8)}"
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        # Of several processes that come first, one wins and all read the same.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
    return path.read_bytes()
