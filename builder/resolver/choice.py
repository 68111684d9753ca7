"""Passes 2 to 5: preferences that leave fewer candidates for one dependency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..prjconf import ProjectConfig
from .pool import Pool, alternatives
from .rich import is_rich
from .solvable import Solvable, parse_dependency


class Chooser:
    """Narrows candidates; each pass also applies the ones before it."""

    def __init__(
        self,
        pool: Pool,
        config: ProjectConfig,
        chosen: Mapping[str, Solvable],
        *,
        supplements: bool,
    ) -> None:
        """Watch ``chosen``, which grows during the expansion."""
        self._pool = pool
        self._chosen = chosen
        self._supplements = supplements
        self._order = {word: place for place, word in reversed(list(enumerate(config.prefer)))}

    def narrow(
        self, text: str, requirer: str, candidates: list[Solvable], passing: int
    ) -> list[Solvable]:
        """The candidates that are left in a pass; one = it is to be taken."""
        left = candidates
        if passing < 2 or len(left) == 1:
            return left
        left = [s for s in left if not self._is_avoided(s.name, requirer)] or left
        preferred = [s for s in left if self._place(s.name, requirer) is not None]
        if len(left) == 1 or len(preferred) == 1:
            return preferred if len(preferred) == 1 else left
        if passing >= 3:
            if preferred:
                return [min(preferred, key=lambda s: self._place(s.name, requirer) or 0)]
            if first := self._first_alternative(text, left):
                return first
        if passing >= 4:
            left = self._kept(left, self._recommended()) or left
        if passing >= 5 and self._supplements and len(left) > 1:
            left = [s for s in left if self._is_supplement(s)] or left
        return left

    def _is_avoided(self, name: str, requirer: str) -> bool:
        return f"-{name}" in self._order or f"{requirer}:-{name}" in self._order

    def _place(self, name: str, requirer: str) -> int | None:
        places = [self._order.get(name), self._order.get(f"{requirer}:{name}")]
        return min((place for place in places if place is not None), default=None)

    def _first_alternative(self, text: str, left: Sequence[Solvable]) -> list[Solvable]:
        parts = alternatives(text, self._pool.kind)
        if len(parts) < 2:
            return []
        for part in parts:
            names = {solvable.name for solvable in self._pool.providers(part)}
            found = [solvable for solvable in left if solvable.name in names]
            exact = [s for s in found if s.name == parse_dependency(part).name]
            if len(exact or found) == 1:
                return exact or found
            if found:
                return []
        return []

    def _recommended(self) -> set[str]:
        return {
            provider.name
            for solvable in self._chosen.values()
            for text in solvable.recommends
            if not is_rich(text)
            for provider in self._pool.providers(text)
        }

    def _kept(self, left: Sequence[Solvable], names: set[str]) -> list[Solvable]:
        return [solvable for solvable in left if solvable.name in names]

    def _is_supplement(self, solvable: Solvable) -> bool:
        return any(
            provider.name in self._chosen
            for text in solvable.supplements
            if not is_rich(text)
            for provider in self._pool.providers(text)
        )
