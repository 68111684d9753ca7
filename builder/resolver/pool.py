"""What can be installed: one package per name, and who provides what.

Contract: the first package of a name wins; the caller adds packages in the order
of the repository path (build semantics, section 2.3). A base distribution may
stand behind the pool as a whole, see ``Backdrop``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..versions import BinaryType, Dependency, satisfies
from .shelf import Shelf
from .solvable import Backdrop, Solvable, parse_dependency


class Pool:
    """Packages of a repository path with their provides, the own repository first."""

    def __init__(
        self,
        kind: BinaryType = "rpm",
        *,
        shelves: Sequence[Shelf] = (),
        fileprovides: Mapping[str, Sequence[str]] | None = None,
        backdrop: Backdrop | None = None,
    ) -> None:
        """Look into shelves; they may change, but not while the pool is used.

        Args:
            kind: Whose version rules apply.
            shelves: Repositories in the order of the path.
            fileprovides: ``FileProvides`` of the project configuration.
            backdrop: Distribution behind the pool.
        """
        self.kind: BinaryType = kind
        self.backdrop = backdrop
        self.watched: set[str] | None = None
        self._shelves = list(shelves) or [Shelf()]
        self._fileprovides = fileprovides or {}
        self._cache: dict[str, tuple[Solvable, ...]] = {}

    def add(self, solvable: Solvable) -> None:
        """Offer a package in the last repository, unless its name is taken."""
        if self.get(solvable.name) is None:
            self._shelves[-1].replace(solvable.name, [solvable])
            self._cache.clear()

    def get(self, name: str) -> Solvable | None:
        """The package of that name, or None."""
        found = (shelf.get(name) for shelf in self._shelves)
        return next((solvable for solvable in found if solvable is not None), None)

    def providers(self, dependency: str) -> tuple[Solvable, ...]:
        """Packages that meet a dependency, without those of the backdrop."""
        if self.watched is not None:
            self.watched.add(dependency)
        found = self._cache.get(dependency)
        if found is None:
            found = self._cache[dependency] = self._look_up(dependency)
        return found

    def behind(self, dependency: str) -> Sequence[Solvable]:
        """Packages of the backdrop that meet a dependency and are not hidden by own ones."""
        if self.backdrop is None:
            return ()
        if self.watched is not None:
            self.watched.add(dependency)
        offered = list(self.backdrop.providers(dependency))
        for name in self._fileprovides.get(dependency, ()):
            offered += [s for s in self.backdrop.providers(name) if s.name == name]
        return [solvable for solvable in offered if self.get(solvable.name) is None]

    def is_known_file(self, path: str) -> bool:
        """Whether the configuration or a package says who provides the file."""
        return path in self._fileprovides or any(s.has(path) for s in self._shelves)

    def versions(self, name: str) -> list[tuple[str, Solvable]]:
        """Every version in which ``name`` is provided, by package name."""
        found = {
            (solvable.name, provide.version): (provide.version, solvable)
            for provide, solvable in self._offers(name)
            if provide.version
        }
        return [found[key] for key in sorted(found)]

    def _offers(self, name: str) -> Iterator[tuple[Dependency, Solvable]]:
        for place, shelf in enumerate(self._shelves):
            for provide, solvable in shelf.offers(name):
                if all(earlier.get(solvable.name) is None for earlier in self._shelves[:place]):
                    yield provide, solvable

    def _look_up(self, dependency: str) -> tuple[Solvable, ...]:
        found: dict[str, Solvable] = {}
        for alternative in alternatives(dependency, self.kind):
            wanted = parse_dependency(alternative)
            for provide, solvable in self._offers(wanted.name):
                if satisfies(provide, wanted, self.kind):
                    found[solvable.name] = solvable
            for name in self._fileprovides.get(wanted.name, ()):
                if (named := self.get(name)) is not None:
                    found[named.name] = named
        return tuple(found.values())


def alternatives(dependency: str, kind: BinaryType) -> list[str]:
    """The parts of a Debian ``a | b``; for rpm the text itself."""
    if kind == "deb" and "|" in dependency:
        return [part.strip() for part in dependency.split("|") if part.strip()]
    return [dependency]
