"""The packages of one repository, replaced source package by source package."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence

from ..versions import Dependency
from .solvable import Solvable, parse_dependency


class Shelf:
    """Who offers what in one repository.

    Of two source packages that make a binary of the same name the first in name
    order wins.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._made: dict[str, dict[str, Solvable]] = {}
        self._makers: dict[str, list[str]] = {}
        self._offers: dict[str, dict[str, tuple[Dependency, ...]]] = {}

    def get(self, name: str) -> Solvable | None:
        """The package of that name, or None."""
        makers = self._makers.get(name)
        return self._made[makers[0]][name] if makers else None

    def names(self) -> list[str]:
        """All package names, sorted."""
        return sorted(self._makers)

    def made_by(self, package: str) -> list[str]:
        """Names of the binaries a source package made."""
        return list(self._made.get(package, ()))

    def has(self, capability: str) -> bool:
        """Whether anything offers ``capability``."""
        return capability in self._offers

    def offers(self, capability: str) -> Iterator[tuple[Dependency, Solvable]]:
        """(provide, package) of everything called ``capability``."""
        for name, provides in self._offers.get(capability, {}).items():
            solvable = self.get(name)
            assert solvable is not None
            for provide in provides:
                yield provide, solvable

    def replace(self, package: str, solvables: Sequence[Solvable]) -> set[str]:
        """Set what a source package made; nothing removes it.

        Returns:
            Names and capabilities of which something changed.
        """
        old, new = self._made.get(package, {}), {s.name: s for s in solvables}
        touched: set[str] = set()
        for name in {*old, *new}:
            if old.get(name) != new.get(name):
                touched |= self._exchange(package, name, new.get(name))
        if new:
            self._made[package] = new
        else:
            self._made.pop(package, None)
        return touched

    def _exchange(self, package: str, name: str, solvable: Solvable | None) -> set[str]:
        before = self.get(name)
        touched = self._withdraw(before) if before is not None else set()
        makers = self._makers.setdefault(name, [])
        if package in makers:
            makers.remove(package)
        made = self._made.setdefault(package, {})
        made.pop(name, None)
        if solvable is not None:
            made[name] = solvable
            insort(makers, package)
        if not makers:
            del self._makers[name]
        after = self.get(name)
        if after is before:
            self._present(after)
            return set()
        return touched | self._present(after)

    def _withdraw(self, solvable: Solvable) -> set[str]:
        touched = set()
        for provide in _provides(solvable):
            touched.add(provide.name)
            offers = self._offers.get(provide.name, {})
            offers.pop(solvable.name, None)
            if not offers:
                self._offers.pop(provide.name, None)
        return touched

    def _present(self, solvable: Solvable | None) -> set[str]:
        if solvable is None:
            return set()
        found: dict[str, list[Dependency]] = {}
        for provide in _provides(solvable):
            found.setdefault(provide.name, []).append(provide)
        for capability, provides in found.items():
            self._offers.setdefault(capability, {})[solvable.name] = tuple(provides)
        return set(found)


def _provides(solvable: Solvable) -> list[Dependency]:
    own = Dependency(solvable.name, "=", solvable.evr)
    return [own, *map(parse_dependency, solvable.provides)]
