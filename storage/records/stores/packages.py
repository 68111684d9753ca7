"""Packages, the index over the house's repositories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update

from ...errors import AlreadyExists, UnknownPackage
from ...model import JsonObject, Package, PackageMeta
from ...names import PROJECT_CONTAINER
from ..codec import dumps
from ..shape import Shape
from ..tables.sources import packages, projects
from .base import PAGE, Store, is_id
from .roles import write_grants

_SHAPE = Shape(Package, packages, project=projects.c.name)
_ALL = select(*_SHAPE.columns).join(projects, projects.c.id == packages.c.project_id)
_LIVING = packages.c.deleted_at.is_(None)
_LISTED = packages.c.name != str(PROJECT_CONTAINER)
_OF_PROJECT = packages.c.project_id == bindparam("project_id")
_BY_ID = _ALL.where(packages.c.id == bindparam("id"))
_BY_CONTAINER = _ALL.where(packages.c.container == bindparam("container"))
_BY_NAME = _ALL.where(
    projects.c.name == bindparam("project"),
    projects.c.deleted_at.is_(None),
    packages.c.name == bindparam("name"),
    _LIVING,
)
_WITHIN = _ALL.where(_OF_PROJECT, packages.c.name == bindparam("name"), _LIVING)
_NAMES = select(packages.c.name).where(_OF_PROJECT, _LISTED, _LIVING).order_by(packages.c.name)
_PAGE = _ALL.where(_OF_PROJECT, _LISTED, _LIVING)
_COUNT = select(func.count()).select_from(packages).where(_OF_PROJECT, _LISTED, _LIVING)
_DELETED = (
    _ALL.where(
        _OF_PROJECT, packages.c.name == bindparam("name"), packages.c.deleted_at.is_not(None)
    )
    .order_by(packages.c.deleted_at.desc(), packages.c.id.desc())
    .limit(1)
)
_DEVELOPED = (
    select(projects.c.name, packages.c.name)
    .join(projects, projects.c.id == packages.c.project_id)
    .where(
        packages.c.devel_project == bindparam("project"),
        _LIVING,
        projects.c.deleted_at.is_(None),
    )
    .order_by(projects.c.name, packages.c.name)
)
_DEVEL = _DEVELOPED.where(packages.c.devel_package == bindparam("package"))
_SET = update(packages).where(packages.c.id == bindparam("key"))


class Packages(Store):
    """The packages of the house; ``_project`` containers are rows too, never listed."""

    def create(
        self,
        project_id: int,
        name: str,
        container: str,
        meta: PackageMeta,
        created_at: int,
        base: str | None = None,
        copr: JsonObject | None = None,
    ) -> Package:
        """Add a package.

        Args:
            project_id: Its project.
            name: Free name; a deleted package's name is free.
            container: Opaque id of its repository.
            meta: What its ``_meta`` says.
            created_at: Unix seconds.
            base: Commit after which revisions count.
            copr: Default source and options of the Copr dialect.

        Raises:
            AlreadyExists: The name (or container) is taken.
        """
        values = {
            "project_id": project_id,
            "name": name,
            "container": container,
            "created_at": created_at,
            "base": base,
            "copr": dumps(copr or {}),
            **_indexed(meta),
        }
        found = self._tx.insert_new(packages, values, packages.c.id)
        if found is None:
            raise AlreadyExists(f"package '{name}' already exists", package=str(name))
        write_grants(self._tx, project_id, found, meta.grants)
        return self.by_id(found)

    def get(self, project: str, name: str) -> Package:
        """The living package of that name in a living project.

        Raises:
            UnknownPackage: There is none.
        """
        package = self.find(project, name)
        if package is None:
            raise UnknownPackage(
                f"unknown package '{name}' in project '{project}'",
                project=str(project),
                package=str(name),
            )
        return package

    def find(self, project: str, name: str) -> Package | None:
        """The living package of that name in a living project, or None."""
        row = self._tx.first(_BY_NAME, project=project, name=name)
        return None if row is None else _SHAPE.load(row)

    def by_id(self, package_id: int) -> Package:
        """A package, living or deleted.

        Raises:
            UnknownPackage: No such id.
        """
        row = self._tx.first(_BY_ID, id=package_id) if is_id(package_id) else None
        if row is None:
            raise UnknownPackage(f"unknown package number {package_id}")
        return _SHAPE.load(row)

    def by_container(self, container: str) -> Package | None:
        """The package, living or deleted, whose repository has that opaque id."""
        row = self._tx.first(_BY_CONTAINER, container=container)
        return None if row is None else _SHAPE.load(row)

    def list(
        self, project_id: int, after: str | None = None, limit: int | None = None
    ) -> list[str]:
        """Names of living packages in byte order.

        Args:
            project_id: Whose packages.
            after: Only names behind this one; for paging.
            limit: At most so many; None is everything.
        """
        statement = _NAMES.limit(limit)
        if after is not None:
            statement = statement.where(packages.c.name > after)
        return self._tx.values(statement, project_id=project_id)

    def page(
        self,
        project_id: int,
        offset: int = 0,
        limit: int = PAGE,
        newest_first: bool = False,
        *,
        by_name: bool = False,
    ) -> Sequence[Package]:
        """Living packages in order of creation or, if wanted, of name; or the other way round."""
        column = packages.c.name if by_name else packages.c.id
        order = column.desc() if newest_first else column
        statement = _PAGE.order_by(order).offset(offset).limit(limit)
        return _SHAPE.load_all(self._tx.all(statement, project_id=project_id))

    def count(self, project_id: int) -> int:
        """How many living packages the project lists."""
        return int(self._tx.value(_COUNT, project_id=project_id))

    def deleted_names(
        self, project_id: int, after: str | None = None, limit: int | None = None
    ) -> Sequence[str]:
        """Names that deleted packages had and no living one has, in byte order."""
        living = packages.alias()
        taken = select(living.c.id).where(
            living.c.project_id == packages.c.project_id,
            living.c.name == packages.c.name,
            living.c.deleted_at.is_(None),
        )
        statement = (
            select(packages.c.name)
            .distinct()
            .where(_OF_PROJECT, _LISTED, packages.c.deleted_at.is_not(None), ~taken.exists())
            .order_by(packages.c.name)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(packages.c.name > after)
        return self._tx.values(statement, project_id=project_id)

    def deleted(self, project_id: int, name: str) -> Package:
        """The package of that name deleted last.

        Raises:
            UnknownPackage: None of that name was deleted.
        """
        row = self._tx.first(_DELETED, project_id=project_id, name=name)
        if row is None:
            raise UnknownPackage(f"package '{name}' was not deleted", package=str(name))
        return _SHAPE.load(row)

    def within(self, project_id: int, name: str) -> Package | None:
        """The living package of that name in a project that may itself be deleted."""
        row = self._tx.first(_WITHIN, project_id=project_id, name=name)
        return None if row is None else _SHAPE.load(row)

    def update_meta(self, package_id: int, meta: PackageMeta) -> None:
        """Replace the meta and what is indexed of it (roles, devel package)."""
        self._set(package_id, **_indexed(meta))
        write_grants(self._tx, self.by_id(package_id).project_id, package_id, meta.grants)

    def update_copr(self, package_id: int, copr: JsonObject) -> None:
        """Replace the Copr settings."""
        self._set(package_id, copr=dumps(copr))

    def mark_deleted(self, package_id: int, at: int) -> None:
        """Free the name; revisions and jobs stay."""
        self._set(package_id, deleted_at=at)

    def restore(self, package_id: int, meta: PackageMeta | None = None) -> Package:
        """Bring a deleted package back under its name, with another meta if given.

        Raises:
            AlreadyExists: The name was taken again.
        """
        package = self.by_id(package_id)
        if package.deleted_at is not None:
            if self.within(package.project_id, package.name) is not None:
                raise AlreadyExists(f"package '{package.name}' already exists")
            self._set(package_id, deleted_at=None)
        if meta is not None:
            self.update_meta(package_id, meta)
        return self.by_id(package_id)

    def set_base(self, package_id: int, commit: str | None) -> None:
        """Say after which commit revisions count."""
        self._set(package_id, base=commit)

    def named(self, name: str, limit: int = PAGE) -> Sequence[Package]:
        """Living packages of that name in any living project, by project name."""
        named = _ALL.where(
            packages.c.name == name, _LISTED, _LIVING, projects.c.deleted_at.is_(None)
        )
        return _SHAPE.load_all(self._tx.all(named.order_by(projects.c.name).limit(limit)))

    def devel_of(self, project: str, package: str) -> Sequence[tuple[str, str]]:
        """(project, package) pairs whose meta names this one as devel package."""
        rows = self._tx.all(_DEVEL, project=project, package=package)
        return [(row[0], row[1]) for row in rows]

    def developed_in(self, project: str) -> Sequence[tuple[str, str]]:
        """(project, package) pairs whose meta names a devel package in this project."""
        return [(row[0], row[1]) for row in self._tx.all(_DEVELOPED, project=project)]

    def _set(self, package_id: int, **values: Any) -> None:
        if not self._tx.write(_SET.values(**values), {"key": package_id}).rowcount:
            raise UnknownPackage(f"unknown package number {package_id}")


def _indexed(meta: PackageMeta) -> dict[str, Any]:
    project, package = meta.devel or (None, None)
    return {"meta": dumps(meta), "devel_project": project, "devel_package": package}
