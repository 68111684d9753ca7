"""From commits to index rows: numbers, listings, versions, content, events and builds.

Revision N is the Nth first-parent commit after the package's base. ``prepare``
reads git and works without a database transaction; ``record`` writes the rows and
reads nothing but the database. The same two steps serve a commit over HTTP, a
push, healing after a crash, and rebuilding the index.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..model import Entry, Listing, Package, Revision
from ..records import Content as ContentNote
from ..records import Unit
from .commits import Commit, clean_comment, split_message
from .context import UNKNOWN_VERSION, Context
from .listings import EMPTY_LISTING, Fact, facts_of, learn, make_listing
from .pushlog import Push
from .refs import MAIN, META
from .repository import Repository
from .trees import EMPTY_TREE, FlatTree

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


class Facts:
    """What is known about blobs of one package, growing while commits are prepared."""

    def __init__(self, context: Context, package: Package, repository: Repository) -> None:
        """Start without knowledge."""
        self._context = context
        self._package = package
        self._repository = repository
        self._known: dict[str, Fact] = {}
        self.sha256_of: dict[str, str] = {}
        self.large: dict[str, tuple[str, int]] = {}

    def add(self, facts: Mapping[str, Fact]) -> None:
        """Take over facts somebody has."""
        self._known.update(facts)

    def listing(self, tree_id: str, tree: FlatTree, time: int) -> Listing:
        """The listing of a tree; blobs nobody knows are read.

        Args:
            tree_id: Object id of the tree.
            tree: Its content.
            time: mtime of content the package never held, Unix seconds.
        """
        self.complete(tree)
        listing = make_listing(tree_id, tree, self._known, time)
        self._known.update(facts_of(listing))
        return listing

    def complete(self, tree: FlatTree) -> None:
        """Learn about every blob of a tree that is not known yet."""
        blobs = {slot.oid for slot in tree.files().values()}
        unknown = sorted(blobs - self._known.keys())
        self._known.update(learn(self._repository.objects, unknown, self._large_facts))
        undated = sorted(blob for blob in blobs if self._known[blob].mtime is None)
        if not undated:
            return
        with self._context.records.read() as unit:
            stored = unit.contents.first_stored(self._package.id, undated)
        for blob, at in stored.items():
            fact = self._known[blob]
            self._known[blob] = Fact(fact.md5, fact.size, fact.sha256, at)

    def large_names(self, tree: FlatTree) -> list[str]:
        """Names of a completed tree that are pointers to large files."""
        files = tree.files().items()
        return [name for name, slot in files if self._known[slot.oid].sha256 is not None]

    def _large_facts(self, sha256: str, size: int) -> tuple[str, int]:
        with self._context.records.read() as unit:
            known = unit.contents.large_object(sha256)
        if known is None:
            checksum = hashlib.md5(usedforsecurity=False)
            for chunk in self._context.large.chunks(sha256):
                checksum.update(chunk)
            known = self.large[sha256] = (checksum.hexdigest(), size)
        return known


def listing_of(context: Context, package: Package, repository: Repository, tree: str) -> Listing:
    """The listing of a tree of a package, from the index or made anew."""
    if tree == EMPTY_TREE:
        return EMPTY_LISTING
    with context.records.read() as unit:
        known = unit.listings.get(tree)
    if known is not None:
        return known
    parsed = FlatTree.parse(repository.objects.get(tree, "tree"))
    return Facts(context, package, repository).listing(tree, parsed, context.now())


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
    pendings: Iterable[Pending],
) -> list[Prepared]:
    """Work out listings and versions of commits in a row, oldest first.

    Args:
        context: The storage.
        repository: Where the commits are.
        facts: Knowledge about blobs; grows.
        before: Listing of the revision before the first one.
        pendings: The commits.

    Raises:
        Damaged: An object is missing.
    """
    facts.add(facts_of(before))
    prepared: list[Prepared] = []
    for pending in pendings:
        listing = before
        if pending.tree != before.tree:
            data = b""
            if pending.tree != EMPTY_TREE:
                data = repository.objects.get(pending.tree, "tree")
            listing = facts.listing(pending.tree, FlatTree.parse(data), pending.time)
        prepared.append(_prepared(context, repository, pending, listing, before, prepared))
        before = listing
    return prepared


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


def _prepared(
    context: Context,
    repository: Repository,
    pending: Pending,
    listing: Listing,
    before: Listing,
    earlier: Sequence[Prepared],
) -> Prepared:
    had = {(entry.name, entry.md5) for entry in before.entries}
    fresh = tuple(entry for entry in listing.entries if (entry.name, entry.md5) not in had)
    if pending.kind == "meta":
        return Prepared(pending, listing, fresh, UNKNOWN_VERSION, 0)
    if earlier and listing.srcmd5 == before.srcmd5:
        version, release = earlier[-1].version, earlier[-1].release
    else:
        version, release = _version(context, repository, listing)
    return Prepared(pending, listing, fresh, version, release)


def _version(context: Context, repository: Repository, listing: Listing) -> tuple[str, int]:
    """Ask the joined-in parser; what it trips over must not keep anybody from committing."""
    if listing.find("_link") is not None:
        return UNKNOWN_VERSION, 0

    def read(entry: Entry) -> bytes:
        if entry.sha256 is not None or entry.size > context.limits.recipe_bytes:
            return b""
        return repository.objects.get(entry.blob, "blob")

    try:
        answer = context.parse_version(listing, read)
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
