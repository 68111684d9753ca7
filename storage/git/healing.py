"""Closing the gap a dead process left between a ref and the index.

A ref moves just before its rows are committed. Whoever opens the repository next
finds the tip ahead of the newest revision and writes the missing rows; the
commits say what they need (trailers, or the push log).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from ..errors import Damaged, InvalidInput
from ..model import Package, PackageMeta, ProjectMeta
from ..names import PROJECT_CONTAINER
from ..records import Unit
from .commits import Commit, first_parents, read_commit
from .context import Context, MetaReaders
from .facts import Facts, listing_of
from .listings import EMPTY_LISTING
from .outbox import announce_meta, announce_source, healed_build
from .repository import Repository
from .revisions import (
    REF_OF,
    Kind,
    pendings_of,
    prepare,
    record,
)
from .trees import FlatTree

_log = logging.getLogger(__name__)


def has_gap(context: Context, package: Package, repository: Repository) -> bool:
    """Whether a ref names something else than the newest revision; no lock needed."""
    with context.records.read() as unit:
        return bool(kinds_behind(unit, package, repository))


def heal(context: Context, package: Package, repository: Repository) -> None:
    """Record every commit the index does not know; the caller holds the lock.

    Raises:
        Damaged: Git and the index contradict each other; only a reindex helps.
    """
    with context.records.read() as unit:
        behind = kinds_behind(unit, package, repository)
    heal_kinds(context, package, repository, behind)


def kinds_behind(unit: Unit, package: Package, repository: Repository) -> list[Kind]:
    """The histories whose newest commit the index does not know."""
    return [kind for kind in REF_OF if _is_behind(unit, package, repository, kind)]


def heal_kinds(
    context: Context, package: Package, repository: Repository, behind: Iterable[Kind]
) -> None:
    """``heal`` for histories known to be behind."""
    for kind in behind:
        _heal_kind(context, package, repository, kind)


def new_commits(
    repository: Repository, tip: str, known: str | None, base: str | None
) -> Iterator[Commit]:
    """First-parent commits from a tip down to what is known, newest first.

    Args:
        repository: Where they are.
        tip: Where to start.
        known: Newest indexed commit, None when nothing is.
        base: Commit after which revisions count.

    Raises:
        Damaged: The indexed commit is not among the first parents.
    """
    stop = known or base
    for commit in first_parents(repository.objects, tip):
        if commit.oid == stop:
            return
        yield commit
    if stop is not None:
        raise Damaged(
            f"commit {stop} is indexed, but not part of the history",
            hint="an operator must run: packhouse admin reindex",
        )


def _is_behind(unit: Unit, package: Package, repository: Repository, kind: Kind) -> bool:
    tip = repository.refs.read(REF_OF[kind])
    latest = unit.revisions.latest(package.id, kind)
    if latest is None:
        return tip is not None and (kind == "meta" or tip != package.base)
    return latest.commit != tip


def _heal_kind(context: Context, package: Package, repository: Repository, kind: Kind) -> None:
    tip = repository.refs.read(REF_OF[kind])
    with context.records.read() as unit:
        latest = unit.revisions.latest(package.id, kind)
    if tip is None:
        raise Damaged(
            f"{REF_OF[kind]} is gone, but its revisions are indexed",
            hint="an operator must restore the repository",
        )
    base = package.base if kind == "source" else None
    known = None if latest is None else latest.commit
    commits = list(new_commits(repository, tip, known, base))
    pushes = repository.pushes.by_tip() if kind == "source" else {}
    pendings = pendings_of(kind, commits, pushes, context.limits.comment_bytes)
    before = EMPTY_LISTING
    if latest is not None:
        before = listing_of(context, package, repository, latest.tree)
    facts = Facts(context, package, repository)
    prepared = prepare(context, repository, facts, before, pendings)
    _log.warning(
        "revisions_healed",
        extra={"container": package.container, "kind": kind, "commits": len(commits)},
    )
    meta = read_meta(context.metas, package, repository, tip) if kind == "meta" else None
    with context.records.begin() as unit:
        revisions = record(unit, package, facts, prepared)
        if meta is None:
            build_id = healed_build(unit, package, pendings[-1].operation)
            announce_source(unit, package, revisions[-1], build_id)
        else:
            apply_meta(unit, package, meta)
            announce_meta(unit, package, revisions[-1])


def apply_meta(unit: Unit, package: Package, meta: ProjectMeta | PackageMeta) -> None:
    """Put a parsed ``_meta`` into the index."""
    if isinstance(meta, ProjectMeta):
        unit.projects.update_meta(package.project_id, meta)
    else:
        unit.packages.update_meta(package.id, meta)


def read_meta(
    readers: MetaReaders | None, package: Package, repository: Repository, commit: str | None
) -> ProjectMeta | PackageMeta:
    """Parse the ``_meta`` of a meta commit.

    Raises:
        Damaged: Nobody joined in a parser, there is no ``_meta``, or it is unreadable.
    """
    if readers is None or commit is None:
        raise Damaged(
            "the stored _meta cannot be read here",
            hint="an operator must run: packhouse admin reindex",
        )
    tree = read_commit(repository.objects, commit).tree
    slot = FlatTree.parse(repository.objects.get(tree, "tree")).slots.get("_meta")
    if slot is None:
        raise Damaged(f"commit {commit} has no _meta")
    raw = repository.objects.get(slot.oid, "blob")
    try:
        is_project = package.name == PROJECT_CONTAINER
        return readers.project(raw) if is_project else readers.package(raw)
    except InvalidInput as error:
        raise Damaged(f"the stored _meta is unreadable: {error.message}") from error
