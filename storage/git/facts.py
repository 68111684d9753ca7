"""What is known about blobs of one package, and the listings made from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from ..model import Entry, Listing, Package
from .context import Context
from .listings import EMPTY_LISTING, Fact, facts_of, learn, make_listing
from .repository import Repository
from .rows import Row, Rows, check_flat, entry_of, visible
from .trees import EMPTY_TREE, FlatTree


class Facts:
    """Knowledge about blobs, growing while commits are prepared."""

    def __init__(self, context: Context, package: Package, repository: Repository) -> None:
        """Start without knowledge."""
        self._context = context
        self._package = package
        self._repository = repository
        self._known: dict[str, Fact] = {}
        self._undated: set[str] = set()
        self.sha256_of: dict[str, str] = {}
        self.large: dict[str, tuple[str, int]] = {}

    def add(self, facts: Mapping[str, Fact]) -> None:
        """Take over facts somebody has."""
        self._known.update(facts)

    def offer(self, facts: Mapping[str, Fact]) -> None:
        """Take over facts about blobs nothing is known of yet."""
        self._known = {**facts, **self._known}

    def of(self, blob: str) -> Fact:
        """What is known about a blob that was asked for in ``complete``."""
        return self._known[blob]

    def listing(self, tree_id: str, tree: FlatTree, time: int) -> Listing:
        """The listing of a tree; blobs nobody knows are read.

        Args:
            tree_id: Object id of the tree.
            tree: Its content.
            time: mtime of content the package never held, Unix seconds.
        """
        self.complete(slot.oid for slot in tree.files().values())
        listing = make_listing(tree_id, tree, self._known, time)
        self._known.update(facts_of(listing))
        return listing

    def complete(self, blobs: Iterable[str]) -> None:
        """Learn about every blob that is not known yet."""
        wanted = set(blobs)
        unknown = sorted(wanted - self._known.keys())
        self._known.update(learn(self._repository.objects, unknown, self._large_facts))
        undated = sorted(blob for blob in wanted - self._undated if self._known[blob].mtime is None)
        if not undated:
            return
        with self._context.records.read() as unit:
            stored = unit.contents.first_stored(self._package.id, undated)
        for blob, at in stored.items():
            self.date(blob, at)
        # Nobody else writes to the package while a change of it is prepared.
        self._undated.update(set(undated) - stored.keys())

    def date(self, blob: str, at: int) -> None:
        """Say when a blob was first stored, Unix seconds."""
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


class ListingMaker:
    """Makes the listings of many trees in a row; equal rows give the same entry object."""

    def __init__(self, facts: Facts, trees: Iterable[Rows]) -> None:
        """Learn about every blob of the trees.

        Args:
            facts: Knowledge about blobs; grows.
            trees: All trees that will be asked for.

        Raises:
            Damaged: A tree is not one of a package.
        """
        self._facts = facts
        self._entries: dict[Row, Entry] = {}
        self._lines: dict[Row, bytes] = {}
        rows: set[Row] = set().union(*map(visible, trees))
        check_flat(rows)
        facts.complete(row[2].hex() for row in rows)

    def make(self, tree_id: str, rows: Rows, time: int) -> Listing:
        """The listing of one tree, to be called in the order of revisions.

        Args:
            tree_id: Object id of the tree.
            rows: Its content.
            time: mtime of content the package never held, Unix seconds.
        """
        shown = visible(rows)
        for row in set(shown).difference(self._entries):
            self._add(row, time)
        entries = tuple(map(self._entries.__getitem__, shown))
        # Rows of a flat tree and the lines of srcmd5 are both in byte order of names.
        lines = b"".join(map(self._lines.__getitem__, shown))
        return Listing(tree_id, hashlib.md5(lines, usedforsecurity=False).hexdigest(), entries)

    def fresh(self, rows: Rows, before: Rows, present: Listing) -> tuple[Entry, ...]:
        """Entries whose content the revision before did not have under that name.

        Args:
            rows: A tree that was made a listing of.
            before: The tree before, as far as it is known.
            present: Its listing.
        """
        changed = set(rows).difference(before)
        if not changed:
            return ()
        had = {entry.name: entry.md5 for entry in present.entries}
        entries = [self._entries[row] for row in visible(rows) if row in changed]
        return tuple(entry for entry in entries if had.get(entry.name) != entry.md5)

    def _add(self, row: Row, time: int) -> None:
        entry = entry_of(row)
        fact = self._facts.of(entry.oid)
        if fact.mtime is None:
            self._facts.date(entry.oid, time)
        mtime = time if fact.mtime is None else fact.mtime
        self._entries[row] = Entry(
            entry.name.decode(), fact.md5, fact.size, mtime, entry.oid, fact.sha256
        )
        self._lines[row] = b"%s  %s\n" % (fact.md5.encode(), entry.name)


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
