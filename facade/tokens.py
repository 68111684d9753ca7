"""Tokens: secrets that stand for an account, issued once and kept as a hash.

An ``api`` token is sent as the Basic password of its account; a ``copr`` token
as Basic ``login:secret``, where the login names the token and not the account.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.model import Account, Token
from storage.secrets import hash_secret, new_login, new_secret, verify_secret

if TYPE_CHECKING:
    from storage.records import Unit

_SECRET = re.compile(r"[A-Za-z0-9]{40}")
_TOKENS_TRIED = 100


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
    secret = new_secret()
    token = unit.tokens.create(
        account_id,
        kind,
        new_login(),
        hash_secret(secret),
        tuple(scopes),
        project,
        description,
        expires_at,
    )
    return IssuedToken(token, secret)


def find_copr(unit: Unit, login: str, secret: str) -> Token | None:
    """The ``copr`` token of that login and secret."""
    found = unit.tokens.by_login(login)
    if found is None or found[0].kind != "copr":
        return None
    return found[0] if verify_secret(found[1], secret) else None


def find_api(unit: Unit, account: Account, secret: str) -> Token | None:
    """The account's ``api`` token of that secret."""
    if _SECRET.fullmatch(secret) is None:
        return None
    for token in unit.tokens.of_account(account.id, "api")[-_TOKENS_TRIED:]:
        found = unit.tokens.by_login(token.login)
        if found is not None and verify_secret(found[1], secret):
            return found[0]
    return None
