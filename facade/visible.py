"""Lists without what the caller may not know of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .access import READERS
from .identity import Identity

if TYPE_CHECKING:
    from storage.records import Unit


def visible_projects(unit: Unit, identity: Identity, names: Iterable[str]) -> list[str]:
    """The names of living projects that the caller may see, in the given order."""
    hidden = set() if identity.is_admin else unit.projects.hidden()
    if not hidden:
        return list(names)

    def may_see(name: str) -> bool:
        if name not in hidden:
            return True
        return bool(identity.login and READERS & unit.roles.roles_of(identity.login, name))

    return [name for name in names if may_see(name)]
