"""From a tree to what clients see: name, md5, size and mtime per file, and srcmd5.

A listing is made from its parent's: a blob seen before keeps its facts, so only
changed content is hashed. It depends on nothing but the tree, apart from mtimes,
which say when the content first appeared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..model import EMPTY_SRCMD5, Entry, Listing
from .largefiles import parse_pointer
from .objects import ObjectStore
from .trees import EMPTY_TREE, FlatTree

EMPTY_LISTING = Listing(tree=EMPTY_TREE, srcmd5=EMPTY_SRCMD5)


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about a blob.

    Attributes:
        size: Bytes of the real content.
        sha256: Id in the large file store; None for an ordinary blob.
        mtime: When it was first stored, None = not known yet.
    """

    md5: str
    size: int
    sha256: str | None = None
    mtime: int | None = None


LargeFacts = Callable[[str, int], tuple[str, int]]
"""From the sha256 and size of a pointer to the real md5 and size."""


def srcmd5_of(lines: Iterable[tuple[str, str]]) -> str:
    """Checksum of a tree: md5 over ``<md5>  <name>`` lines, names in byte order.

    Args:
        lines: Pairs of name and md5. The contract: OBS API, section 7.1.
    """
    ordered = sorted((name.encode(), md5) for name, md5 in lines)
    text = b"".join(b"%s  %s\n" % (md5.encode(), name) for name, md5 in ordered)
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def facts_of(listing: Listing | None) -> dict[str, Fact]:
    """What a listing knows about blobs, by blob id."""
    if listing is None:
        return {}
    return {e.blob: Fact(e.md5, e.size, e.sha256, e.mtime) for e in listing.entries}


def make_listing(
    tree_id: str, tree: FlatTree, facts: Mapping[str, Fact], default_mtime: int
) -> Listing:
    """Put a listing together from facts about every blob of the tree.

    Args:
        tree_id: Object id of the tree.
        tree: Its content.
        facts: Facts by blob id; must cover the tree.
        default_mtime: For content whose time is not known, Unix seconds.
    """
    entries = []
    for name, slot in tree.files().items():
        fact = facts[slot.oid]
        mtime = default_mtime if fact.mtime is None else fact.mtime
        entries.append(Entry(name, fact.md5, fact.size, mtime, slot.oid, fact.sha256))
    entries.sort(key=lambda entry: entry.name.encode())
    return Listing(tree_id, srcmd5_of((e.name, e.md5) for e in entries), tuple(entries))


def learn(
    objects: ObjectStore,
    blobs: Iterable[str],
    large: LargeFacts,
) -> dict[str, Fact]:
    """Find out the facts about blobs by reading them.

    Args:
        objects: Where the blobs are.
        blobs: Their ids.
        large: Tells the real md5 and size of a large file.

    Raises:
        Damaged: A blob, or the content of a pointer, is missing.
    """
    facts = {}
    for blob in blobs:
        data = objects.get(blob, "blob")
        pointer = parse_pointer(data)
        if pointer is None:
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
            facts[blob] = Fact(md5, len(data))
        else:
            md5, size = large(pointer.sha256, pointer.size)
            facts[blob] = Fact(md5, size, pointer.sha256)
    return facts
