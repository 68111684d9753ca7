"""The git door: smart HTTP and Git LFS on the repositories of packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from .lfs import lfs
from .smart import smart_http

if TYPE_CHECKING:
    from ..wiring import House

__all__ = ["lfs", "register", "smart_http"]


def register(app: Flask, house: House) -> None:
    """Open the door in an application."""
    app.register_blueprint(smart_http(house))
    app.register_blueprint(lfs(house))
