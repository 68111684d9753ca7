"""Persons (OBS API contract, section 4.1)."""

from __future__ import annotations

from flask import Response

from storage import passwords
from storage.errors import (
    AlreadyExists,
    InvalidInput,
    NotAllowed,
    NotFound,
    UnknownUser,
)
from storage.model import Account, JsonObject
from storage.names import ProjectName, UserName

from .. import bootstrap
from ..access import Action, allowed, may_manage
from .call import Call
from .directory import names
from .routing import Handler, Route, dispatch
from .shape import ANY, TEXT, Shape, check
from .status import answer, ok
from .xml import Element, Node

_LIST_LIMIT = 10_000
_TEXT_LIMIT = 300
_STATES = frozenset({"unconfirmed", "confirmed", "locked", "deleted", "subaccount"})
_WATCHLIST = Shape(
    children={
        "project": Shape(required={"name": ANY}),
        "package": Shape(required={"name": ANY, "project": ANY}),
        "request": Shape(required={"number": ANY}),
    }
)
_PERSON = Shape(
    children={
        "login": TEXT,
        "email": TEXT,
        "realname": TEXT,
        "owner": Shape(required={"userid": ANY}),
        "state": Shape(text=_STATES),
        "globalrole": Shape(text=frozenset({"Admin", "User"})),
        "ignore_auth_services": TEXT,
        "watchlist": _WATCHLIST,
    },
    single=frozenset({"login", "email", "realname", "state", "owner", "watchlist"}),
)
_NEWCOMER = Shape(
    children={
        "login": TEXT,
        "realname": TEXT,
        "email": TEXT,
        "password": TEXT,
        "state": Shape(text=_STATES),
        "note": TEXT,
    },
    present=("login", "password"),
)


def index(call: Call) -> Response:
    """``GET /person?prefix=`` [PER-03]."""
    with call.records() as unit:
        return names(unit.accounts.list(call.param("prefix"), _LIST_LIMIT))


def show(call: Call) -> Response:
    """``GET /person/U`` [PER-01]; the watch list only for oneself and administrators."""
    with call.records() as unit:
        account = unit.accounts.get(_login(call))
        watched: JsonObject = {}
        if account.login == call.identity.login or call.identity.is_admin:
            watched = unit.accounts.preferences(account.id).get("watchlist", {})
            return answer(person_element(account, watched))
    return answer(person_element(account, None))


def write(call: Call) -> Response:
    """``PUT /person/U`` [PER-02]: oneself the harmless parts, administrators everything."""
    login = _login(call)
    may_manage(call.identity, login)
    node = call.document("person")
    check(node, _PERSON)
    if node.text_of("login") not in ("", login):
        raise InvalidInput("the login of the body is not that of the path")
    with call.house.records.begin() as unit:
        account = unit.accounts.find(login)
        if account is None:
            if not call.identity.is_admin:
                raise UnknownUser(f"user '{login}' does not exist")
            account = unit.accounts.create(
                login, state="locked", created_at=int(call.house.clock())
            )
        unit.accounts.update(account.id, **_changes(call, account, node))
        watchlist = node.find("watchlist")
        if watchlist is not None:
            preferences = unit.accounts.preferences(account.id)
            preferences["watchlist"] = _watched(watchlist)
            unit.accounts.set_preferences(account.id, preferences)
    return ok()


def register(call: Call) -> Response:
    """``POST /person?cmd=register`` [PER-04], open to strangers where settings allow."""
    if call.house.settings.registration != "allow" and not call.identity.is_admin:
        raise NotAllowed("registration is closed", code="permission_denied")
    node = call.document("unregisteredperson")
    check(node, _NEWCOMER)
    login = UserName.parse(node.text_of("login"))
    password = node.text_of("password")
    _check_password(password, "err_register_save")
    try:
        bootstrap.create_account(
            call.house,
            login,
            password,
            email=plain(node.text_of("email")),
            realname=plain(node.text_of("realname")),
            home=call.house.settings.home_projects,
        )
    except AlreadyExists:
        raise InvalidInput(f"login '{login}' is taken", code="err_register_save") from None
    return ok()


def change_password(call: Call) -> Response:
    """``POST /person/U?cmd=change_password`` [PER-06]: the first line of the body."""
    login = _login(call)
    may_manage(call.identity, login)
    line = call.body(64 * 1024).split(b"\n", 1)[0].rstrip(b"\r")
    try:
        password = line.decode()
    except UnicodeDecodeError:
        raise InvalidInput("the password is not UTF-8") from None
    if not password:
        raise NotFound("the password is empty", code="password_empty")
    _check_password(password, "password_too_long")
    hashed = passwords.hash(password)
    with call.house.records.begin() as unit:
        unit.accounts.set_password(unit.accounts.get(login).id, hashed)
    return ok()


