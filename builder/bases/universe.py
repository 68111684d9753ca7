"""The packages of one base root and the distribution around it, as the resolver sees them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import solv

from ..recipes.dsc import debian_arch
from ..resolver import Solvable
from ..versions import Dependency, Evr, compare_deb, satisfies
from .guess import candidates, is_of_the_system, library_of
from .load import VERSIONED

_PRIORITIES = ("required", "important", "standard", "optional", "extra")


@dataclass(frozen=True, slots=True)
class Place:
    """Which repository path element a universe stands behind."""

    project: str
    repository: str
    arch: str


class Universe:
    """One distribution; its packages are opaque to the choice rules.

    Attributes:
        key: Name of its compact form; equal keys mean equal packages.
        place: The path element it answers for.
        base_id: Changes with every package version in the root.
    """

    def __init__(self, directory: Path, place: Place, base_id: str) -> None:
        """Load what ``load`` wrote."""
        self.key = directory.name
        self.place = place
        self.base_id = base_id
        self._installed: dict[str, str] = json.loads((directory / "facts.json").read_text())[
            "installed"
        ]
        self._pool: Any = solv.Pool()
        self._pool.setarch(place.arch)
        self._debian = debian_arch(place.arch)
        self._root, _ = (self._read(directory, name) for name in ("root", "lists"))
        self._pool.createwhatprovides()
        self._answers: dict[str, tuple[Solvable, ...]] = {}
        self._closures: dict[frozenset[str], str] = {}
        self._solvables: dict[int, Solvable] = {}

    def in_root(self, name: str) -> bool:
        """Whether the base root has a package already."""
        return name in self._installed

    def installed(self) -> list[Solvable]:
        """The packages of the base root, by name."""
        return [s for name in sorted(self._installed) for s in self.providers(name)[:1]]

    def providers(self, dependency: str) -> Sequence[Solvable]:
        """Packages that meet a dependency, the one to take first.

        The one with that name comes first, then those in the root, then by priority
        and name. Names of the RPM world are answered by naming policy.
        """
        found = self._answers.get(dependency)
        if found is None:
            found = self._answers[dependency] = self._look_up(dependency)
        return found

    def assumes(self, dependency: str) -> bool:
        """Requirements rpm generated from files are left to the installer of the root."""
        return is_of_the_system(dependency)

    def closure(self, names: Iterable[str], *, with_root: bool = False) -> list[Solvable]:
        """What has to be installed for some packages, by name.

        Args:
            names: Packages of this universe; unknown ones are left out.
            with_root: Also list what the root has already.

        Returns:
            At least the packages themselves: if they do not go together, the
            installer of the root says why.
        """
        rows = [row for name in names if (row := self._row(name)) is not None]
        self._pool.installed = None if with_root else self._root
        solver = self._pool.Solver()
        solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
        what = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE
        jobs = [self._pool.Job(what, row.id) for row in rows]
        found = rows
        if jobs and not solver.solve(jobs):
            found = [*solver.transaction().newsolvables(), *(rows if with_root else ())]
        unique = {row.name: self._solvable(row) for row in found}
        return [unique[name] for name in sorted(unique)]

    def fingerprint(self, names: Iterable[str]) -> str:
        """Changes when anything some packages pull in changes, in the root or not."""
        key = frozenset(names)
        if key not in self._closures:
            lines = (f"{s.identity}  {s.name}\n" for s in self.closure(sorted(key), with_root=True))
            digest = hashlib.md5("".join(lines).encode(), usedforsecurity=False)
            self._closures[key] = digest.hexdigest()
        return self._closures[key]

    def _read(self, directory: Path, name: str) -> Any:
        repository = self._pool.add_repo(name)
        stream = solv.xfopen(str(directory / f"{name}.solv"))
        repository.add_solv(stream)
        stream.close()
        return repository

    def _look_up(self, dependency: str) -> tuple[Solvable, ...]:
        found: dict[str, Solvable] = {}
        for alternative in dependency.split("|"):
            wanted = Dependency.parse(alternative)
            named = Dependency(library_of(wanted.name) or wanted.name, *_condition(wanted))
            rows = self._matching(named) or self._guessed(named)
            found.update((s.name, s) for s in self._ordered(named.name, rows))
        return tuple(found.values())

    def _matching(self, wanted: Dependency) -> list[Any]:
        number = self._pool.str2id(wanted.name, False)
        if not number:
            return []
        rows = self._pool.whatprovides(number)
        return [row for row in rows if self._provides(row, wanted)]

    def _provides(self, row: Any, wanted: Dependency) -> bool:
        if not wanted.operator:
            return True
        start = f"{wanted.name}{VERSIONED} = "
        offers = (str(offer) for offer in row.lookup_deparray(solv.SOLVABLE_PROVIDES))
        return any(
            satisfies(Dependency(wanted.name, "=", _text(o[len(start) :])), wanted, "deb")
            for o in offers
            if o.startswith(start)
        )

    def _guessed(self, wanted: Dependency) -> list[Any]:
        for name in candidates(wanted.name):
            row = self._row(name)
            if row is not None and _upstream_satisfies(_text(row.evr), wanted):
                return [row]
        return []

    def _ordered(self, name: str, rows: Sequence[Any]) -> list[Solvable]:
        """One per name, that of the root before a newer one of the lists."""
        best: dict[str, Any] = {}
        for row in rows:
            if row.name not in best or self._is_in_root(row):
                best[row.name] = row
        ordered = sorted(best.values(), key=lambda row: self._rank(name, row))
        return [self._solvable(row) for row in ordered]

    def _rank(self, name: str, row: Any) -> tuple[bool, bool, int, str]:
        priority = _PRIORITIES.index(row.vendor) if row.vendor in _PRIORITIES else 3
        return row.name != name, row.name not in self._installed, priority, row.name

    def _row(self, name: str) -> Any:
        number = self._pool.str2id(name, False)
        rows = [r for r in self._pool.whatprovides(number) if r.name == name] if number else []
        return next((r for r in rows if self._is_in_root(r)), rows[0] if rows else None)

    def _is_in_root(self, row: Any) -> bool:
        return bool(row.repo.name == "root")

    def _solvable(self, row: Any) -> Solvable:
        found = self._solvables.get(row.id)
        if found is None:
            checksum = row.lookup_str(solv.SOLVABLE_CHECKSUM)
            version = _text(row.evr)
            facts = f"{row.name}={version}/{row.arch}"
            digest = hashlib.md5((checksum or facts).encode(), usedforsecurity=False)
            found = self._solvables[row.id] = Solvable(
                name=row.name,
                evr=version,
                arch="all" if row.arch == "noarch" else self._debian,
                project=self.place.project,
                repository=self.place.repository,
                identity=digest.hexdigest(),
                filename=row.lookup_str(solv.SOLVABLE_MEDIAFILE) or "",
            )
        return found


def _text(evr: str) -> str:
    """The version behind the place that ``load`` put in front."""
    return evr.partition(":")[2]


def _condition(wanted: Dependency) -> tuple[str, str]:
    # Symbol versions are part of a library's name; conditions on them do not exist.
    return ("", "") if library_of(wanted.name) else (wanted.operator, wanted.version)


def _upstream_satisfies(evr: str, wanted: Dependency) -> bool:
    """Whether a package's upstream version meets a condition on what it should contain."""
    if not wanted.operator:
        return True
    order = compare_deb(Evr.parse(evr).version, Evr.parse(wanted.version).version)
    word = "<" if order < 0 else ">" if order > 0 else "="
    return word in wanted.operator
