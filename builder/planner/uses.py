"""Who uses what: the index that keeps a check from looking at every package."""

from __future__ import annotations

from collections.abc import Iterable


class UseIndex:
    """Capability names a package's last expansion looked at, and the way back."""

    def __init__(self) -> None:
        """Start empty."""
        self._names: dict[str, frozenset[str]] = {}
        self._users: dict[str, set[str]] = {}

    def __contains__(self, package: str) -> bool:
        return package in self._names

    def put(self, package: str, names: Iterable[str]) -> None:
        """Set what a package looks at."""
        self.drop(package)
        self._names[package] = frozenset(names)
        for name in self._names[package]:
            self._users.setdefault(name, set()).add(package)

    def drop(self, package: str) -> None:
        """Forget a package."""
        for name in self._names.pop(package, ()):
            users = self._users[name]
            users.discard(package)
            if not users:
                del self._users[name]

    def users(self, names: Iterable[str]) -> set[str]:
        """Packages that look at one of the names."""
        found: set[str] = set()
        for name in names:
            found |= self._users.get(name, set())
        return found
