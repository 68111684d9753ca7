"""Passwords: argon2 hashes, and a memory of those that were just verified.

A hash is made to be slow, a request is not: osc sends the password with every
request. So what was verified is remembered for a short time in this process,
under a key that contains the stored hash: a changed password is never answered
from memory.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_REMEMBERED = 4096
_REMEMBER_S = 300.0
_LONGEST_PASSWORD_BYTES = 1024
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each verification takes tens of milliseconds and 64 MiB; guessing must not take the machine."""

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    with _AT_ONCE:
        return _hasher.hash(password.encode("utf-8", "surrogatepass"))


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
        if password_hash is None:
            _argon2(_decoy(), given)
            return False
        key = hmac.digest(self._key, password_hash.encode() + b"\0" + given, hashlib.sha256)
        if self._remembers(key):
            return True
        if not _argon2(password_hash, given):
            return False
        self._remember(key)
        return True

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


def _argon2(password_hash: str, given: bytes) -> bool:
    try:
        with _AT_ONCE:
            return _hasher.verify(password_hash, given)
    except (VerificationError, InvalidHashError):
        return False


_decoys: list[str] = []


def _decoy() -> str:
    """A hash of nothing anybody knows, made on first need."""
    if not _decoys:
        _decoys.append(_hasher.hash(secrets.token_bytes(16)))
    return _decoys[0]
