"""What a new house needs before it serves: the first account and the base projects."""

from __future__ import annotations

import logging
import os

from builder.bases import default_config
from storage import passwords
from storage.model import Account, Author, Grant, ProjectMeta, Repository
from storage.names import ProjectName, UserName
from storage.secrets import new_secret

from .obs.meta import render_project_meta
from .wiring import House

logger = logging.getLogger(__name__)

_PASSWORD_VARIABLE = "PACKHOUSE_ADMIN_PASSWORD"  # noqa: S105 - a name
_HOUSE = Author("Admin")


def first_account(house: House) -> str | None:
    """Create ``Admin`` in a house without accounts.

    Returns:
        The generated password, to be shown once; None when nothing was generated.
    """
    with house.records.read() as unit:
        if unit.accounts.find("Admin") is not None:
            return None
    given = os.environ.get(_PASSWORD_VARIABLE)
    password = given or new_secret()
    create_account(house, UserName("Admin"), password, is_admin=True, home=False)
    return None if given else password


def create_account(
    house: House,
    login: UserName,
    password: str,
    *,
    email: str = "",
    realname: str = "",
    is_admin: bool = False,
    home: bool,
) -> Account:
    """Create an account, and its home project if wanted.

    Raises:
        AlreadyExists: The login is taken.
    """
    with house.records.begin() as unit:
        account = unit.accounts.create(
            login, email, realname, passwords.hash(password), is_admin, "confirmed"
        )
    if home:
        create_home(house, account)
    return account


def create_home(house: House, account: Account) -> None:
    """Create ``home:<login>`` with its owner as maintainer, unless it exists."""
    name = ProjectName.parse(f"home:{account.login}")
    with house.records.read() as unit:
        if unit.projects.find(name) is not None:
            return
    meta = ProjectMeta(
        name=name,
        title=f"{account.realname or account.login}'s home",
        grants=(Grant("person", account.login, "maintainer"),),
    )
    author = Author(account.login, account.realname, account.email)
    house.storage.put_project_meta(render_project_meta(meta), meta, author, "home project")


def base_projects(house: House) -> None:
    """Create the project that stands for each configured chroot, unless it exists."""
    for chroot in house.builder.settings.chroots:
        with house.records.read() as unit:
            if unit.projects.find(chroot.project) is not None:
                continue
        meta = ProjectMeta(
            name=ProjectName.parse(chroot.project),
            title=f"Base root {chroot.name}",
            description="Packages of the distribution; repositories name it in a path.",
            repositories=(Repository(chroot.repository, (chroot.arch,)),),
        )
        house.storage.put_project_meta(render_project_meta(meta), meta, _HOUSE, "base project")
        with house.storage.stage([default_config().encode()]) as staged:
            house.storage.package(chroot.project, "_project").put_file(
                "_config", staged, _HOUSE, "default configuration"
            )
