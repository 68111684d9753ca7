"""Checking what is kept: objects against their ids, refs, large files, index rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ..errors import Damaged, PackhouseError
from ..model import Entry, Package
from ..records import Unit
from .commits import Commit, first_parents, read_commit
from .context import Context
from .objects import ObjectStore
from .repository import Repository
from .revisions import REF_OF
from .trees import EMPTY_TREE, parse_tree

_PAGE = 500


def fsck(context: Context) -> list[str]:
    """Check everything; reads every object and every large file once.

    Returns:
        One line per finding, starting with the container or checksum.
    """
    return [*_check_containers(context), *_check_rows(context), *_check_large(context)]


def _check_containers(context: Context) -> Iterator[str]:
    for container in context.layout.containers():
        with context.records.read() as unit:
            package = unit.packages.by_container(container)
        if package is None:
            yield f"{container}: no package has this repository"
            continue
        repository = Repository(context.layout.repository(container))
        for finding in check_repository(context, package, repository):
            yield f"{container}: {finding}"


def check_repository(context: Context, package: Package, repository: Repository) -> Iterator[str]:
    """Check one repository and the rows about it.

    Yields:
        One line per finding.
    """
    yield from _check_objects(repository.objects)
    seen: set[str] = set()
    for name, oid in repository.refs.all().items():
        yield from _check_reachable(repository.objects, name, oid, seen)
    for kind, ref in REF_OF.items():
        tip = repository.refs.read(ref)
        with context.records.read() as unit:
            latest = unit.revisions.latest(package.id, kind)
            indexed = 0 if latest is None else latest.number
        expected = None if latest is None else latest.commit
        if tip != expected and tip != package.base:
            yield f"{ref} names {tip}, the index says {expected}"
            continue
        try:
            commits = _revisions_of(repository, tip, package.base if kind == "source" else None)
            count = sum(1 for _ in commits)
        except Damaged as error:
            yield f"{ref}: {error.message}"
            continue
        if count != indexed:
            yield f"{ref} has {count} revisions, the index says {indexed}"
    with context.records.read() as unit:
        entries = _large_entries(unit, package)
    for entry in entries:
        if context.large.size(entry.sha256 or "") != entry.size:
            yield f"large file {entry.sha256} of {entry.name} is missing or cut"


def _revisions_of(repository: Repository, tip: str | None, base: str | None) -> Iterator[Commit]:
    if tip is None:
        return
    for commit in first_parents(repository.objects, tip):
        if commit.oid == base:
            return
        yield commit


def _check_objects(objects: ObjectStore) -> Iterator[str]:
    for oid in objects.loose_ids():
        try:
            if objects.read_loose(oid) is None:
                yield f"loose object {oid} is empty"
        except Damaged as error:
            yield error.message
    for oid in sorted(objects.packs.ids()):
        try:
            if objects.find(oid) is None:
                yield f"packed object {oid} cannot be read"
        except PackhouseError as error:
            yield error.message


def _check_reachable(objects: ObjectStore, ref: str, tip: str, seen: set[str]) -> Iterator[str]:
    """Every object the ref leads to is there and of the right kind."""
    todo = [(tip, "")]
    while todo:
        oid, kind = todo.pop()
        if oid in seen or oid == EMPTY_TREE:
            continue
        seen.add(oid)
        if kind == "blob":
            if oid not in objects:
                yield f"{ref}: blob {oid} is missing"
            continue
        try:
            todo += _links(objects, oid, kind)
        except Damaged as error:
            yield f"{ref}: {error.message}"


def _links(objects: ObjectStore, oid: str, kind: str) -> list[tuple[str, str]]:
    found = objects.find(oid)
    if found is None or (kind and found.kind != kind):
        raise Damaged(f"{kind or 'object'} {oid} is missing")
    if found.kind == "commit":
        commit = read_commit(objects, oid)
        return [(commit.tree, "tree"), *((parent, "commit") for parent in commit.parents)]
    if found.kind == "tree":
        entries = [e for e in parse_tree(found.data) if e.mode != 0o160000]
        return [(e.oid, "tree" if e.mode == 0o040000 else "blob") for e in entries]
    return []


def _large_entries(unit: Unit, package: Package) -> list[Entry]:
    latest = unit.revisions.latest(package.id, "source")
    listing = None if latest is None else unit.listings.get(latest.tree)
    return [] if listing is None else [e for e in listing.entries if e.sha256 is not None]


def _check_rows(context: Context) -> Iterator[str]:
    """Rows whose repository is gone."""
    after = None
    while True:
        with context.records.read() as unit:
            names = unit.projects.list(after=after, limit=_PAGE)
        if not names:
            return
        after = names[-1]
        for name in names:
            yield from _check_project_rows(context, name)


def _check_project_rows(context: Context, name: str) -> Iterator[str]:
    with context.records.read() as unit:
        project = unit.projects.find(name)
    if project is None:
        return
    offset = 0
    while True:
        with context.records.read() as unit:
            page = unit.packages.page(project.id, offset, _PAGE)
        if not page:
            return
        offset += len(page)
        for package in page:
            if not context.repository(package).exists():
                yield f"{package.container}: the repository of {name}/{package.name} is gone"


def _check_large(context: Context) -> Iterator[str]:
    for sha256 in context.large.ids():
        checksum = hashlib.sha256()
        for chunk in context.large.chunks(sha256):
            checksum.update(chunk)
        if checksum.hexdigest() != sha256:
            yield f"{sha256}: the large file does not have its checksum"
