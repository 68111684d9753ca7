"""People, groups and their tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by.

    Attributes:
        login: Account name, shown as ``user`` of a revision.
        realname: Git author name; the login when empty.
        email: Git author address; ``<login>@localhost`` when empty.
    """

    login: str
    realname: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One person.

    Attributes:
        state: ``unconfirmed``, ``confirmed``, ``locked`` or ``deleted``.
    """

    id: int
    login: str
    email: str = ""
    realname: str = ""
    state: str = "confirmed"
    is_admin: bool = False
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of people."""

    id: int
    name: str
    email: str = ""
    members: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A secret that stands for an account; only its hash is kept.

    Attributes:
        kind: ``api`` (git, OBS and LFS as password), ``copr`` (login:token).
        login: Public half; Copr sends it as the Basic user name.
        scopes: Subset of ``read``, ``write``, ``build``, ``admin``; empty = all the account may.
        project: Only valid for this project, if set.
        expires_at: None = never.
    """

    id: int
    account_id: int
    kind: str
    login: str
    scopes: tuple[str, ...] = ()
    project: str | None = None
    description: str = ""
    created_at: int = 0
    expires_at: int | None = None
    last_used_at: int | None = None
