"""Listings: the files of a tree, kept as one line of text per tree."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from ...model import Entry, Listing
from ..tables.sources import known_trees, listings, revisions
from .base import Store

_COLUMNS = (listings.c.tree, listings.c.srcmd5, listings.c.entries)
_BY_TREE = select(*_COLUMNS).where(listings.c.tree == bindparam("tree"))
_IN_REVISIONS = (
    select(*_COLUMNS)
    .join(revisions, revisions.c.tree == listings.c.tree)
    .where(
        revisions.c.package_id == bindparam("package_id"),
        revisions.c.kind == "source",
        revisions.c.srcmd5 == bindparam("srcmd5"),
    )
    .order_by(revisions.c.number.desc())
    .limit(1)
)
_REMEMBERED = (
    select(*_COLUMNS)
    .join(known_trees, known_trees.c.tree == listings.c.tree)
    .where(
        known_trees.c.package_id == bindparam("package_id"),
        known_trees.c.srcmd5 == bindparam("srcmd5"),
    )
)


class Listings(Store):
    """Immutable: a tree id says all, so a row never changes."""

    def get(self, tree: str) -> Listing | None:
        """The listing of a tree, or None when it was not made yet."""
        row = self._tx.first(_BY_TREE, tree=tree)
        return None if row is None else _load(row[0], row[1], row[2])

    def put(self, listing: Listing) -> None:
        """Keep a listing; one that is there already stays as it is."""
        self.put_all([listing])

    def put_all(self, kept: Sequence[Listing]) -> None:
        """``put`` for many; entries that several listings share are written out once."""
        if not kept:
            return
        texts: dict[int, str] = {}
        rows = [
            {"tree": listing.tree, "srcmd5": listing.srcmd5, "entries": _dump(listing, texts)}
            for listing in kept
        ]
        self._tx.write(self._tx.insert(listings).on_conflict_do_nothing(), rows)

    def remember(self, package_id: int, listing: Listing) -> None:
        """Keep a listing that is no revision, to be found by ``known``."""
        self.put(listing)
        self._tx.write(
            self._tx.insert(known_trees).on_conflict_do_nothing(),
            {"package_id": package_id, "srcmd5": listing.srcmd5, "tree": listing.tree},
        )

    def known(self, srcmd5: str, package_id: int) -> Listing | None:
        """The sources a package has or was shown under that srcmd5, or None."""
        for statement in (_IN_REVISIONS, _REMEMBERED):
            row = self._tx.first(statement, package_id=package_id, srcmd5=srcmd5)
            if row is not None:
                return _load(row[0], row[1], row[2])
        return None


def _dump(listing: Listing, texts: dict[int, str]) -> str:
    """Arrays, not objects: names of fields would be half of the text.

    ``texts`` holds what was written of each entry object, while all of them live.
    """
    keys = list(map(id, listing.entries))
    if not texts.keys() >= set(keys):
        for key, e in zip(keys, listing.entries, strict=True):
            if key not in texts:
                row = [e.name, e.md5, e.size, e.mtime, e.blob, e.sha256]
                texts[key] = json.dumps(row, separators=(",", ":"))
    return f"[{','.join(map(texts.__getitem__, keys))}]"


def _load(tree: str, srcmd5: str, text: str) -> Listing:
    return Listing(tree, srcmd5, tuple([Entry(*row) for row in json.loads(text)]))
