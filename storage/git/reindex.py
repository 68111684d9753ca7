"""Writing the index anew from git: what the database says of sources can be lost.

Numbers, listings, versions, authors and comments come from the commits, pushers
from the push log, names and owners from each repository's config. Rows that still
exist keep their ids; times at which content was first seen are taken from rows
that survived and from the commits otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from ..errors import Damaged, PackhouseError, UnknownProject
from ..model import Listing, Package, PackageMeta, ProjectMeta
from ..names import PROJECT_CONTAINER
from ..records import Unit
from .commits import read_commit
from .context import Context, MetaReaders
from .facts import Facts, listing_of
from .healing import apply_meta, heal, new_commits, read_meta
from .listings import EMPTY_LISTING
from .lock import repository_lock
from .refs import DELETED, META
from .repository import Identity, Repository
from .revisions import REF_OF, Kind, pendings_of, prepare, record

_log = logging.getLogger(__name__)


def reindex(context: Context, readers: MetaReaders) -> list[str]:
    """Rebuild every row git can tell; see ``Storage.reindex``.

    Args:
        context: The storage.
        readers: Parsers of stored metas.

    Returns:
        One line per repository that could not be read.
    """
    findings = []
    for container, repository, deleted in _in_order(context):
        try:
            package = _row(context, container, repository, deleted, readers)
            reindex_package(context, package, repository, readers)
        except PackhouseError as error:
            findings.append(f"{container}: {error.message}")
            _log.warning("reindex_failed", extra={"container": container, "reason": error.message})
    return findings


def reindex_package(
    context: Context, package: Package, repository: Repository, readers: MetaReaders
) -> None:
    """Replace the revisions of one package by what its repository says.

    Raises:
        Damaged: An object is missing.
    """
    with repository_lock(repository.path, context.limits.lock_timeout_s):
        _heal_first(replace(context, metas=readers), package, repository)
        facts = Facts(context, package, repository)
        prepared = {}
        for kind in REF_OF:
            tip = repository.refs.read(REF_OF[kind])
            base = package.base if kind == "source" else None
            commits = [] if tip is None else list(new_commits(repository, tip, None, base))
            pushes = repository.pushes.by_tip() if kind == "source" else {}
            pendings = pendings_of(kind, commits, pushes, context.limits.comment_bytes)
            before = _before(context, package, repository, kind)
            prepared[kind] = prepare(context, repository, facts, before, pendings)
        meta = read_meta(readers, package, repository, repository.refs.read(META))
        with context.records.begin() as unit:
            for kind in REF_OF:
                unit.revisions.truncate(package.id, kind)
                record(unit, package, facts, prepared[kind])
            apply_meta(unit, package, meta)


def _heal_first(context: Context, package: Package, repository: Repository) -> None:
    """Close a crash gap the ordinary way, so that the builder hears of the commit.

    Where all rows are lost there is no gap but nothing; then nobody is told.
    """
    with context.records.read() as unit:
        known = [unit.revisions.latest(package.id, kind) is not None for kind in REF_OF]
    present = [repository.refs.read(ref) is not None for ref in REF_OF.values()]
    if known != present:
        return
    try:
        heal(context, package, repository)
    except Damaged as error:
        _log.warning(
            "reindex_without_healing",
            extra={"container": package.container, "reason": error.message},
        )


def _in_order(context: Context) -> Iterator[tuple[str, Repository, bool]]:
    """Every repository: containers of projects first, the oldest first."""
    layout = context.layout
    found = [(c, Repository(layout.repository(c)), False) for c in layout.containers()]
    found += [(c, Repository(layout.trashed(c)), True) for c in layout.trashed_containers()]

    def key(item: tuple[str, Repository, bool]) -> tuple[bool, int, str]:
        identity = item[1].identity()
        if identity is None:
            return True, 0, item[0]
        return identity.package != PROJECT_CONTAINER, identity.created_at, item[0]

    yield from sorted(found, key=key)


def _row(
    context: Context, container: str, repository: Repository, deleted: bool, readers: MetaReaders
) -> Package:
    """The package's row, made anew when it is lost.

    Raises:
        Damaged: The repository does not say whose it is.
    """
    with context.records.read() as unit:
        package = unit.packages.by_container(container)
    if package is not None:
        return package
    identity = repository.identity()
    if identity is None:
        raise Damaged("the repository does not say which package it holds")
    meta = read_meta(readers, _stand_in(identity), repository, repository.refs.read(META))
    with context.records.begin() as unit:
        if isinstance(meta, ProjectMeta):
            return _new_project(unit, container, identity, meta, repository)
        return _new_package(unit, container, identity, meta, repository, deleted)


def _new_project(
    unit: Unit, container: str, identity: Identity, meta: ProjectMeta, repository: Repository
) -> Package:
    project = unit.projects.create(identity.project, container, meta, identity.created_at)
    own = PackageMeta(name=PROJECT_CONTAINER, project=identity.project)
    package = unit.packages.create(
        project.id, PROJECT_CONTAINER, container, own, identity.created_at
    )
    mark = repository.refs.read(DELETED)
    if mark is not None:
        unit.projects.mark_deleted(project.id, read_commit(repository.objects, mark).time)
    return package


def _new_package(
    unit: Unit,
    container: str,
    identity: Identity,
    meta: PackageMeta,
    repository: Repository,
    deleted: bool,
) -> Package:
    owner = unit.packages.by_container(identity.owner)
    if owner is None:
        raise UnknownProject(f"the project {identity.project} of this package is lost")
    package = unit.packages.create(
        owner.project_id,
        identity.package,
        container,
        meta,
        identity.created_at,
        identity.base,
    )
    if deleted:
        tip = repository.refs.read(REF_OF["source"]) or repository.refs.read(META)
        at = identity.created_at if tip is None else read_commit(repository.objects, tip).time
        unit.packages.mark_deleted(package.id, at)
    return package


def _before(context: Context, package: Package, repository: Repository, kind: Kind) -> Listing:
    """What the first revision follows: nothing, or the commit a branch starts from."""
    if kind == "meta" or package.base is None:
        return EMPTY_LISTING
    tree = read_commit(repository.objects, package.base).tree
    return listing_of(context, package, repository, tree)


def _stand_in(identity: Identity) -> Package:
    """A package without a row, to read its repository with."""
    meta = PackageMeta(identity.package, identity.project)
    return Package(0, 0, identity.project, identity.package, "", meta)
