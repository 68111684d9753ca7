"""Targets: what the planner last decided for a package in a repository and arch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from ...model import JobState, Target
from ..shape import Shape
from ..tables.building import targets
from ..tables.sources import packages
from ..transaction import chunks
from .base import Store

_SHAPE = Shape(Target, targets, package=packages.c.name)
_ALL = select(*_SHAPE.columns).join(packages, packages.c.id == targets.c.package_id)
_ONE = _ALL.where(
    targets.c.package_id == bindparam("package_id"),
    targets.c.repository == bindparam("repository"),
    targets.c.arch == bindparam("arch"),
)
_OF_PACKAGE = _ALL.where(targets.c.package_id == bindparam("package_id")).order_by(
    targets.c.repository, targets.c.arch
)
_OF_PROJECT = _ALL.where(
    targets.c.project_id == bindparam("project_id"), packages.c.deleted_at.is_(None)
).order_by(targets.c.repository, targets.c.arch, packages.c.name)
_PLACE = (
    targets.c.project_id == bindparam("project_id"),
    targets.c.repository == bindparam("repository"),
    targets.c.arch == bindparam("arch"),
    packages.c.deleted_at.is_(None),
)
_BRIEF = (
    select(
        packages.c.name,
        targets.c.package_id,
        targets.c.code,
        targets.c.job_id,
        targets.c.good_job_id,
    )
    .join(packages, packages.c.id == targets.c.package_id)
    .where(*_PLACE)
)
_INPUTS = (
    select(packages.c.name, targets.c.record)
    .join(packages, packages.c.id == targets.c.package_id)
    .where(*_PLACE)
)
_KEY = ["package_id", "repository", "arch"]


@dataclass(frozen=True, slots=True)
class BriefTarget:
    """A target without its texts; see ``Target``."""

    package: str
    package_id: int
    code: JobState
    job_id: int | None
    good_job_id: int | None


class Targets(Store):
    """One row per package, repository and arch that was ever decided on."""

    def get(self, package_id: int, repository: str, arch: str) -> Target | None:
        """The target, or None when nothing was decided yet."""
        row = self._tx.first(_ONE, package_id=package_id, repository=repository, arch=arch)
        return None if row is None else _SHAPE.load(row)

    def put(self, target: Target) -> None:
        """Keep a decision in place of the earlier one."""
        self.put_all([target])

    def put_all(self, decided: Sequence[Target]) -> None:
        """``put`` for many."""
        if not decided:
            return
        insert = self._tx.insert(targets)
        # Always in the same order: two writers on PostgreSQL must not wait for each other.
        ordered = sorted(decided, key=lambda t: (t.package_id, t.repository, t.arch))
        rows = [_SHAPE.dump_whole(target) for target in ordered]
        changed = {name: insert.excluded[name] for name in rows[0] if name not in _KEY}
        self._tx.write(insert.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)

    def of_project(
        self,
        project_id: int,
        repository: str | None = None,
        arch: str | None = None,
        packages: Sequence[str] | None = None,
    ) -> list[Target]:
        """Targets of living packages, by repository, arch and package name.

        Args:
            project_id: Whose targets.
            repository: Only of this repository.
            arch: Only of this arch.
            packages: Only of packages with these names.
        """
        statement = _OF_PROJECT
        if repository is not None:
            statement = statement.where(targets.c.repository == repository)
        if arch is not None:
            statement = statement.where(targets.c.arch == arch)
        if packages is None:
            return _SHAPE.load_all(self._tx.all(statement, project_id=project_id))
        found: list[Target] = []
        for part in chunks(sorted(set(packages))):
            named = statement.where(_PACKAGE_NAME.in_(list(part)))
            found += _SHAPE.load_all(self._tx.all(named, project_id=project_id))
        return sorted(found, key=lambda target: (target.repository, target.arch))

    def brief(self, project_id: int, repository: str, arch: str) -> list[BriefTarget]:
        """Every target there in few bytes: for looking at thousands at once."""
        rows = self._tx.all(_BRIEF, project_id=project_id, repository=repository, arch=arch)
        return [BriefTarget(r[0], r[1], JobState(r[2]), r[3], r[4]) for r in rows]

    def records(self, project_id: int, repository: str, arch: str) -> dict[str, str]:
        """Input records by package name."""
        rows = self._tx.all(_INPUTS, project_id=project_id, repository=repository, arch=arch)
        return {row[0]: row[1] for row in rows}

    def of_package(self, package_id: int) -> list[Target]:
        """Targets of one package, living or deleted, by repository and arch."""
        return _SHAPE.load_all(self._tx.all(_OF_PACKAGE, package_id=package_id))

    def delete(
        self, package_id: int, repository: str | None = None, arch: str | None = None
    ) -> None:
        """Forget decisions of a package."""
        statement = delete(targets).where(targets.c.package_id == package_id)
        if repository is not None:
            statement = statement.where(targets.c.repository == repository)
        if arch is not None:
            statement = statement.where(targets.c.arch == arch)
        self._tx.write(statement)


_PACKAGE_NAME = packages.c.name
