"""What the scheduler remembers of each repository: results offered, who uses what.

SQL is the truth. A repository is refreshed before every check by comparing one short
row per package; only results that changed are read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from storage.flags import package_flag
from storage.model import Binary, JobState, Package, Project
from storage.records import Unit
from storage.records.stores.targets import BriefTarget

from ..resolver import Shelf, Solvable, solvable_of
from .memory import Memory
from .record import input_names
from .scopes import Scope
from .uses import UseIndex

_PAGE = 1000
_KEPT_RESULTS = 50_000
_KEPT_RECORDS = 5_000
_DEBUG = re.compile(r"-debug(?:info|source)(?:-|_|$)")
KINDS = ("rpm", "deb")


class RepositoryState:
    """One repository and architecture."""

    def __init__(self, scope: Scope) -> None:
        """Know nothing yet."""
        self.scope = scope
        self.targets: dict[str, BriefTarget] = {}
        self.shelves: dict[str, Shelf] = {kind: Shelf() for kind in KINDS}
        self.uses = UseIndex()
        self.inputs: dict[str, tuple[str, ...]] = {}
        self._offered: dict[str, int] = {}
        self._loaded = False

    def is_busy(self, package: str) -> bool:
        """Whether a package's binaries are about to change."""
        target = self.targets.get(package)
        return target is not None and target.code in (JobState.SCHEDULED, JobState.BLOCKED)

    def binaries(self, package: str) -> list[str]:
        """Names of what a package made last."""
        return sorted({n for shelf in self.shelves.values() for n in shelf.made_by(package)})

    def producer(self, name: str) -> str | None:
        """The package whose result a binary is, None if it is not of this repository."""
        for shelf in self.shelves.values():
            if (solvable := shelf.get(name)) is not None:
                return solvable.producer
        return None

    def producers(self, package: str) -> set[str]:
        """Packages of this repository whose binaries a package builds with."""
        found = (self.producer(name) for name in self.inputs.get(package, ()))
        return {name for name in found if name is not None}


class Repositories:
    """All repositories the scheduler has looked at."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._states: dict[Scope, RepositoryState] = {}
        self._packages: dict[int, dict[str, Package]] = {}
        self._results: Memory[int, tuple[Solvable, ...]] = Memory(_KEPT_RESULTS)
        self._records: Memory[int, tuple[str, str]] = Memory(_KEPT_RECORDS)

    def forget_packages(self, project_id: int) -> None:
        """Read a project's packages anew: metas changed."""
        self._packages.pop(project_id, None)

    def forget_project(self, project_id: int) -> None:
        """Forget everything of a project."""
        self.forget_packages(project_id)
        for scope in [scope for scope in self._states if scope.project_id == project_id]:
            del self._states[scope]

    def packages(self, unit: Unit, project_id: int) -> Mapping[str, Package]:
        """A project's packages by name."""
        known = self._packages.get(project_id)
        if known is None:
            known = self._packages[project_id] = {}
            while page := unit.packages.page(project_id, len(known), _PAGE, False):
                known.update((package.name, package) for package in page)
        return known

    def state(
        self, unit: Unit, project: Project, scope: Scope, *, hidden: Iterable[str] = ()
    ) -> tuple[RepositoryState, set[str]]:
        """A repository as it is now, and the capabilities that changed since the last look.

        Args:
            unit: An open unit.
            project: The project of the scope.
            scope: Which repository.
            hidden: Packages whose binaries are not offered (``nouseforbuild``).
        """
        known = self._states.get(scope)
        if known is None:
            known = self._states[scope] = RepositoryState(scope)
        touched = self._refresh(unit, project, known, frozenset(hidden))
        if not known._loaded:
            self._load_uses(unit, known)
            return known, set()
        return known, touched

    def maker(self, unit: Unit, job_id: int) -> tuple[str, str]:
        """Source id and record of a finished job."""

        def read() -> tuple[str, str]:
            job = unit.jobs.get(job_id)
            return job.srcmd5, job.record

        return self._records.get(job_id, read)

    def _refresh(
        self, unit: Unit, project: Project, known: RepositoryState, hidden: frozenset[str]
    ) -> set[str]:
        scope = known.scope
        rows = unit.targets.brief(scope.project_id, scope.repository, scope.arch)
        known.targets = {row.package: row for row in rows}
        packages = self.packages(unit, scope.project_id)
        offered = {
            row.package: row.good_job_id
            for row in rows
            if row.good_job_id is not None
            and row.package not in hidden
            and _is_offered(project, packages.get(row.package), scope)
        }
        touched: set[str] = set()
        for package in known._offered.keys() | offered.keys():
            job_id = offered.get(package)
            if known._offered.get(package) == job_id:
                continue
            solvables = self._solvables(unit, scope, package, job_id) if job_id else ()
            for kind, shelf in known.shelves.items():
                mine = [s for s in solvables if s.filename.endswith(kind)]
                touched |= shelf.replace(package, mine)
        known._offered = offered
        return touched

    def _solvables(
        self, unit: Unit, scope: Scope, package: str, job_id: int
    ) -> tuple[Solvable, ...]:
        def read() -> tuple[Solvable, ...]:
            found = (_solvable(scope, package, row) for row in unit.binaries.of_job(job_id))
            return tuple(solvable for solvable in found if solvable is not None)

        return self._results.get(job_id, read)

    def _load_uses(self, unit: Unit, known: RepositoryState) -> None:
        """After a start: who uses what, as the records of the last builds say."""
        scope = known.scope
        for package, record in unit.targets.records(
            scope.project_id, scope.repository, scope.arch
        ).items():
            names = tuple(input_names(record))
            known.inputs[package] = names
            known.uses.put(package, names)
        known._loaded = True


def _is_offered(project: Project, package: Package | None, scope: Scope) -> bool:
    meta = package.meta if package else None
    return package_flag(project.meta, meta, "useforbuild", scope.repository, scope.arch)


def _solvable(scope: Scope, package: str, row: Binary) -> Solvable | None:
    # Debug packages are for people, not for building (the built-in export filter).
    if _DEBUG.search(str(row.header.get("name") or "")):
        return None
    return solvable_of(
        row.header,
        project=scope.project,
        repository=scope.repository,
        producer=package,
        job_id=row.job_id,
        identity=str(row.header.get("hdrmd5") or row.md5),
        filename=row.filename,
    )
