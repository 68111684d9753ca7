"""Secrets that stand for an account: made, shown once, kept as a hash.

The secret of an ``api`` token is sent as a Basic password, so it names its own
row: ``pht_<token login>_<random>``. A Copr token is sent as Basic
``login:secret``. Both are random enough that a plain SHA-256 protects them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.model import Token

if TYPE_CHECKING:
    from storage.records import Unit

_PREFIX = "pht_"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and the only sight of its secret."""

    token: Token
    secret: str


def issue(
    unit: Unit,
    account_id: int,
    kind: str,
    *,
    scopes: Sequence[str] = (),
    project: str | None = None,
    description: str = "",
    expires_at: int | None = None,
) -> IssuedToken:
    """Make a token inside a writing transaction.

    Args:
        unit: An open writing unit.
        account_id: Whom the token stands for.
        kind: ``api`` or ``copr``; other kinds are never accepted as credentials.
        scopes: Subset of ``read``, ``write``, ``build``, ``admin``; empty = everything.
        project: Restricts the token to one project.
        description: Shown in lists.
        expires_at: Unix seconds; None = never.
    """
    login = secrets.token_hex(10)
    secret = secrets.token_hex(15)
    if kind != "copr":
        secret = f"{_PREFIX}{login}_{secret}"
    token = unit.tokens.create(
        account_id=account_id,
        kind=kind,
        login=login,
        secret_hash=digest(secret),
        scopes=tuple(scopes),
        project=project,
        description=description,
        expires_at=expires_at,
    )
    return IssuedToken(token, secret)


def login_of(secret: str) -> str | None:
    """The row an ``api`` secret names, None for anything else (a password)."""
    if not secret.startswith(_PREFIX):
        return None
    login, _, rest = secret[len(_PREFIX) :].partition("_")
    return login if login and rest else None


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(secret: str, secret_hash: str) -> bool:
    """Whether a secret belongs to a kept hash, in constant time."""
    return hmac.compare_digest(digest(secret), secret_hash)
