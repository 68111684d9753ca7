"""Tables of accounts, groups, tokens and roles."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import NEVER_REUSED, Base, Counted, Key, Short, TextKey, table


class AccountRow(Base):
    """One person; the hash text is all that is kept of a password."""

    __tablename__ = "accounts"
    id: Mapped[Counted]
    login: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    realname: Mapped[str]
    state: Mapped[str]
    is_admin: Mapped[bool]
    created_at: Mapped[int]
    password_hash: Mapped[str | None]
    preferences: Mapped[str]
    __table_args__ = (NEVER_REUSED,)


class GroupRow(Base):
    """A named set of people."""

    __tablename__ = "groups"
    id: Mapped[Counted]
    name: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    __table_args__ = (NEVER_REUSED,)


class GroupPersonRow(Base):
    """One line of a group; ``part`` is ``member`` or ``maintainer``."""

    __tablename__ = "group_people"
    group_id: Mapped[Key] = mapped_column(ForeignKey("groups.id"))
    part: Mapped[TextKey]
    login: Mapped[TextKey]
    position: Mapped[int]
    __table_args__ = (Index("ix_group_people_login", "login", "part", "group_id"),)


class TokenRow(Base):
    """A secret standing for an account; only its hash is kept."""

    __tablename__ = "tokens"
    id: Mapped[Counted]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    login: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[str]
    scopes: Mapped[str]
    project: Mapped[str | None]
    description: Mapped[str]
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    last_used_at: Mapped[int | None]
    __table_args__ = (Index("ix_tokens_account_id", "account_id", "kind", "id"), NEVER_REUSED)


class GrantRow(Base):
    """Index over metas: who holds which role; ``package_id`` 0 means the project itself."""

    __tablename__ = "grants"
    project_id: Mapped[Key] = mapped_column(ForeignKey("projects.id"))
    package_id: Mapped[Key]
    position: Mapped[Key]
    subject: Mapped[Short]
    name: Mapped[Short]
    role: Mapped[Short]
    __table_args__ = (
        Index("ix_grants_subject", "subject", "name", "role", "project_id", "package_id"),
    )


accounts = table(AccountRow)
groups = table(GroupRow)
group_people = table(GroupPersonRow)
tokens = table(TokenRow)
grants = table(GrantRow)
