"""Publications: the state of repositories as published."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from ...model import Publication
from ..shape import Shape
from ..tables.building import publications
from ..tables.sources import projects
from .base import PAGE, Store

_SHAPE = Shape(Publication, publications, project=projects.c.name)
_ALL = select(*_SHAPE.columns).join(projects, projects.c.id == publications.c.project_id)
_ONE = _ALL.where(
    publications.c.project_id == bindparam("project_id"),
    publications.c.repository == bindparam("repository"),
    publications.c.arch == bindparam("arch"),
)
_OF_PROJECT = _ALL.where(publications.c.project_id == bindparam("project_id")).order_by(
    publications.c.repository, publications.c.arch
)
_DIRTY = (
    _ALL.where(publications.c.dirty)
    .order_by(publications.c.updated_at, publications.c.project_id)
    .limit(bindparam("limit"))
)
_IN_STATE = _ALL.where(
    publications.c.state == bindparam("state"), publications.c.arch == bindparam("arch")
).limit(bindparam("limit"))
_KEY = ["project_id", "repository", "arch"]


class Publications(Store):
    """One row per repository and arch; arch is empty for the whole repository."""

    def get(self, project_id: int, repository: str, arch: str = "") -> Publication | None:
        """The publication, or None when there never was one."""
        row = self._tx.first(_ONE, project_id=project_id, repository=repository, arch=arch)
        return None if row is None else _SHAPE.load(row)

    def put(self, publication: Publication) -> None:
        """Keep a state in place of the earlier one."""
        insert = self._tx.insert(publications)
        values = _SHAPE.dump_whole(publication)
        changed = {name: insert.excluded[name] for name in values if name not in _KEY}
        self._tx.write(insert.on_conflict_do_update(index_elements=_KEY, set_=changed), values)

    def of_project(self, project_id: int) -> list[Publication]:
        """Every publication of a project, by repository and arch."""
        return _SHAPE.load_all(self._tx.all(_OF_PROJECT, project_id=project_id))

    def dirty(self, limit: int = PAGE) -> list[Publication]:
        """Publications that wait for the publisher, longest waiting first."""
        return _SHAPE.load_all(self._tx.all(_DIRTY, limit=limit))

    def in_state(self, state: str, arch: str = "", limit: int = PAGE) -> list[Publication]:
        """Publications of one arch (empty: of whole repositories) in that state."""
        return _SHAPE.load_all(self._tx.all(_IN_STATE, state=state, arch=arch, limit=limit))

    def delete(self, project_id: int, repository: str, arch: str | None = None) -> None:
        """Forget a repository's publications, or that of one arch."""
        statement = publications.delete().where(
            publications.c.project_id == project_id, publications.c.repository == repository
        )
        if arch is not None:
            statement = statement.where(publications.c.arch == arch)
        self._tx.write(statement)
