"""Tidying up after dead processes; safe to run while the house is working."""

from __future__ import annotations

import logging
import shutil
import time

from ..errors import PackhouseError
from .commits import read_commit
from .context import Context
from .lock import repository_lock
from .quarantine import sweep_quarantines
from .refs import META
from .repository import Repository, move_repository
from .staging import sweep as sweep_staged

_log = logging.getLogger(__name__)

_DRAFT_AGE_S = 3600.0
_ORPHAN_AGE_S = 86_400.0


def sweep(context: Context, *, containers: bool = False) -> int:
    """Remove leftovers.

    Args:
        context: The storage.
        containers: Whether to look at every repository too: finish moves from and
            to the trash, and put repositories there that a crash left without a row.

    Returns:
        How many things were tidied.
    """
    tmp = context.layout.tmp
    tidied = sweep_staged(tmp) + sweep_quarantines(tmp) + _sweep_drafts(context)
    if containers:
        tidied += _finish_moves(context) + _sweep_orphans(context)
    return tidied


def _sweep_drafts(context: Context) -> int:
    """Repositories whose making or removal was interrupted."""
    removed = 0
    for pattern in ("new-*", "old-*"):
        for path in context.layout.tmp.glob(pattern):
            try:
                is_old = time.time() - path.stat().st_mtime > _DRAFT_AGE_S
            except FileNotFoundError:
                continue
            if is_old:
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed


def _finish_moves(context: Context) -> int:
    layout = context.layout
    moved = 0
    for deleted, containers in ((False, layout.trashed_containers()), (True, layout.containers())):
        for container in containers:
            with context.records.read() as unit:
                package = unit.packages.by_container(container)
            if package is not None and (package.deleted_at is not None) == deleted:
                moved += _move(context, container, deleted)
    return moved


def _move(context: Context, container: str, deleted: bool) -> bool:
    living = context.layout.repository(container)
    trashed = context.layout.trashed(container)
    source, target = (living, trashed) if deleted else (trashed, living)
    try:
        with repository_lock(source, context.limits.heal_timeout_s):
            with context.records.read() as unit:
                package = unit.packages.by_container(container)
            if package is None or (package.deleted_at is not None) != deleted:
                return False
            move_repository(source, target)
            return True
    except PackhouseError as error:
        _log.info("move_put_off", extra={"container": container, "reason": error.message})
        return False


def _sweep_orphans(context: Context) -> int:
    """Repositories whose creation died before their row was written.

    Only those with nothing but their first meta commit, and only while the index
    is in use at all: a wrong database URL must not empty the house.
    """
    with context.records.read() as unit:
        if not unit.projects.list(limit=1):
            return 0
    swept = 0
    for container in context.layout.containers():
        with context.records.read() as unit:
            if unit.packages.by_container(container) is not None:
                continue
        path = context.layout.repository(container)
        if _is_stillborn(Repository(path)):
            move_repository(path, context.layout.trashed(container))
            swept += 1
    return swept


def _is_stillborn(repository: Repository) -> bool:
    try:
        refs = repository.refs.all()
        if set(refs) != {META}:
            return False
        commit = read_commit(repository.objects, refs[META])
        age_s = time.time() - repository.path.stat().st_mtime
    except (PackhouseError, FileNotFoundError):
        return False
    return not commit.parents and age_s > _ORPHAN_AGE_S
