"""Routes as tables: a rule, a handler, and whether a login is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request

from storage.errors import InvalidName, MissingParameter, UnknownCommand

from ..identity import authenticate
from ..sessions import COOKIE
from .call import Call

if TYPE_CHECKING:
    from ..wiring import House

Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of a table.

    Attributes:
        anonymous: Served without a login.
    """

    method: str
    rule: str
    handler: Handler
    anonymous: bool = False


def register(app: Flask, house: House, routes: Iterable[Route]) -> None:
    """Add the routes of a table to the application."""
    for route in routes:
        app.add_url_rule(
            route.rule,
            endpoint=f"obs.{route.method} {route.rule}",
            view_func=_view(house, route),
            methods=[route.method],
        )


def dispatch(commands: Mapping[str, Handler], *, status: int = 404) -> Handler:
    """A handler that chooses by ``cmd=``.

    Args:
        commands: Handlers by command word.
        status: 404 gives the code word ``illegal_request``, 400 ``unknown_command``.
    """

    def handler(call: Call) -> Response:
        word = call.param("cmd")
        if not word:
            raise MissingParameter("parameter 'cmd' is missing")
        command = commands.get(word)
        if command is None:
            code = "illegal_request" if status == 404 else "unknown_command"
            raise UnknownCommand(f"invalid_command '{word[:100]}'", code=code)
        return command(call)

    return handler


def _view(house: House, route: Route) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        identity = authenticate(request)
        g.login = identity.login
        if not route.anonymous:
            identity.required()
        for value in path.values():
            if "\ufffd" in value:
                raise InvalidName("the path is not UTF-8")
        response = route.handler(Call(house, request, identity, path))
        if identity.session and request.headers.get("User-Agent", "").startswith("osc/"):
            _hand_out(response, identity.session)
        return response

    return view


def _hand_out(response: Response, session: str) -> None:
    """Spare osc the repetition of its next requests."""
    response.set_cookie(COOKIE, session, secure=request.is_secure, httponly=True, samesite="Strict")
