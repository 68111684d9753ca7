"""Tokens that trigger one operation (OBS API contract, section 4.3).

They are no credentials of the API: ``facade.tokens`` accepts other kinds only.
"""

from __future__ import annotations

from flask import Response

from storage.errors import InvalidInput, NotFound
from storage.model import Account, Token
from storage.names import PackageName, ProjectName, UserName

from .. import tokens
from ..access import may_manage
from .call import Call
from .routing import Route, dispatch
from .status import answer, ok
from .xml import Element

_KINDS = frozenset({"rss", "rebuild", "release", "runservice", "wipe", "workflow"})
_PER_ACCOUNT = 100
_FOR_PACKAGE = "package:"


def index(call: Call) -> Response:
    """``GET /person/U/token``: the secret is only shown when a token is made."""
    with call.records() as unit:
        found = unit.tokens.of_account(_account(call).id)
    entries = [_entry(token) for token in found if token.kind in _KINDS]
    return answer(Element("directory", {"count": len(entries)}, entries))


def create(call: Call) -> Response:
    """``POST ...?cmd=create&operation=``."""
    account = _account(call)
    kind = call.param("operation") or "runservice"
    if kind not in _KINDS:
        raise InvalidInput(f"unknown operation '{kind[:60]}'", hint=", ".join(sorted(_KINDS)))
    scopes: tuple[str, ...] = ()
    project = ProjectName.parse(call.param("project")) if call.param("project") else None
    if call.param("package"):
        scopes = (_FOR_PACKAGE + PackageName.parse(call.param("package")),)
        with call.records() as unit:
            unit.packages.get(project or "", call.param("package"))
    with call.house.records.begin() as unit:
        if len(unit.tokens.of_account(account.id)) >= _PER_ACCOUNT:
            raise InvalidInput(f"an account has at most {_PER_ACCOUNT} tokens")
        issued = tokens.issue(
            unit,
            account.id,
            kind,
            scopes=scopes,
            project=project,
            description=call.param("description")[:200],
        )
    return ok({"token": issued.secret, "id": str(issued.token.id)})


def delete(call: Call) -> Response:
    """``DELETE /person/U/token/N``."""
    account = _account(call)
    number = call.part("number")
    with call.house.records.begin() as unit:
        for token in unit.tokens.of_account(account.id):
            if str(token.id) == number:
                unit.tokens.delete(token.id)
                return ok()
    raise NotFound(f"token '{number[:40]}' does not exist")


def _account(call: Call) -> Account:
    login = UserName.parse(call.part("login"))
    may_manage(call.identity, login)
    with call.records() as unit:
        return unit.accounts.get(login)


def _entry(token: Token) -> Element:
    package = next(
        (scope[len(_FOR_PACKAGE) :] for scope in token.scopes if scope.startswith(_FOR_PACKAGE)),
        None,
    )
    return Element(
        "entry",
        {
            "id": token.id,
            "string": token.login,
            "kind": token.kind,
            "description": token.description or None,
            "project": token.project,
            "package": package,
        },
    )


ROUTES = [
    Route("GET", "/person/<login>/token", index),
    Route("POST", "/person/<login>/token", dispatch({"create": create}, status=400)),
    Route("DELETE", "/person/<login>/token/<number>", delete),
]
