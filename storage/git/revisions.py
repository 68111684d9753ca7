"""From commits to index rows: numbers, listings, versions, content, events and builds.

Revision N is the Nth first-parent commit after the package's base. ``prepare``
reads git and works without a database transaction; ``record`` writes the rows and
reads nothing but the database. The same two steps serve a commit over HTTP, a
push, healing after a crash, and rebuilding the index.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import Damaged, InvalidContent
from ..model import Entry, Listing, Package, Revision
from ..records import Content as ContentNote
from ..records import Unit
from .commits import Commit, clean_comment, split_message
from .context import UNKNOWN_VERSION, Context
from .examined import Examined
from .facts import Facts, ListingMaker
from .listings import facts_of
from .pushlog import Push
from .refs import MAIN, META
from .repository import Repository
from .rows import RowReader, Rows
from .trees import EMPTY_TREE

_log = logging.getLogger(__name__)

Kind = Literal["source", "meta"]
REF_OF: Mapping[Kind, str] = {"source": MAIN, "meta": META}
_UNKNOWN_USER = "unknown"
_LONGEST_VERSION = 200


@dataclass(frozen=True, slots=True)
class Pending:
    """A commit that is to become a revision.

    Attributes:
        time: When it came in, Unix seconds.
        operation: Idempotency key of the caller.
    """

    kind: Kind
    commit: str
    tree: str
    user: str
    comment: str
    time: int
    request_id: str | None = None
    operation: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pending revision with everything the rows need but its number and vrev.

    Attributes:
        fresh: Entries the revision before did not have.
        release: Number the Release tag starts with, 0 without one.
    """

    pending: Pending
    listing: Listing
    fresh: tuple[Entry, ...]
    version: str
    release: int


def pending_of(kind: Kind, commit: Commit, push: Push | None, limit_bytes: int) -> Pending:
    """What a commit found in git says about its revision.

    Args:
        kind: Which history it is in.
        commit: The commit.
        push: The push that brought it; None for a commit the house made.
        limit_bytes: Longest comment kept.
    """
    if push is not None:
        comment = clean_comment(commit.message.strip("\n"), limit_bytes)
        return Pending(kind, commit.oid, commit.tree, push.user, comment, push.time)
    comment, trailers = split_message(commit.message)
    if trailers is None:
        user = commit.author[0] or _UNKNOWN_USER
        comment = clean_comment(commit.message.strip("\n"), limit_bytes)
        return Pending(kind, commit.oid, commit.tree, user, comment, commit.time)
    return Pending(
        kind,
        commit.oid,
        commit.tree,
        trailers.user,
        comment,
        commit.time,
        trailers.request_id,
        trailers.operation,
    )


def pendings_of(
    kind: Kind, commits: Sequence[Commit], pushes: Mapping[str, Push], limit_bytes: int
) -> list[Pending]:
    """Pending revisions of commits in a row.

    Args:
        kind: Which history they are in.
        commits: First-parent commits, newest first.
        pushes: The push log, by tip.
        limit_bytes: Longest comment kept.

    Returns:
        Oldest first.
    """
    found = []
    push: Push | None = None
    for commit in commits:
        if push is not None and commit.oid == push.old:
            push = None
        if kind == "source":
            push = pushes.get(commit.oid, push)
        found.append(pending_of(kind, commit, push, limit_bytes))
    return found[::-1]


def prepare(
    context: Context,
    repository: Repository,
    facts: Facts,
    before: Listing,
    pendings: Sequence[Pending],
    examined: Examined | None = None,
) -> list[Prepared]:
    """Work out listings and versions of commits in a row, oldest first.

    Args:
        context: The storage.
        repository: Where the commits are.
        facts: Knowledge about blobs; grows.
        before: Listing of the revision before the first one.
        pendings: The commits.
        examined: What a push's check knows of their trees and blobs already.

    Raises:
        Damaged: An object is missing.
    """
    facts.add(facts_of(before))
    trees: dict[str, Rows] = {}
    if examined is not None:
        facts.offer(examined.facts)
        trees.update(examined.rows)
    _read_trees(repository, trees, pendings, before.tree)
    maker = ListingMaker(facts, trees.values())
    versions = _Versions(context, repository)
    prepared: list[Prepared] = []
    rows: Rows | None = None
    for pending in pendings:
        listing, present = before, rows
        if pending.tree != before.tree:
            rows = trees[pending.tree]
            listing = maker.make(pending.tree, rows, pending.time)
        fresh = () if listing is before else maker.fresh(rows or (), present or (), before)
        version, release = UNKNOWN_VERSION, 0
        if pending.kind == "source":
            same = bool(prepared) and listing.srcmd5 == before.srcmd5
            version, release = versions.of(listing, same)
        prepared.append(Prepared(pending, listing, fresh, version, release))
        before = listing
    return prepared


