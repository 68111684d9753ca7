"""Whether a new meta only names things that exist, and leaves others what they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from storage.errors import (
    InvalidContent,
    NotAllowed,
    StillUsed,
    UnknownGroup,
    UnknownPackage,
    UnknownProject,
    UnknownRepository,
    UnknownUser,
)
from storage.flags import project_flag
from storage.model import Grant, PackageMeta, Project, ProjectMeta
from storage.names import PackageName, ProjectName

from ..access import Target, is_visible, locate
from ..identity import Identity
from ..visible import visible_projects

if TYPE_CHECKING:
    from storage.records import Unit

_NAMES_LIMIT = 2000
"""Different people, groups, projects and repositories one meta may name."""


def check_project(
    unit: Unit, identity: Identity, old: Project | None, new: ProjectMeta, *, force: bool
) -> None:
    """Check the references of a project's meta.

    Args:
        unit: An open unit.
        identity: The caller; hidden projects do not exist for them.
        old: The project as it is, None when it is new.
        new: The meta to be stored.
        force: Whether repositories may go that others build against.

    Raises:
        NotFound: Something named does not exist.
        StillUsed: A repository that goes is needed.
        NotAllowed: It would hide what is visible now.
        InvalidContent: It names too much.
    """
    before = old.meta if old else None
    _check_grants(unit, new.grants, before.grants if before else ())
    _check_paths(unit, identity, before, new)
    _check_links(unit, identity, before, new)
    if before is not None:
        check_protection(identity, before, new)
        if not force:
            _check_removed(unit, identity, before, new)


def check_package(
    unit: Unit, identity: Identity, old: PackageMeta | None, new: PackageMeta
) -> None:
    """Check the references of a package's meta; arguments and errors as above."""
    _check_grants(unit, new.grants, old.grants if old else ())
    if new.devel is None or (old is not None and old.devel == new.devel):
        return
    project, package = ProjectName.parse(new.devel[0]), PackageName.parse(new.devel[1])
    target = locate(unit, identity, project, package)
    if target.package is None or not is_visible(identity, target):
        raise UnknownPackage(f"devel package '{project}/{package}' does not exist")


def check_protection(identity: Identity, old: ProjectMeta, new: ProjectMeta) -> None:
    """Refuse to hide what is public, to everybody but an administrator.

    Raises:
        NotAllowed: ``access`` or ``sourceaccess`` would be switched off.
    """
    for flag in ("access", "sourceaccess"):
        if project_flag(old, flag) and not project_flag(new, flag) and not identity.is_admin:
            raise NotAllowed(
                f"'{flag}' of an existing project cannot be disabled",
                code="change_project_protection_level",
                hint="ask an administrator",
            )


def _check_grants(unit: Unit, new: Iterable[Grant], old: Iterable[Grant]) -> None:
    # Who is listed already stays listed, even if the account is gone by now.
    known = {(grant.subject, grant.name) for grant in old}
    wanted = {(grant.subject, grant.name) for grant in new} - known
    _bound(wanted)
    for subject, name in sorted(wanted):
        if subject == "person" and unit.accounts.find(name) is None:
            raise UnknownUser(f"user '{name}' does not exist")
        if subject == "group" and unit.groups.find(name) is None:
            raise UnknownGroup(f"group '{name}' does not exist")


def _check_paths(unit: Unit, identity: Identity, old: ProjectMeta | None, new: ProjectMeta) -> None:
    wanted = _places(new) - (_places(old) if old else set())
    _bound(wanted)
    for project, repository in sorted(wanted):
        meta = new if project == new.name else _meta(unit, identity, project)
        if meta is None or meta.repository(repository) is None:
            raise UnknownRepository(
                f"repository '{project}/{repository}' does not exist",
                code="repository_access_failure",
            )


def _check_links(unit: Unit, identity: Identity, old: ProjectMeta | None, new: ProjectMeta) -> None:
    known = {link.project for link in old.links} if old else set()
    wanted = {link.project for link in new.links} - known
    _bound(wanted)
    for project in sorted(wanted):
        if _meta(unit, identity, project) is None:
            raise UnknownProject(
                f"linked project '{project}' does not exist", code="project_read_access_failure"
            )


def _check_removed(unit: Unit, identity: Identity, old: ProjectMeta, new: ProjectMeta) -> None:
    removed = {r.name for r in old.repositories} - {r.name for r in new.repositories}
    for repository in sorted(removed):
        used_by = unit.projects.referencing(old.name, repository)
        if used_by:
            shown = _some(visible_projects(unit, identity, used_by)) or "other projects"
            raise StillUsed(
                f"repository '{repository}' is used by {shown}",
                hint="give force=1 to remove it anyway",
            )


def _places(meta: ProjectMeta) -> set[tuple[str, str]]:
    return {
        (place.project, place.repository)
        for repository in meta.repositories
        for place in (*repository.paths, *repository.releasetargets, *repository.hostsystems)
        if place.project != "deleted"
    }


def _meta(unit: Unit, identity: Identity, project: str) -> ProjectMeta | None:
    target: Target = locate(unit, identity, ProjectName.parse(project))
    if target.project is None or not is_visible(identity, target):
        return None
    return target.project.meta


def _bound(names: Collection[object]) -> None:
    if len(names) > _NAMES_LIMIT:
        raise InvalidContent(f"the meta names more than {_NAMES_LIMIT} things at once")


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")
