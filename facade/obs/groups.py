"""Groups (OBS API contract, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Response

from storage.errors import InvalidContent, InvalidInput, NotAllowed, UnknownUser
from storage.model import Group
from storage.names import GroupName, UserName

from ..access import Action, allowed
from .call import Call
from .directory import names
from .routing import Handler, Route, dispatch
from .shape import ANY, TEXT, Shape, check
from .status import answer, ok
from .xml import Element

_LIST_LIMIT = 10_000
_PEOPLE_LIMIT = 10_000
_USER = Shape(required={"userid": ANY})
_GROUP = Shape(
    children={
        "title": TEXT,
        "email": TEXT,
        "maintainer": _USER,
        "person": Shape(children={"person": _USER}),
    },
    single=frozenset({"title", "email", "person"}),
    present=("title",),
)


def index(call: Call) -> Response:
    """``GET /group?login=&prefix=`` [GRP-01]."""
    login = call.param("login") or None
    with call.records() as unit:
        if login is not None:
            unit.accounts.get(login)
        found = unit.groups.list(call.param("prefix"), login, _LIST_LIMIT)
    return names(found, count=True)


def show(call: Call) -> Response:
    """``GET /group/G`` [GRP-02]."""
    with call.records() as unit:
        return answer(group_element(unit.groups.get(_title(call))))


def write(call: Call) -> Response:
    """``PUT /group/G`` [GRP-03]: replaces the whole record."""
    allowed(call.identity, Action.ADMINISTER)
    title = _title(call)
    node = call.document("group")
    check(node, _GROUP)
    if node.text_of("title").strip() != title:
        raise InvalidInput("the title of the body is not that of the path")
    inner = node.find("person")
    members = _people([n.attrs["userid"] for n in (inner.all("person") if inner else ())])
    maintainers = _people([n.attrs["userid"] for n in node.all("maintainer")])
    with call.house.records.begin() as unit:
        for login in sorted({*members, *maintainers}):
            if unit.accounts.find(login) is None:
                raise UnknownUser(f"user '{login}' does not exist")
        group = unit.groups.find(title) or unit.groups.create(title)
        email = node.text_of("email").strip()
        unit.groups.put(replace(group, email=email, members=members, maintainers=maintainers))
    return ok()


def delete(call: Call) -> Response:
    """``DELETE /group/G`` [GRP-07]."""
    allowed(call.identity, Action.ADMINISTER)
    with call.house.records.begin() as unit:
        unit.groups.delete(_title(call))
    return ok()


def add_user(call: Call) -> Response:
    """``cmd=add_user&userid=`` [GRP-04]."""
    login = UserName.parse(call.required("userid"))
    return _change(
        call,
        lambda group: replace(group, members=tuple(dict.fromkeys((*group.members, login)))),
        login,
    )


def remove_user(call: Call) -> Response:
    """``cmd=remove_user&userid=`` [GRP-05]."""
    login = UserName.parse(call.required("userid"))
    return _change(
        call,
        lambda group: replace(group, members=tuple(m for m in group.members if m != login)),
    )


def set_email(call: Call) -> Response:
    """``cmd=set_email&email=`` [GRP-06]; absent removes it."""
    email = call.param("email")
    return _change(call, lambda group: replace(group, email=email))


def group_element(group: Group) -> Element:
    """The ``group`` element."""
    children = [Element("title", text=group.name)]
    if group.email:
        children.append(Element("email", text=group.email))
    children += [Element("maintainer", {"userid": login}) for login in group.maintainers]
    people = [Element("person", {"userid": login}) for login in group.members]
    children.append(Element("person", {}, people))
    return Element("group", {}, children)


def _change(call: Call, edit: Callable[[Group], Group], newcomer: str = "") -> Response:
    account = call.identity.required()
    with call.house.records.begin() as unit:
        group = unit.groups.get(_title(call))
        if account.login not in group.maintainers:
            allowed(call.identity, Action.ADMINISTER)
        elif call.identity.token is not None:
            raise NotAllowed("a token may not change groups", code="no_permission")
        if newcomer and unit.accounts.find(newcomer) is None:
            raise UnknownUser(f"user '{newcomer}' does not exist")
        unit.groups.put(edit(group))
    return ok()


def _title(call: Call) -> GroupName:
    return GroupName.parse(call.part("title"))


def _people(logins: list[str]) -> tuple[str, ...]:
    if len(logins) > _PEOPLE_LIMIT:
        raise InvalidContent(f"a group has at most {_PEOPLE_LIMIT} members")
    return tuple(dict.fromkeys(UserName.parse(login) for login in logins))


_COMMANDS: dict[str, Handler] = {
    "add_user": add_user,
    "remove_user": remove_user,
    "set_email": set_email,
}
ROUTES = [
    Route("GET", "/group", index),
    Route("GET", "/group/<title>", show),
    Route("PUT", "/group/<title>", write),
    Route("DELETE", "/group/<title>", delete),
    Route("POST", "/group/<title>", dispatch(_COMMANDS, status=400)),
]
