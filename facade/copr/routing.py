"""Routes as a table: verb, rule, handler, and who may call without a login."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from ..identity import authenticate
from .call import Call
from .errors import answer

if TYPE_CHECKING:
    from ..wiring import House

Handler = Callable[[Call], dict[str, Any]]

_SECOND_VERB = {"PUT": "POST", "DELETE": "POST"}


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table.

    Attributes:
        method: The verb of the present client; PUT and DELETE also answer to the POST of
            older ones, with a warning.
        rule: Below ``/api_3``, with a trailing slash; served without it too.
        login: Whether an anonymous call is refused before anything else.
        also: A further verb that is as good.
    """

    method: str
    rule: str
    handler: Handler
    login: bool = False
    also: str = ""


def register(blueprint: Blueprint, house: House, routes: Iterable[Route]) -> None:
    """Add the routes of a table."""
    for route in routes:
        verbs = [route.method, route.also or _SECOND_VERB.get(route.method, "")]
        view = _view(house, route)
        # Both spellings are told to the router: it would find one of them by leniency,
        # but then answer a wrong verb with 404.
        for rule in filter(None, (route.rule, route.rule.rstrip("/"))):
            blueprint.add_url_rule(
                rule,
                endpoint=f"{route.method} {rule}",
                view_func=view,
                methods=[verb for verb in verbs if verb],
            )


def _view(house: House, route: Route) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        identity = authenticate(request)
        g.login = identity.login
        if route.login or not house.settings.anonymous_read:
            identity.required()
        parts = {name: str(value) for name, value in path.items()}
        with closing(Call(house, request, identity, parts)) as call:
            response = answer(route.handler(call))
        if not route.also and request.method == "POST" != route.method:
            response.headers["Warning"] = (
                f"This method is deprecated: Use {route.method} method instead of POST"
            )
        return response

    return view
