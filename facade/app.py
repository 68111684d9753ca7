"""The web application: doors, request ids, headers and errors around them."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from . import copr, errors, git, health, requestid, tree
from .identity import Doorkeeper
from .lazyrules import LazyRule
from .obs import door as obs
from .sessions import Sessions, load_key
from .wiring import House

logger = logging.getLogger("facade.access")

API_VERSION = "2.10.0"
"""Value of ``X-Opensuse-APIVersion``: the OBS release whose dialect is spoken."""


def create_app(house: House) -> Flask:
    """Make the application of one house."""
    app = Flask("packhouse", static_folder=None)
    app.url_rule_class = LazyRule
    # A redirect would lose the body of a PUT, so both spellings are served.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions["packhouse"] = house
    sessions = Sessions(load_key(house.settings.data_dir), house.clock)
    app.extensions["packhouse.doorkeeper"] = Doorkeeper(house.records, sessions, house.clock)
    app.before_request(_begin)
    app.after_request(_finish)
    errors.install(app, house)
    health.register(app, house)
    _open_doors(app, house)
    return app


def _open_doors(app: Flask, house: House) -> None:
    git.register(app, house)
    copr.register(app, house)
    tree.register(app, house)
    obs.register(app, house)


def _begin() -> None:
    g.request_id = requestid.begin()
    g.began = time.perf_counter()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = requestid.current()
    response.headers["X-Opensuse-APIVersion"] = API_VERSION
    response.headers["X-Content-Type-Options"] = "nosniff"
    logger.info(
        "request",
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.began) * 1000, 1),
            "login": g.get("login", ""),
        },
    )
    return response
