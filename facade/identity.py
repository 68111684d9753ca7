"""Who is calling: one account, by password or token, or nobody.

``authenticate`` never guesses: credentials that are wrong raise
``NotAuthenticated`` even where no login is needed, so a client with a stale
password learns it. No credentials give the anonymous identity; whether that is
enough is decided by ``facade.access`` and by the door.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Request, current_app

from storage.errors import AccountInactive, NotAuthenticated, UnknownUser
from storage.model import Account, Author, Token

from . import tokens
from .passwords import PasswordChecker
from .sessions import COOKIE, Sessions

if TYPE_CHECKING:
    from storage.records import Records, Unit

_TOUCH_EVERY_S = 3600


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of one request.

    Attributes:
        account: None when anonymous.
        groups: Names of the groups the account is in.
        token: The token it came with, None for a password.
        session: Cookie value to hand out; only set after a password.
    """

    account: Account | None = None
    groups: tuple[str, ...] = ()
    token: Token | None = None
    session: str = field(default="", repr=False)

    @property
    def login(self) -> str:
        """The account's name, empty when anonymous."""
        return self.account.login if self.account else ""

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything here and now."""
        if self.account is None or not self.account.is_admin:
            return False
        return self.token is None or not self.token.scopes or "admin" in self.token.scopes

    def required(self) -> Account:
        """The account.

        Raises:
            NotAuthenticated: Nobody is logged in.
        """
        if self.account is None:
            raise NotAuthenticated(
                "authentication required", hint="send a user name and a password or token"
            )
        return self.account

    def author(self) -> Author:
        """The caller as the author of a commit.

        Raises:
            NotAuthenticated: Nobody is logged in.
        """
        account = self.required()
        return Author(account.login, account.realname, account.email)


ANONYMOUS = Identity()


class Doorkeeper:
    """Checks credentials against the records."""

    def __init__(
        self, records: Records, sessions: Sessions, clock: Callable[[], float] = time.time
    ) -> None:
        """Keep the records and an empty memory of verified passwords."""
        self._records = records
        self._sessions = sessions
        self._clock = clock
        self._passwords = PasswordChecker()

    def identify(self, header: str | None, cookie: str | None = None) -> Identity:
        """Read an ``Authorization`` header, or without one a session cookie.

        A session that is over counts as no credentials at all.

        Raises:
            NotAuthenticated: The credentials are wrong, or of an unknown scheme.
            AccountInactive: They are right but the account is locked or unconfirmed.
        """
        if not header:
            return self._resume(cookie) if cookie else ANONYMOUS
        user, password = _basic(header)
        with self._records.read() as unit:
            account, token, session = self._find(unit, user, password)
            _check_state(account)
            groups = tuple(unit.groups.of_account(account.login))
        if token is not None:
            self._touch(token)
        return Identity(account, groups, token, session)

    def _resume(self, cookie: str) -> Identity:
        account_id = self._sessions.claimed(cookie)
        if account_id is None:
            return ANONYMOUS
        with self._records.read() as unit:
            try:
                account = unit.accounts.by_id(account_id)
            except UnknownUser:
                return ANONYMOUS
            stored = unit.accounts.password_hash(account.login)
            if stored is None or not self._sessions.is_good(cookie, stored):
                return ANONYMOUS
            _check_state(account)
            return Identity(account, tuple(unit.groups.of_account(account.login)))

    def _find(self, unit: Unit, user: str, password: str) -> tuple[Account, Token | None, str]:
        account = unit.accounts.find(user)
        if account is None:
            token = tokens.find_copr(unit, user, password)
        else:
            token = tokens.find_api(unit, account, password)
        if token is not None and not self._is_over(token):
            return account or unit.accounts.by_id(token.account_id), token, ""
        stored = unit.accounts.password_hash(user) if account else None
        if not self._passwords.verify(password, stored) or account is None or stored is None:
            raise NotAuthenticated("wrong user name or password")
        return account, None, self._sessions.issue(account.id, stored)

    def _is_over(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self._clock()

    def _touch(self, token: Token) -> None:
        now = int(self._clock())
        if token.last_used_at is not None and now - token.last_used_at < _TOUCH_EVERY_S:
            return
        with self._records.begin() as unit:
            unit.tokens.touch(token.id, now)


def authenticate(request: Request) -> Identity:
    """The identity of a request of the application at hand; see ``Doorkeeper.identify``."""
    doorkeeper: Doorkeeper = current_app.extensions["packhouse.doorkeeper"]
    return doorkeeper.identify(request.headers.get("Authorization"), request.cookies.get(COOKIE))


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated("only Basic authentication is known here")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise NotAuthenticated("the credentials cannot be read") from None
    user, colon, password = text.partition(":")
    if not colon or not user or "\0" in text:
        raise NotAuthenticated("the credentials cannot be read")
    return user, password


def _check_state(account: Account) -> None:
    if account.state == "deleted":
        raise NotAuthenticated("wrong user name or password")
    if account.state == "unconfirmed":
        raise AccountInactive(
            f"account '{account.login}' is not confirmed yet", code="unconfirmed_user"
        )
    if account.state != "confirmed":
        raise AccountInactive(f"account '{account.login}' is {account.state}")
