"""What can be installed: one package per name, and who provides what.

Contract: the first package of a name wins; the caller adds packages in the order
of the repository path (build semantics, section 2.3). A base distribution may
stand behind the pool as a whole, see ``Backdrop``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from storage.model import JsonObject

from ..versions import BinaryType, Dependency, satisfies

_DEB_CONDITION = re.compile(r"\(\s*([<>=]+)\s*([^)\s]+)\s*\)")
_DEB_QUALIFIER = re.compile(r":(?:any|native)\b")

parse_dependency = lru_cache(maxsize=65536)(Dependency.parse)


@dataclass(frozen=True, slots=True)
class Solvable:
    """One binary package; dependency texts are ``name`` or ``name op version``.

    Attributes:
        evr: ``[epoch:]version[-release]``.
        arch: Architecture of the package file.
        project: Where it comes from, with ``repository``; empty for test data.
        producer: Source package that made it; empty for packages of a base.
        job_id: Job whose result it is; 0 for packages of a base.
        identity: What changes when the file changes (header or file checksum).
        filename: Name of its file; empty when unknown.
    """

    name: str
    evr: str = "1-1"
    arch: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    project: str = ""
    repository: str = ""
    producer: str = ""
    job_id: int = 0
    identity: str = ""
    filename: str = ""


class Backdrop(Protocol):
    """A distribution whose packages are taken as they are, without the choice rules."""

    def providers(self, dependency: str) -> Sequence[Solvable]:
        """Packages that meet a dependency, the one to take first; empty if none does."""
        ...

    def assumes(self, dependency: str) -> bool:
        """Whether an indirect requirement may be left to the installer of the root."""
        ...


class Pool:
    """Packages of a repository path with their provides."""

    def __init__(
        self,
        kind: BinaryType = "rpm",
        *,
        fileprovides: Mapping[str, Sequence[str]] | None = None,
        backdrop: Backdrop | None = None,
    ) -> None:
        """Start empty.

        Args:
            kind: Whose version rules apply.
            fileprovides: ``FileProvides`` of the project configuration.
            backdrop: Distribution behind the pool.
        """
        self.kind: BinaryType = kind
        self.backdrop = backdrop
        self._fileprovides = fileprovides or {}
        self._solvables: dict[str, Solvable] = {}
        self._index: dict[str, list[tuple[Dependency, Solvable]]] = {}
        self._cache: dict[str, tuple[Solvable, ...]] = {}

    def add(self, solvable: Solvable) -> bool:
        """Offer a package; False when its name is taken."""
        if solvable.name in self._solvables:
            return False
        self._solvables[solvable.name] = solvable
        own = Dependency(solvable.name, "=", solvable.evr)
        for provide in (own, *map(parse_dependency, solvable.provides)):
            self._index.setdefault(provide.name, []).append((provide, solvable))
        self._cache.clear()
        return True

    def get(self, name: str) -> Solvable | None:
        """The package of that name, or None."""
        return self._solvables.get(name)

    def names(self) -> list[str]:
        """All package names, sorted."""
        return sorted(self._solvables)

    def providers(self, dependency: str) -> tuple[Solvable, ...]:
        """Packages that meet a dependency, without those of the backdrop."""
        found = self._cache.get(dependency)
        if found is None:
            found = self._cache[dependency] = self._look_up(dependency)
        return found

    def behind(self, dependency: str) -> Sequence[Solvable]:
        """Packages of the backdrop that meet a dependency and are not hidden by own ones."""
        if self.backdrop is None:
            return ()
        offered = self.backdrop.providers(dependency)
        return [solvable for solvable in offered if solvable.name not in self._solvables]

    def is_known_file(self, path: str) -> bool:
        """Whether the configuration or a package says who provides the file."""
        return path in self._fileprovides or path in self._index

    def versions(self, name: str) -> list[tuple[str, Solvable]]:
        """Every version in which ``name`` is provided, by package name."""
        found = {
            (solvable.name, provide.version): (provide.version, solvable)
            for provide, solvable in self._index.get(name, [])
            if provide.version
        }
        return [found[key] for key in sorted(found)]

    def _look_up(self, dependency: str) -> tuple[Solvable, ...]:
        found: dict[str, Solvable] = {}
        for alternative in alternatives(dependency, self.kind):
            wanted = parse_dependency(alternative)
            for provide, solvable in self._index.get(wanted.name, []):
                if satisfies(provide, wanted, self.kind):
                    found[solvable.name] = solvable
            for name in self._fileprovides.get(wanted.name, ()):
                if (named := self._solvables.get(name)) is not None:
                    found[named.name] = named
        return tuple(found.values())


def alternatives(dependency: str, kind: BinaryType) -> list[str]:
    """The parts of a Debian ``a | b``; for rpm the text itself."""
    if kind == "deb" and "|" in dependency:
        return [part.strip() for part in dependency.split("|") if part.strip()]
    return [dependency]


def solvable_of(
    header: JsonObject,
    *,
    project: str = "",
    repository: str = "",
    producer: str = "",
    job_id: int = 0,
    identity: str = "",
    filename: str = "",
) -> Solvable | None:
    """The installable package a result file's header describes; None for other files."""
    name, version = str(header.get("name") or ""), str(header.get("version") or "")
    if not name or not version or header.get("arch") in ("src", "nosrc"):
        return None
    release, epoch = str(header.get("release") or ""), str(header.get("epoch") or "")
    evr = f"{version}-{release}" if release else version
    return Solvable(
        name=name,
        evr=f"{epoch}:{evr}" if epoch not in ("", "0", "None") else evr,
        arch=str(header.get("arch") or ""),
        provides=_texts(header, "provides"),
        requires=_texts(header, "requires"),
        conflicts=_texts(header, "conflicts"),
        obsoletes=_texts(header, "obsoletes"),
        recommends=_texts(header, "recommends"),
        supplements=_texts(header, "supplements"),
        project=project,
        repository=repository,
        producer=producer,
        job_id=job_id,
        identity=identity,
        filename=filename,
    )


def plain_dependency(text: str) -> str:
    """A Debian relation in the common form: ``a (>= 1) | b:any`` to ``a >= 1 | b``."""
    return _DEB_QUALIFIER.sub("", _DEB_CONDITION.sub(_common_operator, text)).strip()


def _common_operator(match: re.Match[str]) -> str:
    operator = {">>": ">", "<<": "<"}.get(match[1], match[1])
    return f"{operator} {match[2]}"


def _texts(header: JsonObject, key: str) -> tuple[str, ...]:
    words = header.get(key) or ()
    return tuple(
        plain_dependency(str(word)) if not str(word).startswith("(") else str(word)
        for word in words
    )
