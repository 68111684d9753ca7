"""The door to published repositories and build results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from .repositories import tree
from .results import copr_results

if TYPE_CHECKING:
    from ..wiring import House

__all__ = ["copr_results", "published", "register", "tree"]


def register(app: Flask, house: House) -> None:
    """Add every route of this door."""
    app.register_blueprint(tree(house))
    app.register_blueprint(copr_results(house))
    published(app, house)


def published(app: Flask, house: House) -> None:
    """Add the routes that show published trees as OBS documents."""
    from ..obs.routing import register as register_routes
    from .documents import ROUTES

    register_routes(app, house, ROUTES)
