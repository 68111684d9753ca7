"""People."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update

from ...errors import AlreadyExists, UnknownUser
from ...model import Account, JsonObject
from ..codec import dumps, parse
from ..shape import Shape
from ..tables.people import accounts
from .base import PAGE, Store, is_id, starts_with

_SHAPE = Shape(Account, accounts)
_BY_ID = select(*_SHAPE.columns).where(accounts.c.id == bindparam("id"))
_BY_LOGIN = select(*_SHAPE.columns).where(accounts.c.login == bindparam("login"))
_HASH = select(accounts.c.password_hash).where(accounts.c.login == bindparam("login"))
_PREFERENCES = select(accounts.c.preferences).where(accounts.c.id == bindparam("id"))
_SET = update(accounts).where(accounts.c.id == bindparam("key"))


class Accounts(Store):
    """The accounts; of passwords only hash texts pass through here."""

    def create(
        self,
        login: str,
        email: str = "",
        realname: str = "",
        password_hash: str | None = None,
        is_admin: bool = False,
        state: str = "confirmed",
        created_at: int = 0,
    ) -> Account:
        """Add an account; without a hash it cannot log in by password.

        Raises:
            AlreadyExists: The login is taken.
        """
        account = Account(0, login, email, realname, state, is_admin, created_at)
        values = _SHAPE.dump_whole(account, without=["id"])
        values |= {"password_hash": password_hash, "preferences": "{}"}
        found = self._tx.insert_new(accounts, values, accounts.c.id)
        if found is None:
            raise AlreadyExists(f"user '{login}' already exists", user=str(login))
        return self.by_id(found)

    def get(self, login: str) -> Account:
        """The account of that login, in whatever state.

        Raises:
            UnknownUser: There is none.
        """
        account = self.find(login)
        if account is None:
            raise UnknownUser(f"unknown user '{login}'", user=str(login))
        return account

    def find(self, login: str) -> Account | None:
        """The account of that login, or None."""
        row = self._tx.first(_BY_LOGIN, login=login)
        return None if row is None else _SHAPE.load(row)

    def by_id(self, account_id: int) -> Account:
        """The account of that id.

        Raises:
            UnknownUser: There is none.
        """
        row = self._tx.first(_BY_ID, id=account_id) if is_id(account_id) else None
        if row is None:
            raise UnknownUser(f"unknown user number {account_id}")
        return _SHAPE.load(row)

    def update(self, account_id: int, **fields: Any) -> Account:
        """Change ``email``, ``realname``, ``state`` or ``is_admin``.

        Raises:
            UnknownUser: There is no such account.
        """
        if fields:
            self._set(account_id, **_SHAPE.dump(fields))
        return self.by_id(account_id)

    def set_password(self, account_id: int, password_hash: str | None) -> None:
        """Replace the password's hash; None closes the password door."""
        self._set(account_id, password_hash=password_hash)

    def password_hash(self, login: str) -> str | None:
        """The hash text, or None for no such account or no password."""
        found: str | None = self._tx.value(_HASH, login=login)
        return found

    def preferences(self, account_id: int) -> JsonObject:
        """What the account keeps for itself, such as a watch list."""
        text = self._tx.value(_PREFERENCES, id=account_id)
        preferences: JsonObject = parse(text) if text else {}
        return preferences

    def set_preferences(self, account_id: int, preferences: JsonObject) -> None:
        """Replace ``preferences``."""
        self._set(account_id, preferences=dumps(preferences))

    def list(self, prefix: str = "", limit: int = PAGE, after: str | None = None) -> list[str]:
        """Logins in byte order, also of locked and deleted accounts.

        Args:
            prefix: Only logins that start with it.
            limit: At most so many.
            after: Only logins behind this one; for paging.
        """
        statement = select(accounts.c.login).order_by(accounts.c.login).limit(limit)
        if prefix:
            statement = statement.where(starts_with(accounts.c.login, prefix))
        if after is not None:
            statement = statement.where(accounts.c.login > after)
        return self._tx.values(statement)

    def _set(self, account_id: int, **values: Any) -> None:
        if not self._tx.write(_SET.values(**values), {"key": account_id}).rowcount:
            raise UnknownUser(f"unknown user number {account_id}")
