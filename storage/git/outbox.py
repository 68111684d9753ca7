"""What the builder is told, in the same database transaction as the revision.

Payloads are plain JSON. ``source_changed``: package_id, project_id, rev, commit,
srcmd5, user, comment, build_id (null when nothing can be built). ``meta_changed``:
project_id, package_id, rev, user. ``package_deleted``: project_id, package_id, user.
``project_deleted``: project_id, user.
"""

from __future__ import annotations

from ..errors import UnknownBuild
from ..model import Build, EventKind, JsonObject, Package, Project, Revision, SourceState
from ..names import PROJECT_CONTAINER
from ..records import Unit

_OPERATION = "copr-build-"
_NEVER_BUILT = frozenset({str(PROJECT_CONTAINER), "_pattern"})


def announce_source(
    unit: Unit, package: Package, revision: Revision, waiting_build: int | None = None
) -> int | None:
    """Append the event of a source change, and a build where the project has repositories.

    Args:
        unit: An open writing unit.
        package: Whose sources changed.
        revision: The new one.
        waiting_build: A build that was waiting for these sources; it gets them, no other
            is made.

    Returns:
        The number of the build, None when nothing can be built.
    """
    project = unit.projects.by_id(package.project_id)
    build_id = waiting_build
    if waiting_build is not None:
        _attach(unit, waiting_build, package, revision)
    elif project.meta.repositories and package.name not in _NEVER_BUILT:
        build_id = unit.builds.create(_build(package, revision)).id
    payload: JsonObject = {
        "project_id": package.project_id,
        "package_id": package.id,
        "rev": revision.number,
        "commit": revision.commit,
        "srcmd5": revision.srcmd5,
        "user": revision.user,
        "comment": revision.comment,
        "build_id": build_id,
    }
    if waiting_build is not None:
        # Whoever hands in sources wants them built, also when they are those of last time.
        unit.events.append(
            EventKind.REBUILD_ASKED, package.project, package.name, payload, revision.time
        )
    unit.events.append(
        EventKind.SOURCE_CHANGED, package.project, package.name, payload, revision.time
    )
    return build_id


def operation_of_build(build_id: int) -> str:
    """Idempotency key of the commit that brings a build its sources."""
    return f"{_OPERATION}{build_id}"


def healed_build(unit: Unit, package: Package, operation: str | None) -> int | None:
    """The build a commit was made for, if it still waits for that: for healing."""
    if operation is None or not operation.startswith(_OPERATION):
        return None
    try:
        build = unit.builds.get(int(operation.removeprefix(_OPERATION)))
    except (ValueError, UnknownBuild):
        return None
    waits = build.source_state is not SourceState.SUCCEEDED and not build.commit
    return build.id if waits and build.project_id == package.project_id else None


def announce_meta(unit: Unit, package: Package, revision: Revision) -> None:
    """Append the event of a changed meta, of a project or of a package."""
    payload: JsonObject = {
        "project_id": package.project_id,
        "package_id": package.id,
        "rev": revision.number,
        "user": revision.user,
    }
    name = None if package.name == PROJECT_CONTAINER else package.name
    unit.events.append(EventKind.META_CHANGED, package.project, name, payload, revision.time)


def announce_package_deleted(unit: Unit, package: Package, user: str, at: int) -> None:
    """Append the event of a deleted package; ``at`` in Unix seconds."""
    payload: JsonObject = {
        "project_id": package.project_id,
        "package_id": package.id,
        "user": user,
    }
    unit.events.append(EventKind.PACKAGE_DELETED, package.project, package.name, payload, at)


def announce_project_deleted(unit: Unit, project: Project, user: str, at: int) -> None:
    """Append the event of a deleted project; ``at`` in Unix seconds."""
    payload: JsonObject = {"project_id": project.id, "user": user}
    unit.events.append(EventKind.PROJECT_DELETED, project.name, None, payload, at)


def _attach(unit: Unit, build_id: int, package: Package, revision: Revision) -> None:
    unit.builds.update(
        build_id,
        package_id=package.id,
        package=package.name,
        commit=revision.commit,
        rev=revision.number,
        srcmd5=revision.srcmd5,
    )


def _build(package: Package, revision: Revision) -> Build:
    return Build(
        id=0,
        project_id=package.project_id,
        project=package.project,
        package_id=package.id,
        package=package.name,
        commit=revision.commit,
        rev=revision.number,
        srcmd5=revision.srcmd5,
        cause="commit",
        submitter=revision.user,
        created_at=revision.time,
    )
