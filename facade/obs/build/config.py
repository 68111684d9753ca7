"""``_buildconfig``: the configurations along a path (OBS API contract, section 11.8)."""

from __future__ import annotations

from flask import Response

from builder.planner.paths import Configs, search_path

from ..call import Call
from ..routing import Route
from .place import find_repository


def show(call: Call) -> Response:
    """``GET /build/P/R/_buildconfig`` [BRI-05]."""
    call.only(())
    place = find_repository(call)
    assert place.repository is not None
    builder = call.house.builder
    with call.records() as unit:
        path = search_path(builder, unit, place.project, place.repository.name)
        text = Configs(builder).text(unit, place.project, path)
    return Response(text, content_type="text/plain; charset=utf-8")


ROUTES = [Route("GET", "/build/<project>/<repository>/_buildconfig", show)]
