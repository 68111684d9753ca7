"""Roles, from the grants of project and package metas."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, delete, func, or_, select

from ...model import Grant
from ..tables.people import grants, group_people, groups
from ..tables.sources import packages, projects
from ..transaction import Transaction
from .base import PAGE, Store

_GROUPS = (
    select(groups.c.name)
    .join(group_people, group_people.c.group_id == groups.c.id)
    .where(group_people.c.login == bindparam("login"))
)
_SELF_OR_GROUP = or_(
    and_(grants.c.subject == "person", grants.c.name == bindparam("login")),
    and_(grants.c.subject == "group", grants.c.name.in_(_GROUPS)),
)
_LIVING = projects.c.deleted_at.is_(None)
_PACKAGE = (
    select(packages.c.id)
    .join(projects, projects.c.id == packages.c.project_id)
    .where(
        projects.c.name == bindparam("project"),
        _LIVING,
        packages.c.name == bindparam("package"),
        packages.c.deleted_at.is_(None),
    )
    .scalar_subquery()
)
_IN_SCOPE = (
    select(grants.c.role)
    .distinct()
    .join(projects, projects.c.id == grants.c.project_id)
    .where(projects.c.name.in_(bindparam("names", expanding=True)), _LIVING, _SELF_OR_GROUP)
)
_ON_PROJECT = _IN_SCOPE.where(grants.c.package_id == 0)
_ON_PACKAGE = _IN_SCOPE.where(grants.c.package_id.in_((0, func.coalesce(_PACKAGE, 0))))
_PROJECTS_WHERE = (
    select(projects.c.name)
    .distinct()
    .join(grants, grants.c.project_id == projects.c.id)
    .where(_LIVING, grants.c.package_id == 0, grants.c.role == bindparam("role"), _SELF_OR_GROUP)
    .order_by(projects.c.name)
)
_PACKAGES_WHERE = (
    select(projects.c.name, packages.c.name)
    .distinct()
    .select_from(grants)
    .join(packages, packages.c.id == grants.c.package_id)
    .join(projects, projects.c.id == packages.c.project_id)
    .where(
        _LIVING,
        packages.c.deleted_at.is_(None),
        grants.c.role == bindparam("role"),
        _SELF_OR_GROUP,
    )
    .order_by(projects.c.name, packages.c.name)
)
_GRANTS_FOR = (
    select(projects.c.name, packages.c.name, grants.c.role)
    .distinct()
    .select_from(grants)
    .join(projects, projects.c.id == grants.c.project_id)
    .outerjoin(packages, packages.c.id == grants.c.package_id)
    .where(
        projects.c.name.in_(bindparam("names", expanding=True)),
        _LIVING,
        packages.c.deleted_at.is_(None),
        or_(
            and_(grants.c.subject == "person", grants.c.name == bindparam("login")),
            and_(
                grants.c.subject == "group",
                grants.c.name.in_(bindparam("groups", expanding=True)),
            ),
        ),
    )
)


class Roles(Store):
    """Who may do what, as the metas say."""

    def roles_of(self, login: str, project: str, package: str | None = None) -> set[str]:
        """Roles held on a package, its project or a parent project, directly or by a group.

        Args:
            login: The person.
            project: Need not exist; its living parents count all the same.
            package: Also count this package's own grants.
        """
        parts = project.split(":")
        names = [":".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if package is None:
            return set(self._tx.values(_ON_PROJECT, login=login, names=names))
        return set(
            self._tx.values(_ON_PACKAGE, login=login, names=names, project=project, package=package)
        )

    def projects_where(self, login: str, role: str, limit: int | None = None) -> list[str]:
        """Names of living projects on which the person (or a group of theirs) holds a role."""
        return self._tx.values(_PROJECTS_WHERE.limit(limit), login=login, role=role)

    def packages_where(self, login: str, role: str, limit: int = PAGE) -> list[tuple[str, str]]:
        """(project, package) pairs on which the person holds a role by a package meta."""
        rows = self._tx.all(_PACKAGES_WHERE.limit(limit), login=login, role=role)
        return [(row[0], row[1]) for row in rows]

    def grants_for(
        self, login: str, groups: Sequence[str], projects: Sequence[str]
    ) -> list[tuple[str, str | None, str]]:
        """(project, package or None, role) for a person and groups in these projects."""
        rows = self._tx.all(_GRANTS_FOR, login=login, groups=list(groups), names=list(projects))
        return [(row[0], row[1], row[2]) for row in rows]


def write_grants(
    transaction: Transaction, project_id: int, package_id: int, lines: Sequence[Grant]
) -> None:
    """Replace the indexed grants of one meta; ``package_id`` 0 is the project's own."""
    transaction.write(
        delete(grants).where(grants.c.project_id == project_id, grants.c.package_id == package_id)
    )
    rows = [
        {
            "project_id": project_id,
            "package_id": package_id,
            "position": position,
            "subject": line.subject,
            "name": line.name,
            "role": line.role,
        }
        for position, line in enumerate(lines)
    ]
    if rows:
        transaction.write(grants.insert(), rows)
