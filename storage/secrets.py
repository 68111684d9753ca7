"""Token secrets: made, hashed and compared.

A secret here is long and random, never chosen by a person, so one SHA-256 is
as good as a slow password hash and does not cost a request 20 ms.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string

_LETTERS = string.ascii_letters + string.digits
_LOGIN_LENGTH = 30
_SECRET_LENGTH = 40


def new_login() -> str:
    """A public half: 30 letters and digits, about 178 bits."""
    return _random(_LOGIN_LENGTH)


def new_secret() -> str:
    """A secret half: 40 letters and digits, about 238 bits."""
    return _random(_SECRET_LENGTH)


def hash_secret(secret: str) -> str:
    """The hex text to keep instead of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def verify_secret(hash_text: str, secret: str) -> bool:
    """Whether ``secret`` belongs to a kept text; takes the same time for every answer."""
    return hmac.compare_digest(hash_text.encode(), hash_secret(secret).encode())


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
