"""Opening a package for reading, living or deleted."""

from __future__ import annotations

from storage.house import PackageStore
from storage.names import PROJECT_CONTAINER

from ..access import Action, allowed, locate
from .call import Call


def open_store(call: Call) -> PackageStore:
    """The package of the path: living, or with ``deleted=1`` the one deleted last.

    Raises:
        NotFound: There is none; with ``deleted=1`` also when it lives.
    """
    if not call.flag("deleted"):
        action = Action.VIEW if call.package == PROJECT_CONTAINER else Action.READ_SOURCE
        found = call.check_package(action).package
        if found is not None:
            return call.house.storage.open(found)
        return call.house.storage.package(call.project, call.package)
    with call.records() as unit:
        target = locate(unit, call.identity, call.project)
        allowed(call.identity, Action.READ_SOURCE, target)
    return call.house.storage.deleted_package(call.project, call.package)
