"""Every route of the OBS door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from . import (
    files,
    groups,
    instance,
    keys,
    metas,
    packages,
    people,
    projects,
    requests,
    search,
    tokens,
)
from .build import (
    binaries,
    buildinfo,
    config,
    control,
    depinfo,
    history,
    logs,
    overview,
    results,
    workers,
)
from .routing import register as register_routes

if TYPE_CHECKING:
    from ..wiring import House

_TABLES = (
    instance.ROUTES,
    people.ROUTES,
    groups.ROUTES,
    tokens.ROUTES,
    projects.ROUTES,
    metas.ROUTES,
    keys.ROUTES,
    packages.ROUTES,
    files.ROUTES,
    requests.ROUTES,
    search.ROUTES,
    overview.ROUTES,
    results.ROUTES,
    binaries.ROUTES,
    logs.ROUTES,
    history.ROUTES,
    workers.ROUTES,
    control.ROUTES,
    config.ROUTES,
    buildinfo.ROUTES,
    depinfo.ROUTES,
)


def register(app: Flask, house: House) -> None:
    """Add every route of the API."""
    for table in _TABLES:
        register_routes(app, house, table)
