"""Deleting and bringing back: history is never lost, only put out of the way.

A deleted package gets a last revision, its row is marked, its repository moves to
the trash. Readers of a row look in both places, so a crash between the steps shows
either the old or the new state. A deleted project only has its row marked; its
packages are hidden with it and stay where they are.
"""

from __future__ import annotations

from ..errors import AlreadyExists, NotAllowed, UnknownPackage, UnknownProject
from ..model import Author, CommitResult, Package, Project
from ..names import PROJECT_CONTAINER
from ..records import Unit
from .context import Context
from .outbox import announce_package_deleted, announce_project_deleted
from .refs import DELETED
from .repository import move_repository
from .transaction import Transaction

DELETED_COMMENT = "package was deleted"
UNDELETED_COMMENT = "package was undeleted"


def delete_package(
    context: Context, package: Package, author: Author, comment: str = ""
) -> CommitResult | None:
    """Delete a package; its history stays readable and can be brought back.

    Returns:
        The last revision, None for a package that never had one.

    Raises:
        NotAllowed: It is the container of a project.
    """
    if package.name == PROJECT_CONTAINER:
        raise NotAllowed(
            f"'{PROJECT_CONTAINER}' cannot be deleted", code="delete_package_no_permission"
        )
    with Transaction(context, package) as change:
        now = context.now()
        _repeat_tree(change, author, comment or DELETED_COMMENT)

        def also(unit: Unit) -> None:
            unit.packages.mark_deleted(package.id, now)
            announce_package_deleted(unit, change.package, author.login, now)

        results = change.finish(also, announce=False)
        move_repository(
            context.layout.repository(package.container), context.layout.trashed(package.container)
        )
    return results[-1] if results else None


def undelete_package(
    context: Context, project: str, name: str, author: Author, comment: str = ""
) -> Package:
    """Bring the newest deleted package of a name back, with a fresh revision.

    Raises:
        AlreadyExists: A package of that name exists (code ``package_exists``).
        NotAllowed: None of that name was deleted.
    """
    with context.records.read() as unit:
        owner = unit.projects.get(project)
        if unit.packages.find(project, name) is not None:
            raise AlreadyExists(f"package '{name}' already exists", code="package_exists")
        try:
            package = unit.packages.deleted(owner.id, name)
        except UnknownPackage:
            raise NotAllowed(f"package '{name}' was not deleted") from None
    with Transaction(context, package, trashed=True) as change:
        _repeat_tree(change, author, comment or UNDELETED_COMMENT)

        def also(unit: Unit) -> None:
            unit.packages.restore(package.id)

        change.finish(also)
        move_repository(
            context.layout.trashed(package.container), context.layout.repository(package.container)
        )
    with context.records.read() as unit:
        return unit.packages.by_id(package.id)


def delete_project(context: Context, project: str, author: Author, comment: str = "") -> None:
    """Delete a project with everything in it.

    Raises:
        UnknownProject: There is no such project.
    """
    with context.records.read() as unit:
        unit.projects.get(project)
        container = unit.packages.get(project, PROJECT_CONTAINER)
    with Transaction(context, container) as change:
        now = context.now()
        meta = change.tree("meta").serialise()
        change.add_revision(
            "meta", change.writer.add("tree", meta), author, comment or "project was deleted"
        )

        def also(unit: Unit) -> None:
            row = unit.projects.by_id(container.project_id)
            unit.projects.mark_deleted(row.id, now)
            announce_project_deleted(unit, row, author.login, now)

        change.move_ref(DELETED, change.repository.refs.read(DELETED), change.tip("meta"))
        change.finish(also, announce=False)


def undelete_project(context: Context, project: str, author: Author, comment: str = "") -> Project:
    """Bring a deleted project back, and every package that existed when it was deleted.

    Each package gets a fresh revision, so that it is built again.

    Raises:
        UnknownProject: It exists, or was never deleted.
    """
    with context.records.begin() as unit:
        if unit.projects.find(project) is not None:
            raise UnknownProject(f"project '{project}' exists", project=project)
        row = unit.projects.restore(unit.projects.deleted(project).id)
        container = unit.packages.get(project, PROJECT_CONTAINER)
        names = unit.packages.list(row.id)
    comment = comment or "project was undeleted"
    with Transaction(context, container) as change:
        meta = change.tree("meta").serialise()
        change.add_revision("meta", change.writer.add("tree", meta), author, comment)
        change.move_ref(DELETED, change.repository.refs.read(DELETED), None)
        change.finish()
    for name in names:
        with context.records.read() as unit:
            package = unit.packages.find(project, name)
        if package is not None:
            with Transaction(context, package) as change:
                _repeat_tree(change, author, comment)
                change.finish()
    return row


def deleted_package(context: Context, project: str, name: str) -> Package:
    """The newest deleted package of a name, or one that was deleted with its project.

    Raises:
        UnknownPackage: No such package was deleted.
    """
    with context.records.read() as unit:
        living = unit.projects.find(project)
        if living is not None:
            return unit.packages.deleted(living.id, name)
        try:
            gone = unit.projects.deleted(project)
        except UnknownProject:
            raise UnknownPackage(f"package '{name}' was not deleted", package=name) from None
        return unit.packages.within(gone.id, name) or unit.packages.deleted(gone.id, name)


def _repeat_tree(change: Transaction, author: Author, comment: str) -> None:
    """Add a revision with the latest tree, if there is any revision."""
    tree_id = change.latest_tree_id()
    if tree_id is not None:
        change.add_revision("source", tree_id, author, comment)