def _read_trees(
    repository: Repository, trees: dict[str, Rows], pendings: Sequence[Pending], before: str
) -> None:
    """Read the trees that commits change to and nobody read yet."""
    reader = RowReader()
    for pending in pendings:
        tree, before, is_same = pending.tree, pending.tree, pending.tree == before
        if is_same or tree in trees:
            continue
        data = b"" if tree == EMPTY_TREE else repository.objects.get(tree, "tree")
        try:
            trees[tree] = reader.read(data)
        except InvalidContent as error:
            raise Damaged(f"tree {tree} is damaged: {error.message}", oid=tree) from None


def record(
    unit: Unit, package: Package, facts: Facts, prepared: Sequence[Prepared]
) -> list[Revision]:
    """Write the rows of prepared revisions of one kind.

    The caller holds the repository's lock.
    """
    if not prepared:
        return []
    kind = prepared[0].pending.kind
    latest = unit.revisions.latest(package.id, kind)
    number = 0 if latest is None else latest.number
    for sha256, (md5, size) in facts.large.items():
        unit.contents.put_large_object(sha256, md5, size)
    unit.listings.put_all([item.listing for item in prepared])
    if kind == "source":
        unit.contents.put_all(package.id, _notes(facts, prepared))
    highest: dict[str, int] = {}
    recorded = [
        (_revision(unit, package, item, number + count, highest), item.pending.operation)
        for count, item in enumerate(prepared, start=1)
    ]
    unit.revisions.append_all(package.id, recorded)
    return [revision for revision, _ in recorded]


class _Versions:
    """Asks the joined-in parser; what it trips over must not keep anybody from committing."""

    def __init__(self, context: Context, repository: Repository) -> None:
        self._context = context
        self._repository = repository
        self._last = (UNKNOWN_VERSION, 0)
        self._read: dict[str, bytes] = {}

    def of(self, listing: Listing, same: bool) -> tuple[str, int]:
        """Version and release of a tree; ``same`` as the one asked for last."""
        if not same:
            self._last = self._ask(listing)
        return self._last

    def _ask(self, listing: Listing) -> tuple[str, int]:
        if listing.find("_link") is not None:
            return UNKNOWN_VERSION, 0
        had, self._read = self._read, {}

        def read(entry: Entry) -> bytes:
            if entry.sha256 is not None or entry.size > self._context.limits.recipe_bytes:
                return b""
            data = had.get(entry.blob)
            if data is None:
                data = self._repository.objects.get(entry.blob, "blob")
            self._read[entry.blob] = data
            return data

        try:
            answer = self._context.parse_version(listing, read)
        except Exception:
            _log.exception("version_parser_failed", extra={"srcmd5": listing.srcmd5})
            return UNKNOWN_VERSION, 0
        version, release = (answer, 0) if isinstance(answer, str) else answer
        return version[:_LONGEST_VERSION] or UNKNOWN_VERSION, release


def _revision(
    unit: Unit, package: Package, item: Prepared, number: int, highest: dict[str, int]
) -> Revision:
    """The row of a revision; ``highest`` has the last vrev of every version asked for so far."""
    pending = item.pending
    vrev = 0
    if pending.kind == "source":
        # Counts up within a version; a new one does not start below the recipe's release.
        if item.version not in highest:
            highest[item.version] = unit.revisions.max_vrev(package.id, item.version)
        before = highest[item.version]
        vrev = highest[item.version] = before + 1 if before else max(1, item.release)
    return Revision(
        kind=pending.kind,
        number=number,
        commit=pending.commit,
        tree=pending.tree,
        srcmd5=item.listing.srcmd5,
        version=item.version,
        vrev=vrev,
        user=pending.user,
        comment=pending.comment,
        time=pending.time,
        request_id=pending.request_id,
    )


def _notes(facts: Facts, prepared: Iterable[Prepared]) -> list[ContentNote]:
    return [
        ContentNote(
            name=entry.name,
            md5=entry.md5,
            sha256=entry.sha256 or facts.sha256_of.get(entry.blob),
            size=entry.size,
            blob=entry.blob,
            large=entry.sha256 is not None,
            stored_at=entry.mtime,
        )
        for item in prepared
        for entry in item.fresh
    ]
