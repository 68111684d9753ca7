"""Notices when the distribution behind a base root came or changed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence

from ..bases import Place
from ..house import BuilderHouse

_REFRESH_S = 600.0


class BaseWatch:
    """Remembers across starts which packages of a base everything was checked against."""

    def __init__(self, house: BuilderHouse) -> None:
        """Watch the bases of ``house``."""
        self._house = house
        self._path = house.settings.cache_dir / "checked-bases.json"
        self._keys: dict[str, str] = {}
        self._came: set[Place] = set()
        with contextlib.suppress(OSError, ValueError):
            self._keys = json.loads(self._path.read_text())
        self._refreshed_at = house.clock()

    def changed(self) -> list[Place]:
        """Places whose scopes have to be looked at.

        A base that came up again with the packages it had only concerns scopes that
        waited for it; those are marked in SQL.
        """
        now = self._house.clock()
        if now - self._refreshed_at > _REFRESH_S:
            self._refreshed_at = now
            self._house.bases.refresh()
        found = []
        for place in self._house.bases.places():
            view = self._house.bases.view(place.project, place.repository, place.arch)
            if view is None or view.universe is None:
                continue
            if self._keys.get(_name(place)) != view.universe.key:
                found.append(place)
        return found

    def came_up(self) -> bool:
        """Whether a base is there now that was not when this was last asked."""
        known = set()
        for place in self._house.bases.places():
            view = self._house.bases.view(place.project, place.repository, place.arch)
            if view is not None and view.universe is not None:
                known.add(place)
        came, self._came = known - self._came, known
        return bool(came)

    def checked(self, places: Sequence[Place]) -> None:
        """Note that everything on top of these was looked at."""
        for place in places:
            view = self._house.bases.view(place.project, place.repository, place.arch)
            if view is not None and view.universe is not None:
                self._keys[_name(place)] = view.universe.key
        if places:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(self._keys))
            temporary.rename(self._path)


def _name(place: Place) -> str:
    return f"{place.project}/{place.repository}/{place.arch}"
