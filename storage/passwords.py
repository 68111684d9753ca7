"""Passwords: argon2id hash texts, made and checked.

One hash takes about 20 ms and 19 MiB, so that a busy thread pool of checks
stays within a few hundred MiB (the second of OWASP's equivalent choices).
"""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 << 10, parallelism=1, type=Type.ID)


def hash(password: str) -> str:
    """Make the text to keep instead of a password; salted, so never twice the same."""
    return _HASHER.hash(_bytes(password))


def verify(hash_text: str | None, password: str) -> bool:
    """Whether ``password`` belongs to a kept text.

    Args:
        hash_text: What ``hash`` made; None (no such account, no password) is
            checked against a hash nobody knows, so that the answer takes as
            long and tells nothing about who exists.
        password: What the caller sent.
    """
    try:
        _HASHER.verify(hash_text or _nobody(), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return hash_text is not None


def needs_rehash(hash_text: str) -> bool:
    """Whether a kept text was made with other costs than today's."""
    return _HASHER.check_needs_rehash(hash_text)


@cache
def _nobody() -> str:
    return _HASHER.hash(b"nobody")


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
