"""Tokens: secrets that stand for an account."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update

from ...errors import AlreadyExists
from ...model import Token
from ..shape import Shape
from ..tables.people import tokens
from .base import Store

_SHAPE = Shape(Token, tokens)
_BY_LOGIN = select(*_SHAPE.columns, tokens.c.secret_hash).where(
    tokens.c.login == bindparam("login")
)
_OF_ACCOUNT = (
    select(*_SHAPE.columns)
    .where(tokens.c.account_id == bindparam("account_id"))
    .order_by(tokens.c.id)
)
_OF_KIND = _OF_ACCOUNT.where(tokens.c.kind == bindparam("kind"))


class Tokens(Store):
    """The tokens; of secrets only hash texts pass through here."""

    def create(
        self,
        account_id: int,
        kind: str,
        login: str,
        secret_hash: str,
        scopes: Sequence[str] = (),
        project: str | None = None,
        description: str = "",
        expires_at: int | None = None,
        created_at: int = 0,
    ) -> Token:
        """Add a token.

        Args:
            account_id: Whom it stands for.
            kind: ``api`` or ``copr``.
            login: Public half, unique in the house.
            secret_hash: Hash text of the secret half.
            scopes: Subset of ``read``, ``write``, ``build``, ``admin``; none = all.
            project: Only valid for this project.
            description: For its owner.
            expires_at: Unix seconds; None is never.
            created_at: Unix seconds.

        Raises:
            AlreadyExists: The public half is taken.
        """
        token = Token(
            0, account_id, kind, login, tuple(scopes), project, description, created_at, expires_at
        )
        values = _SHAPE.dump_whole(token, without=["id"]) | {"secret_hash": secret_hash}
        if self._tx.insert_new(tokens, values, tokens.c.id) is None:
            raise AlreadyExists("a token with that login already exists")
        found = self.by_login(login)
        assert found is not None
        return found[0]

    def by_login(self, login: str) -> tuple[Token, str] | None:
        """(token, hash of its secret) for a public half, or None; expired ones too."""
        row = self._tx.first(_BY_LOGIN, login=login)
        return None if row is None else (_SHAPE.load(row), row[-1])

    def of_account(self, account_id: int, kind: str | None = None) -> Sequence[Token]:
        """An account's tokens, oldest first."""
        if kind is None:
            return _SHAPE.load_all(self._tx.all(_OF_ACCOUNT, account_id=account_id))
        return _SHAPE.load_all(self._tx.all(_OF_KIND, account_id=account_id, kind=kind))

    def delete(self, token_id: int) -> bool:
        """Revoke a token; whether there was one."""
        return self._tx.write(delete(tokens).where(tokens.c.id == token_id)).rowcount > 0

    def touch(self, token_id: int, at: int) -> None:
        """Note its last use, Unix seconds."""
        self._tx.write(update(tokens).where(tokens.c.id == token_id).values(last_used_at=at))
