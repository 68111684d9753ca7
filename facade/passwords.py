"""A memory of passwords that were just verified.

Verifying is slow on purpose, and osc sends the password with every request. So
what was verified is remembered for a short time in this process, under a key
that contains the stored hash: a changed password is never answered from memory.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from storage import passwords

_REMEMBERED = 4096
_REMEMBER_S = 300.0
_LONGEST_PASSWORD_BYTES = 1024
_AT_ONCE = threading.BoundedSemaphore(2)
"""Somebody who guesses shall not take all processors of the machine."""


class PasswordChecker:
    """Verifies passwords against kept hashes.

    Args:
        monotonic: Seconds from any fixed point, for expiry.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start with an empty memory and an own key."""
        self._monotonic = monotonic
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password belongs to the hash.

        Args:
            password: As sent.
            password_hash: None for an unknown account; takes as long as a wrong password.
        """
        given = password.encode("utf-8", "surrogatepass")
        if len(given) > _LONGEST_PASSWORD_BYTES:
            return False
        key = hmac.digest(self._key, (password_hash or "").encode() + b"\0" + given, hashlib.sha256)
        if password_hash is not None and self._remembers(key):
            return True
        with _AT_ONCE:
            is_right = passwords.verify(password_hash, password)
        if is_right:
            self._remember(key)
        return is_right

    def _remembers(self, key: bytes) -> bool:
        with self._lock:
            until = self._verified.get(key)
            return until is not None and until > self._monotonic()

    def _remember(self, key: bytes) -> None:
        with self._lock:
            self._verified[key] = self._monotonic() + _REMEMBER_S
            self._verified.move_to_end(key)
            while len(self._verified) > _REMEMBERED:
                self._verified.popitem(last=False)
