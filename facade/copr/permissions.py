"""Who else may work in a project: administrators and builders.

An approved administrator is a maintainer in the project's meta and so the same
through every door; approved builders exist in the Copr dialect only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from storage.errors import InvalidInput, NotFound, UnknownUser
from storage.model import Grant, ProjectMeta

from ..access import Action
from ..obs.meta import render_project_meta
from .call import Call
from .lookup import Named, project_of, require
from .projects import missing_rights

_STATES = ("nothing", "request", "approved")
_KINDS = ("admin", "builder")
_MAX_USERS = 200

_Table = dict[str, dict[str, str]]


def show(call: Call) -> dict[str, Any]:
    """Everybody's permissions, for administrators of the project."""
    call.identity.required()
    named = _managed(call)
    table = _present(named)
    if not table:
        raise NotFound(f"No permissions set on {named.name} project")
    return {"permissions": table}


def can_build_in(call: Call) -> dict[str, Any]:
    """Whether somebody may build in the project."""
    who = call.argument("who")
    with call.records() as unit:
        named = project_of(call, unit)
        account = unit.accounts.find(who)
        if account is None:
            raise UnknownUser(f"No such user `{who}'")
        roles = unit.roles.roles_of(who, named.project.name)
    may = account.is_admin or "maintainer" in roles or named.settings.is_builder(who)
    return {
        "who": who,
        "ownername": named.name.owner,
        "projectname": named.name.name,
        "can_build_in": may,
    }


def set_permissions(call: Call) -> dict[str, Any]:
    """Give, ask for or take permissions, for administrators of the project."""
    call.identity.required()
    named = _managed(call)
    wanted = {login: call.form().table(login) for login in call.form().values}
    if not wanted or len(wanted) > _MAX_USERS:
        raise InvalidInput("no permissions specified")
    table = _present(named)
    with call.records() as unit:
        for login, kinds in wanted.items():
            if unit.accounts.find(login) is None:
                raise InvalidInput(f"user '{login}' doesn't exist in database")
            table[login] = {**table.get(login, _NOTHING), **_checked(kinds)}
    _store(call, named, table)
    return {"updated": list(wanted)}


def request_permissions(call: Call) -> dict[str, Any]:
    """Ask for permissions for oneself, or give them back."""
    login = call.identity.required().login
    form = call.form()
    unknown = [name for name in form.values if name not in _KINDS]
    if unknown:
        raise InvalidInput(f"invalid permission '{unknown[0][:50]}', use {'|'.join(_KINDS)}")
    if not form.values:
        raise InvalidInput("no permissions specified")
    with call.records() as unit:
        named = project_of(call, unit)
    if login == named.name.owner:
        raise InvalidInput(f"user '{login}' is the owner of this project")
    table = _present(named)
    before = table.get(login, _NOTHING)
    after = dict(before)
    for kind in form.values:
        if not form.boolean(kind):
            after[kind] = "nothing"
        elif before[kind] == "nothing":
            after[kind] = "request"
    if after != before:
        _store(call, named, {**table, login: after})
    return {"updated": after != before}


_NOTHING = {"admin": "nothing", "builder": "nothing"}


def _managed(call: Call) -> Named:
    with call.records() as unit:
        named = project_of(call, unit)
        require(call, Action.WRITE_PROJECT, named.target, missing_rights(call, named))
    return named


def _present(named: Named) -> _Table:
    """What is recorded, with maintainers of the meta as approved administrators."""
    table: _Table = {
        login: {**_NOTHING, **kinds} for login, kinds in named.settings.permissions.items()
    }
    maintainers = _maintainers(named.project.meta)
    for login in maintainers - {named.name.owner}:
        table.setdefault(login, dict(_NOTHING))["admin"] = "approved"
    for login, kinds in table.items():
        if kinds["admin"] == "approved" and login not in maintainers:
            kinds["admin"] = "nothing"
    return {login: kinds for login, kinds in sorted(table.items()) if kinds != _NOTHING}


def _checked(kinds: Mapping[str, object]) -> dict[str, str]:
    for kind, state in kinds.items():
        if kind not in _KINDS:
            raise InvalidInput(f"invalid permission '{kind}', use {'|'.join(_KINDS)}")
        if state not in _STATES:
            raise InvalidInput(
                f"invalid '{kind}' permission state '{state}', use {'|'.join(_STATES)}"
            )
    return {kind: str(state) for kind, state in kinds.items()}


def _maintainers(meta: ProjectMeta) -> set[str]:
    return {
        grant.name
        for grant in meta.grants
        if grant.subject == "person" and grant.role == "maintainer"
    }


def _store(call: Call, named: Named, table: _Table) -> None:
    kept = dataclasses.replace(
        named.settings,
        permissions={login: kinds for login, kinds in table.items() if kinds != _NOTHING},
    ).dump()
    wanted = {login for login, kinds in table.items() if kinds["admin"] == "approved"}
    meta = _with_maintainers(named.project.meta, wanted, named.name.owner)
    if meta == named.project.meta:
        with call.house.records.begin() as unit:
            unit.projects.update_copr(named.project.id, kept)
        return
    author = call.identity.author()
    call.house.storage.put_project_meta(render_project_meta(meta), meta, author, copr=kept)


def _with_maintainers(meta: ProjectMeta, wanted: set[str], owner: str) -> ProjectMeta:
    """The meta with exactly the owner and these people as maintainers."""
    present = _maintainers(meta)
    gone = present - wanted - {owner}
    grants = [
        grant
        for grant in meta.grants
        if not (grant.subject == "person" and grant.role == "maintainer" and grant.name in gone)
    ]
    new = [Grant("person", login, "maintainer") for login in sorted(wanted - present)]
    return dataclasses.replace(meta, grants=(*grants, *new))
