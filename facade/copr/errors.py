"""Errors as the Copr client expects them: ``{"error": text}``, whatever went wrong.

Texts that people grep for are written where the mistake is found; here only
stands what is common to all calls, and the two answers of the router.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from storage.errors import NotAllowed, NotAuthenticated, NotFound, PackhouseError

from ..errors import Problem, describe
from ..streaming import drain
from .forms import NotJson

if TYPE_CHECKING:
    from ..wiring import House

UNKNOWN_ENDPOINT = "Such API endpoint doesn't exist"
_WRONG_METHOD = "The method is not allowed for the requested URL."


class Forbidden(NotAllowed):
    """A refusal whose text is Copr's own."""


class UnknownEndpoint(NotFound):
    """A call this server does not have."""

    def __init__(self) -> None:
        """Say so as the router does."""
        super().__init__(UNKNOWN_ENDPOINT)


def answer(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(body), status, content_type="application/json")


def copr_json(problem: Problem) -> Response:
    """What the application answers below ``/api_3`` when no route took the request."""
    text = {404: UNKNOWN_ENDPOINT, 405: _WRONG_METHOD}.get(problem.status, problem.message)
    return answer(_body(problem.status, text), problem.status)


def handler(house: House) -> Callable[[PackhouseError], Response]:
    """Renders what the door's own calls raise, line breaks and all."""

    def handle(error: PackhouseError) -> Response:
        problem = describe(error)
        status = 415 if isinstance(error, NotJson) else problem.status
        text = error.message if status < 500 else problem.message
        if isinstance(error, NotAuthenticated):
            text = login_invalid(house.settings.url)
        response = answer(_body(status, text), status)
        if not drain(request, house.settings.limits.file_bytes):
            response.headers["Connection"] = "close"
        return response

    return handle


def install(blueprint: Blueprint, house: House) -> None:
    """Make the door's calls answer their errors here."""
    blueprint.register_error_handler(PackhouseError, handler(house))


def login_invalid(url: str) -> str:
    """The text of every 401."""
    return f"Login invalid/expired. Please visit {url}/api to get or renew your API token."


def _body(status: int, text: str) -> dict[str, str]:
    if status == 401:
        return {"output": "notok", "error": text}
    return {"error": text}
