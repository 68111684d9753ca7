"""Projects, and who reaches whom through their repositories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from ...errors import AlreadyExists, UnknownProject
from ...flags import project_flag
from ...model import JsonObject, Project, ProjectMeta
from ..codec import dumps
from ..shape import Shape
from ..tables.sources import projects, repository_paths
from .base import PAGE, Store, is_id, starts_with
from .roles import write_grants

_SHAPE = Shape(Project, projects)
_LIVING = projects.c.deleted_at.is_(None)
_BY_ID = select(*_SHAPE.columns).where(projects.c.id == bindparam("id"))
_BY_NAME = select(*_SHAPE.columns).where(projects.c.name == bindparam("name"), _LIVING)
_DELETED = (
    select(*_SHAPE.columns)
    .where(projects.c.name == bindparam("name"), projects.c.deleted_at.is_not(None))
    .order_by(projects.c.deleted_at.desc(), projects.c.id.desc())
    .limit(1)
)
_SET = update(projects).where(projects.c.id == bindparam("key"))
_PATHS = (
    select(projects.c.name, repository_paths.c.repository)
    .join(projects, projects.c.id == repository_paths.c.project_id)
    .where(repository_paths.c.target_project == bindparam("target"), _LIVING)
    .distinct()
    .order_by(projects.c.name, repository_paths.c.repository)
)
_BUILD_PATHS = repository_paths.c.kind.in_(("path", "hostsystem"))
_TO_PROJECT = _PATHS.where(_BUILD_PATHS)
_TARGET_REPOSITORY = repository_paths.c.target_repository == bindparam("target_repository")
_TO_REPOSITORY = _TO_PROJECT.where(_TARGET_REPOSITORY)
_REFERENCING = (
    select(projects.c.name)
    .join(repository_paths, repository_paths.c.project_id == projects.c.id)
    .where(
        repository_paths.c.target_project == bindparam("target"),
        projects.c.name != bindparam("target"),
        _BUILD_PATHS,
        _LIVING,
    )
    .distinct()
    .order_by(projects.c.name)
)
_LINKS = _PATHS.where(repository_paths.c.kind == "link")
_NOWHERE = "/"
"""Target of ``hidden`` rows: no project has this name, and the index finds it."""
_HIDDEN = _PATHS.where(repository_paths.c.kind == "hidden")


class Projects(Store):
    """The projects of the house."""

    def create(
        self,
        name: str,
        container: str,
        meta: ProjectMeta,
        created_at: int,
        copr: JsonObject | None = None,
    ) -> Project:
        """Add a project.

        Args:
            name: Free name; a deleted project's name is free.
            container: Opaque id of the ``_project`` repository.
            meta: What its ``_meta`` says.
            created_at: Unix seconds.
            copr: Settings only the Copr dialect has.

        Raises:
            AlreadyExists: The name (or container) is taken.
        """
        project = Project(0, name, container, meta, created_at, None, copr or {})
        values = _SHAPE.dump_whole(project, without=["id"])
        found = self._tx.insert_new(projects, values, projects.c.id)
        if found is None:
            raise AlreadyExists(f"project '{name}' already exists", project=str(name))
        self._index(found, meta)
        return self.by_id(found)

    def get(self, name: str) -> Project:
        """The living project of that name.

        Raises:
            UnknownProject: There is none.
        """
        project = self.find(name)
        if project is None:
            raise UnknownProject(f"unknown project '{name}'", project=str(name))
        return project

    def find(self, name: str) -> Project | None:
        """The living project of that name, or None."""
        row = self._tx.first(_BY_NAME, name=name)
        return None if row is None else _SHAPE.load(row)

    def by_id(self, project_id: int) -> Project:
        """A project, living or deleted.

        Raises:
            UnknownProject: No such id.
        """
        row = self._tx.first(_BY_ID, id=project_id) if is_id(project_id) else None
        if row is None:
            raise UnknownProject(f"unknown project number {project_id}")
        return _SHAPE.load(row)

    def list(
        self, prefix: str | None = None, after: str | None = None, limit: int | None = None
    ) -> list[str]:
        """Names of living projects in byte order.

        Args:
            prefix: Only names that start with it.
            after: Only names behind this one; for paging.
            limit: At most so many; None is everything.
        """
        statement = select(projects.c.name).where(_LIVING).order_by(projects.c.name).limit(limit)
        if prefix:
            statement = statement.where(starts_with(projects.c.name, prefix))
        if after is not None:
            statement = statement.where(projects.c.name > after)
        return self._tx.values(statement)

    def of_owner(
        self, prefixes: Sequence[str], after_id: int = 0, limit: int = PAGE
    ) -> Sequence[Project]:
        """Living projects whose name starts with one of ``prefixes``, in order of id.

        Args:
            prefixes: For example ``home:anna:``; none gives every project.
            after_id: Only ids above it; for paging.
            limit: At most so many.
        """
        statement = (
            select(*_SHAPE.columns)
            .where(_LIVING, projects.c.id > after_id)
            .order_by(projects.c.id)
            .limit(limit)
        )
        if prefixes:
            statement = statement.where(or_(*(starts_with(projects.c.name, p) for p in prefixes)))
        return _SHAPE.load_all(self._tx.all(statement))

    def update_meta(self, project_id: int, meta: ProjectMeta) -> None:
        """Replace the meta and what is indexed of it (roles, repositories, paths)."""
        self._set(project_id, meta=dumps(meta))
        self._index(project_id, meta)

    def update_copr(self, project_id: int, copr: JsonObject) -> None:
        """Replace the Copr settings."""
        self._set(project_id, copr=dumps(copr))

    def mark_deleted(self, project_id: int, at: int) -> None:
        """Free the name; packages, roles and history stay and are hidden with it."""
        self._set(project_id, deleted_at=at)

    def deleted(self, name: str) -> Project:
        """The project of that name deleted last.

        Raises:
            UnknownProject: None of that name was deleted.
        """
        row = self._tx.first(_DELETED, name=name)
        if row is None:
            raise UnknownProject(f"project '{name}' was not deleted", project=str(name))
        return _SHAPE.load(row)

    def all_deleted(self, after: str | None = None, limit: int | None = None) -> Sequence[str]:
        """Names that deleted projects had and no living one has, in byte order."""
        living = projects.alias()
        statement = (
            select(projects.c.name)
            .distinct()
            .where(
                projects.c.deleted_at.is_not(None),
                ~select(living.c.id)
                .where(living.c.name == projects.c.name, living.c.deleted_at.is_(None))
                .exists(),
            )
            .order_by(projects.c.name)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(projects.c.name > after)
        return self._tx.values(statement)

    def restore(self, project_id: int) -> Project:
        """Bring a deleted project back under its name.

        Raises:
            AlreadyExists: The name was taken again.
        """
        project = self.by_id(project_id)
        if project.deleted_at is not None:
            if self.find(project.name) is not None:
                raise AlreadyExists(f"project '{project.name}' already exists")
            self._set(project_id, deleted_at=None)
        return self.by_id(project_id)

    def referencing(
        self, project: str, repository: str | None = None, limit: int | None = None
    ) -> Sequence[str]:
        """Names of other living projects that build against this one, sorted.

        Args:
            project: The project reached through ``path`` or ``hostsystem``.
            repository: Only paths to this repository of it.
            limit: At most so many; 1 answers whether there is one.
        """
        statement = _REFERENCING.limit(limit)
        if repository is None:
            return self._tx.values(statement, target=project)
        statement = statement.where(_TARGET_REPOSITORY)
        return self._tx.values(statement, target=project, target_repository=repository)

    def paths_to(self, project: str, repository: str | None = None) -> Sequence[tuple[str, str]]:
        """(project, repository) pairs that have a path to this project's repositories.

        The project's own repositories count here.
        """
        if repository is None:
            rows = self._tx.all(_TO_PROJECT, target=project)
        else:
            rows = self._tx.all(_TO_REPOSITORY, target=project, target_repository=repository)
        return [(row[0], row[1]) for row in rows]

    def linking(self, project: str) -> Sequence[str]:
        """Names of living projects whose meta has a ``link`` to this one, sorted."""
        return [row[0] for row in self._tx.all(_LINKS, target=project)]

    def hidden(self) -> set[str]:
        """Names of living projects whose ``access`` flag is off."""
        return {row[0] for row in self._tx.all(_HIDDEN, target=_NOWHERE)}

    def _set(self, project_id: int, **values: Any) -> None:
        if not self._tx.write(_SET.values(**values), {"key": project_id}).rowcount:
            raise UnknownProject(f"unknown project number {project_id}")

    def _index(self, project_id: int, meta: ProjectMeta) -> None:
        write_grants(self._tx, project_id, 0, meta.grants)
        of_project = repository_paths.c.project_id == project_id
        self._tx.write(delete(repository_paths).where(of_project))
        rows = [
            {
                "project_id": project_id,
                "position": position,
                "kind": kind,
                "repository": repository,
                "target_project": target_project,
                "target_repository": target_repository,
            }
            for position, (kind, repository, target_project, target_repository) in enumerate(
                _paths(meta)
            )
        ]
        if rows:
            self._tx.write(repository_paths.insert(), rows)


def _paths(meta: ProjectMeta) -> Iterator[tuple[str, str, str, str]]:
    if not project_flag(meta, "access"):
        yield "hidden", "", _NOWHERE, ""
    for link in meta.links:
        yield "link", "", link.project, ""
    for repository in meta.repositories:
        yield "repository", repository.name, "", ""
        for kind, entries in (
            ("path", repository.paths),
            ("hostsystem", repository.hostsystems),
            ("releasetarget", repository.releasetargets),
        ):
            for entry in entries:
                yield kind, repository.name, entry.project, entry.repository
