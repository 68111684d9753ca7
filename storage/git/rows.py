"""Trees as rows of bytes: how thousands of nearly equal trees are compared.

Consecutive revisions differ in a file or two. A row is one line of a tree as it
lies there; equal rows are one object in memory, so that what is new in a tree is
a difference of sets, and only that is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from operator import itemgetter, lt

from .parsing import tree_entries
from .trees import ATTRIBUTES, FlatTree, TreeEntry

Row = tuple[bytes, bytes, bytes]
"""Mode in octal digits, name, raw object id."""

Rows = tuple[Row, ...]

_ROW = re.compile(rb"(100644|100755|100664|120000|40000|160000) ([^\0]+)\0(.{20})", re.DOTALL)
_DIRECTORY = b"40000"
_HIDDEN = ATTRIBUTES.encode()


class RowReader:
    """Reads trees into rows and keeps one copy of equal ones."""

    def __init__(self) -> None:
        """Start without rows."""
        self._known: dict[Row, Row] = {}

    def read(self, data: bytes) -> Rows:
        """Rows of a tree object, checked for form and order as ``tree_entries`` does.

        Raises:
            InvalidContent: Malformed, wrongly sorted, or with a name twice.
        """
        rows: list[Row] = _ROW.findall(data)
        if not _is_whole(rows, data) or not _is_sorted(rows):
            rows = [_row(entry) for entry in tree_entries(data)]
        return tuple(map(self._known.setdefault, rows, rows))


class TreeRows:
    """Trees read into rows, kept as far as memory allows."""

    def __init__(self, get: Callable[[str, str], bytes], most_rows: int) -> None:
        """Start without trees.

        Args:
            get: Content of an object by id and kind.
            most_rows: How many rows to keep, over all trees.
        """
        self._get = get
        self._reader = RowReader()
        self._trees: dict[str, Rows] = {}
        self._room = most_rows

    def read(self, tree: str) -> Rows:
        """Rows of a tree, checked as ``RowReader.read`` does.

        Raises:
            InvalidContent: It is malformed.
            Damaged: It is missing.
        """
        rows = self._trees.get(tree)
        if rows is None:
            rows = self._reader.read(self._get(tree, "tree"))
            if len(rows) <= self._room:
                self._room -= len(rows)
                self._trees[tree] = rows
        return rows


def visible(rows: Rows) -> Rows:
    """The rows of files clients see: all but ``.gitattributes``."""
    if _HIDDEN not in map(itemgetter(1), rows):
        return rows
    return tuple(row for row in rows if row[1] != _HIDDEN)


def entry_of(row: Row) -> TreeEntry:
    """A row as a line of a tree."""
    return TreeEntry(row[1], int(row[0], 8), row[2].hex())


def check_flat(rows: Iterable[Row]) -> None:
    """See that rows, of whatever trees, are those of packages.

    Raises:
        Damaged: One is a directory or has a name that is not UTF-8.
    """
    FlatTree.of_entries(map(entry_of, rows))


def _row(entry: TreeEntry) -> Row:
    return b"%o" % entry.mode, entry.name, bytes.fromhex(entry.oid)


def _is_whole(rows: list[Row], data: bytes) -> bool:
    """Whether nothing lies between the rows; each has a blank and a NUL besides its parts."""
    return sum(map(len, chain.from_iterable(rows))) + 2 * len(rows) == len(data)


def _is_sorted(rows: list[Row]) -> bool:
    """Whether names rise; where a directory counts as longer this cannot tell and says no."""
    if _DIRECTORY in set(map(itemgetter(0), rows)):
        return False
    names = list(map(itemgetter(1), rows))
    return all(map(lt, names, names[1:]))
