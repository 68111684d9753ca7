"""Trees of packages: flat, parsed to values and written back byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import Damaged

FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
DIRECTORY_MODE = 0o040000
ATTRIBUTES = ".gitattributes"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_RAW_ID_BYTES = 20


class TreeEntry(NamedTuple):
    """One line of a tree as git has it; the name is raw bytes."""

    name: bytes
    mode: int
    oid: str


class Slot(NamedTuple):
    """What a name in a flat tree stands for."""

    oid: str
    mode: int = FILE_MODE


def parse_tree(data: bytes) -> Iterator[TreeEntry]:
    """Read the content of a tree object.

    Raises:
        Damaged: It is not a tree.
    """
    position, end = 0, len(data)
    while position < end:
        space = data.find(b" ", position, position + 8)
        nul = data.find(b"\0", space)
        after = nul + 1 + _RAW_ID_BYTES
        if space < 0 or nul < 0 or after > end:
            raise Damaged("a tree object is malformed")
        try:
            mode = int(data[position:space], 8)
        except ValueError:
            raise Damaged("a tree object is malformed") from None
        yield TreeEntry(data[space + 1 : nul], mode, data[nul + 1 : after].hex())
        position = after


@dataclass(frozen=True, slots=True)
class FlatTree:
    """A tree without directories, by name; changing makes a new one."""

    slots: Mapping[str, Slot]

    @classmethod
    def parse(cls, data: bytes) -> FlatTree:
        """Read a tree object that the rules have accepted.

        Raises:
            Damaged: It is not a flat tree with UTF-8 names.
        """
        return cls.of_entries(parse_tree(data))

    @classmethod
    def of_entries(cls, entries: Iterable[TreeEntry]) -> FlatTree:
        """Take the lines of a tree that the rules have accepted.

        Raises:
            Damaged: One is a directory, or has a name that is not UTF-8.
        """
        slots = {}
        for entry in entries:
            if entry.mode == DIRECTORY_MODE:
                raise Damaged("the tree holds a directory")
            try:
                slots[entry.name.decode()] = Slot(entry.oid, entry.mode)
            except UnicodeDecodeError:
                raise Damaged("the tree holds a name that is not UTF-8") from None
        return cls(slots)

    def with_files(self, blobs: Mapping[str, str]) -> FlatTree:
        """The tree with some files set; the executable bit of a name is kept.

        Args:
            blobs: Blob ids by name.
        """
        return FlatTree({**self.slots, **self._slots_for(blobs)})

    def replaced(self, blobs: Mapping[str, str]) -> FlatTree:
        """The tree with exactly these files; only ``.gitattributes``, invisible anyway, stays."""
        kept = {name: slot for name, slot in self.slots.items() if name == ATTRIBUTES}
        return FlatTree({**kept, **self._slots_for(blobs)})

    def without(self, name: str) -> FlatTree:
        """The tree with one name removed, if it was there."""
        return FlatTree({n: slot for n, slot in self.slots.items() if n != name})

    def files(self) -> dict[str, Slot]:
        """The files clients see: all but ``.gitattributes``."""
        return {name: slot for name, slot in self.slots.items() if name != ATTRIBUTES}

    def _slots_for(self, blobs: Mapping[str, str]) -> dict[str, Slot]:
        before = self.slots
        return {
            name: Slot(blob, before[name].mode if name in before else FILE_MODE)
            for name, blob in blobs.items()
        }

    def serialise(self) -> bytes:
        """The content of the tree object, names in byte order."""
        lines = sorted((name.encode(), slot) for name, slot in self.slots.items())
        return b"".join(
            b"%o %s\0%s" % (slot.mode, name, bytes.fromhex(slot.oid)) for name, slot in lines
        )


EMPTY = FlatTree({})
