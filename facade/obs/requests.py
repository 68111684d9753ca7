"""What osc asks about requests before and after other work (OBS API contract, section 9.4)."""

from __future__ import annotations

from flask import Response

from storage.errors import NotFound

from .call import Call
from .directory import names
from .routing import Route
from .status import answer
from .xml import Element

_FILTERS = ("project", "user", "states", "types", "reviewstates", "review_states", "ids", "group")


def index(call: Call) -> Response:
    """``GET /request`` [REQ-02] and ``?view=collection`` [REQ-03]."""
    if call.param("view") != "collection":
        return names([])
    if not any(call.has(name) for name in _FILTERS):
        raise NotFound(
            "the collection of requests needs a filter",
            code="require_filter",
            hint="give project, user, states, types, reviewstates or ids",
        )
    return answer(Element("collection", {"matches": 0}))


def show(call: Call) -> Response:
    """``GET /request/N`` [REQ-01]."""
    raise NotFound(f"request '{call.part('number')[:40]}' does not exist")


ROUTES = [
    Route("GET", "/request", index),
    Route("GET", "/request/<number>", show),
]
