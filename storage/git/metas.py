"""Projects and packages coming to be, and their metas: files on ``refs/meta/config``.

A new container is complete on disk before its rows are written: a process dying in
between leaves a repository nobody knows, which ``sweep`` removes.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import AlreadyExists, Busy, PackhouseError, TooLarge
from ..model import Author, JsonObject, Package, PackageMeta, Project, ProjectMeta
from ..names import PROJECT_CONTAINER
from ..records import Unit
from .commits import Trailers, build_commit, clean_comment, compose_message
from .context import Context
from .facts import Facts
from .layout import new_container_id
from .listings import EMPTY_LISTING
from .objects import object_id
from .outbox import announce_meta
from .refs import META
from .repository import Identity, create_repository, remove_repository
from .revisions import Pending, prepare, record
from .transaction import Transaction
from .trees import EMPTY

META_FILE = "_meta"
_ATTEMPTS = 3


def put_project_meta(
    context: Context,
    raw: bytes,
    meta: ProjectMeta,
    author: Author,
    comment: str,
    copr: JsonObject | None = None,
) -> Project:
    """Store the meta of a project, creating the project when it is new.

    Args:
        context: The storage.
        raw: The document exactly as it is to be kept.
        meta: Its parsed form.
        author: Who it is by.
        comment: Commit message.
        copr: Copr settings to replace; None leaves them.
    """
    _check_size(context, raw)
    for _ in range(_ATTEMPTS):
        with context.records.read() as unit:
            project = unit.projects.find(meta.name)
            container = unit.packages.find(meta.name, PROJECT_CONTAINER) if project else None
        if project is not None and container is not None:
            _update_project(context, container, raw, meta, author, comment, copr)
            break
        try:
            _create_project(context, raw, meta, author, comment, copr)
            break
        except AlreadyExists:
            continue
    else:
        raise _too_many_races(meta.name)
    with context.records.read() as unit:
        return unit.projects.get(meta.name)


def put_package_meta(
    context: Context,
    raw: bytes,
    meta: PackageMeta,
    author: Author,
    comment: str,
    copr: JsonObject | None = None,
) -> Package:
    """Store the meta of a package, creating the package when it is new.

    Args:
        context: The storage.
        raw: The document exactly as it is to be kept.
        meta: Its parsed form.
        author: Who it is by.
        comment: Commit message.
        copr: Copr settings to replace; None leaves them.

    Raises:
        UnknownProject: There is no such project.
    """
    _check_size(context, raw)
    for _ in range(_ATTEMPTS):
        with context.records.read() as unit:
            project = unit.projects.get(meta.project)
            package = unit.packages.find(meta.project, meta.name)
        if package is not None:
            _update_package(context, package, raw, meta, author, comment, copr)
            break
        try:
            _create_package(context, project, raw, meta, author, comment, copr)
            break
        except AlreadyExists:
            continue
    else:
        raise _too_many_races(meta.name)
    with context.records.read() as unit:
        return unit.packages.get(meta.project, meta.name)


def put_meta_file(
    context: Context,
    package: Package,
    name: str,
    data: bytes | None,
    author: Author,
    comment: str,
    also: Callable[[Unit], None] | None = None,
) -> None:
    """Set or remove a file beside ``_meta``, as a new meta revision.

    Args:
        context: The storage.
        package: The package, or ``_project`` container.
        name: For example ``_attribute`` or ``_pubkey``.
        data: The content; None removes the file.
        author: Who it is by.
        comment: Commit message.
        also: Writes more rows in the same database transaction.
    """
    with Transaction(context, package) as change:
        tree = change.tree("meta")
        if data is None:
            tree = tree.without(name)
        else:
            _check_size(context, data)
            tree = tree.with_files({name: change.writer.add("blob", data)})
        tree_id = change.writer.add("tree", tree.serialise())
        change.add_revision("meta", tree_id, author, comment)
        change.finish(also)


def _update_project(
    context: Context,
    container: Package,
    raw: bytes,
    meta: ProjectMeta,
    author: Author,
    comment: str,
    copr: JsonObject | None,
) -> None:
    def also(unit: Unit) -> None:
        unit.projects.update_meta(container.project_id, meta)
        if copr is not None:
            unit.projects.update_copr(container.project_id, copr)

    put_meta_file(context, container, META_FILE, raw, author, comment, also)


def _update_package(
    context: Context,
    package: Package,
    raw: bytes,
    meta: PackageMeta,
    author: Author,
    comment: str,
    copr: JsonObject | None,
) -> None:
    def also(unit: Unit) -> None:
        unit.packages.update_meta(package.id, meta)
        if copr is not None:
            unit.packages.update_copr(package.id, copr)

    put_meta_file(context, package, META_FILE, raw, author, comment, also)


def _create_project(
    context: Context,
    raw: bytes,
    meta: ProjectMeta,
    author: Author,
    comment: str,
    copr: JsonObject | None,
) -> None:
    now = context.now()

    def rows(unit: Unit) -> Package:
        project = unit.projects.create(meta.name, fresh, meta, now, copr)
        own = PackageMeta(name=PROJECT_CONTAINER, project=meta.name)
        return unit.packages.create(project.id, PROJECT_CONTAINER, fresh, own, now)

    fresh = new_container_id()
    identity = Identity(meta.name, PROJECT_CONTAINER, now, owner=fresh)
    _create(context, fresh, identity, raw, author, comment, rows)


def _create_package(
    context: Context,
    project: Project,
    raw: bytes,
    meta: PackageMeta,
    author: Author,
    comment: str,
    copr: JsonObject | None,
) -> None:
    now = context.now()

    fresh = new_container_id()

    def rows(unit: Unit) -> Package:
        # Seen again inside the transaction: the project may be deleted by now.
        unit.projects.get(meta.project)
        return unit.packages.create(project.id, meta.name, fresh, meta, now, None, copr)

    identity = Identity(meta.project, meta.name, now, owner=project.container)
    _create(context, fresh, identity, raw, author, comment, rows)


def _create(
    context: Context,
    container: str,
    identity: Identity,
    raw: bytes,
    author: Author,
    comment: str,
    rows: Callable[[Unit], Package],
) -> None:
    """Make the repository with its first meta commit, then every row at once."""
    pending, objects = _first_meta(context, raw, author, comment)
    refs = {META: pending.commit}
    repository = create_repository(context.layout, container, identity, refs, objects)
    placeholder = Package(0, 0, identity.project, identity.package, container, PackageMeta("", ""))
    facts = Facts(context, placeholder, repository)
    prepared = prepare(context, repository, facts, EMPTY_LISTING, [pending])
    try:
        with context.records.begin() as unit:
            package = rows(unit)
            revision = record(unit, package, facts, prepared)[-1]
            announce_meta(unit, package, revision)
    except PackhouseError:
        remove_repository(repository.path, context.layout)
        raise
    context.awake()


def _first_meta(
    context: Context, raw: bytes, author: Author, comment: str
) -> tuple[Pending, list[tuple[str, bytes]]]:
    comment = clean_comment(comment, context.limits.comment_bytes)
    now = context.now()
    blob = object_id("blob", raw)
    tree = EMPTY.with_files({META_FILE: blob}).serialise()
    tree_id = object_id("tree", tree)
    message = compose_message(comment, Trailers(author.login))
    commit = build_commit(tree_id, (), author, message, now)
    commit_id = object_id("commit", commit)
    pending = Pending("meta", commit_id, tree_id, author.login, comment, now)
    return pending, [("commit", commit), ("tree", tree), ("blob", raw)]


def _too_many_races(name: str) -> Busy:
    return Busy(f"'{name}' is being made and deleted by others", hint="try again")


def _check_size(context: Context, raw: bytes) -> None:
    if len(raw) > context.limits.meta_bytes:
        raise TooLarge(f"the document is larger than {context.limits.meta_bytes} bytes")
