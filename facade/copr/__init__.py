"""The Copr door: API version 3 as copr-cli and python-copr speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, request

from ..identity import authenticate
from . import errors
from .call import Call
from .lookup import build_of
from .repofiles import repo_file
from .routes import ROUTES
from .routing import register as register_routes

if TYPE_CHECKING:
    from ..wiring import House

_BUILD_PAGE = "/coprs/build/<int:build_id>/"
"""The address copr-cli prints for a new build."""

_REPO_FILES = (
    "/coprs/<ownername>/<projectname>/repo/<name_release>/",
    "/coprs/<ownername>/<projectname>/repo/<name_release>/<repofile>",
    "/coprs/g/<group>/<projectname>/repo/<name_release>/",
    "/coprs/g/<group>/<projectname>/repo/<name_release>/<repofile>",
)


def register(app: Flask, house: House) -> None:
    """Add the door to the application."""
    api = Blueprint("copr", __name__)
    errors.install(api, house)
    register_routes(api, house, ROUTES)
    app.register_blueprint(api, url_prefix="/api_3")

    def repo(**path: str) -> Response:
        group = path.pop("group", None)
        parts = path if group is None else {**path, "ownername": f"@{group}"}
        call = Call(house, request, authenticate(request), parts)
        return Response(repo_file(call), content_type="text/plain; charset=utf-8")

    def build(build_id: int) -> Response:
        call = Call(house, request, authenticate(request), {"build_id": str(build_id)})
        with call.records() as unit:
            found = build_of(call, unit)
        place = call.urls.source(found.named.name, found.build.id)
        return Response(status=302, headers={"Location": f"{place}/"})

    app.add_url_rule(_BUILD_PAGE, endpoint="copr-build", view_func=build, methods=["GET"])
    for number, rule in enumerate(_REPO_FILES):
        app.add_url_rule(rule, endpoint=f"copr-repo-{number}", view_func=repo, methods=["GET"])