def _set_state(state: str) -> Handler:
    def handler(call: Call) -> Response:
        """``POST /person/U?cmd=lock|delete`` [PER-07, PER-08]."""
        allowed(call.identity, Action.ADMINISTER)
        with call.house.records.begin() as unit:
            account = unit.accounts.get(_login(call))
            unit.accounts.update(account.id, state=state)
            if state == "deleted":
                unit.accounts.set_password(account.id, None)
        return ok()

    return handler


def groups(call: Call) -> Response:
    """``GET /person/U/group`` [PER-09]."""
    with call.records() as unit:
        account = unit.accounts.get(_login(call))
        return names(unit.groups.of_account(account.login))


def watchlist(call: Call) -> Response:
    """``GET /person/U/watchlist`` [PER-10]."""
    login = _login(call)
    may_manage(call.identity, login)
    with call.records() as unit:
        account = unit.accounts.get(login)
        watched = unit.accounts.preferences(account.id).get("watchlist", {})
    return answer(_watchlist_element(watched))


def write_watchlist(call: Call) -> Response:
    """``PUT /person/U/watchlist`` [PER-11]."""
    login = _login(call)
    may_manage(call.identity, login)
    node = call.document("watchlist")
    check(node, _WATCHLIST)
    with call.house.records.begin() as unit:
        account = unit.accounts.get(login)
        preferences = unit.accounts.preferences(account.id)
        preferences["watchlist"] = _watched(node)
        unit.accounts.set_preferences(account.id, preferences)
    return ok()


def person_element(account: Account, watched: JsonObject | None) -> Element:
    """The ``person`` element.

    Args:
        account: Whom it describes.
        watched: The watch list, None when the caller may not see it.
    """
    children = [
        Element("login", text=account.login),
        Element("email", text=account.email),
        Element("realname", text=account.realname),
        Element("state", text=account.state),
    ]
    if account.is_admin:
        children.append(Element("globalrole", text="Admin"))
    if watched is not None:
        children.append(_watchlist_element(watched))
    return Element("person", {}, children)


def plain(text: str) -> str:
    """A name or address as it may stand in the author line of a commit.

    Raises:
        InvalidInput: It is very long or has characters that end such a line.
    """
    text = text.strip()
    if len(text) > _TEXT_LIMIT or any(ord(c) < 32 or c in "<>\x7f" for c in text):
        raise InvalidInput("a name or address cannot hold control characters, '<' or '>'")
    return text


def _login(call: Call) -> UserName:
    return UserName.parse(call.part("login"))


def _check_password(password: str, code: str) -> None:
    if not 1 <= len(password.encode("utf-8", "replace")) <= 1000:
        raise InvalidInput("a password has 1 to 1000 bytes", code=code)


def _changes(call: Call, account: Account, node: Node) -> dict[str, str | bool]:
    changes: dict[str, str | bool] = {}
    for field in ("email", "realname"):
        if (child := node.find(field)) is not None:
            changes[field] = plain(child.text)
    if not call.identity.is_admin:
        return changes
    if (state := node.text_of("state").strip()) and state != "subaccount":
        changes["state"] = state
    roles = {role.text.strip() for role in node.all("globalrole")}
    # A document without any role leaves the role alone: osc sends back what it read.
    if roles or account.is_admin:
        changes["is_admin"] = "Admin" in roles
    return changes


def _watched(node: Node) -> JsonObject:
    return {
        "projects": [str(ProjectName.parse(n.attrs["name"])) for n in node.all("project")],
        "packages": [[n.attrs["project"], n.attrs["name"]] for n in node.all("package")],
        "requests": [n.attrs["number"] for n in node.all("request")],
    }


def _watchlist_element(watched: JsonObject) -> Element:
    children = [Element("project", {"name": name}) for name in watched.get("projects", [])]
    children += [
        Element("package", {"name": name, "project": project})
        for project, name in watched.get("packages", [])
    ]
    children += [Element("request", {"number": n}) for n in watched.get("requests", [])]
    return Element("watchlist", {}, children)


ROUTES = [
    Route("GET", "/person", index),
    Route("POST", "/person", dispatch({"register": register}, status=400), anonymous=True),
    Route("POST", "/person/register", register, anonymous=True),
    Route("PUT", "/person/register", register, anonymous=True),
    Route("GET", "/person/<login>", show),
    Route("PUT", "/person/<login>", write),
    Route(
        "POST",
        "/person/<login>",
        dispatch(
            {
                "change_password": change_password,
                "lock": _set_state("locked"),
                "delete": _set_state("deleted"),
            },
            status=400,
        ),
    ),
    Route("GET", "/person/<login>/group", groups),
    Route("GET", "/person/<login>/watchlist", watchlist),
    Route("PUT", "/person/<login>/watchlist", write_watchlist),
]
