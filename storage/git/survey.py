"""One look at everything a push brought, so that nothing is inflated twice.

Checks ask about the same objects again and again: whether they hang together,
whether trees follow the rules, what a file's md5 is. Every pushed object is read
once, in the order of the pack; commits and trees are kept as far as memory
allows, and of blobs only what is known about them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..errors import Busy
from .child import Deadline
from .largefiles import POINTER_LIMIT_BYTES, Pointer, parse_pointer
from .listings import Fact
from .objects import ObjectStore, StoredObject
from .pushed import PushedObject

_KEPT_BYTES = 64 << 20


class Survey:
    """What one pass over the pushed objects found; without a pass, that nothing was pushed.

    Attributes:
        objects: The repository's objects and the quarantine's.
        facts: md5 and size of ordinary blobs, by id.
        pointers: Blobs that are pointers to large files, by id.
    """

    def __init__(self, objects: ObjectStore) -> None:
        """Start with nothing pushed.

        Args:
            objects: Where to find what was not pushed, or could not be kept.
        """
        self.objects = objects
        self.facts: dict[str, Fact] = {}
        self.pointers: dict[str, Pointer] = {}
        self._kept: dict[str, StoredObject] = {}
        self._left_out: dict[str, PushedObject] = {}
        self._room = _KEPT_BYTES

    def take(self, contents: Iterable[tuple[str, StoredObject]], deadline: Deadline) -> None:
        """Look at every pushed object.

        Args:
            contents: Ids and contents.
            deadline: When to give up.

        Raises:
            Busy: It took too long.
            InvalidContent: The pack cannot be read.
        """
        for oid, found in contents:
            if deadline.is_over:
                raise Busy("checking the pushed objects takes too long", hint="push in steps")
            self._note(oid, found)

    def find(self, oid: str) -> PushedObject | None:
        """Kind and size of a pushed object, or None."""
        if (kept := self._kept.get(oid)) is not None:
            return PushedObject(kept.kind, len(kept.data))
        if (fact := self.facts.get(oid)) is not None:
            return PushedObject("blob", fact.size)
        return self._left_out.get(oid)

    def get(self, oid: str, kind: str) -> bytes:
        """Content of an object, pushed or not, that must be of that kind.

        Raises:
            Damaged: It is absent or of another kind.
        """
        kept = self._kept.get(oid)
        if kept is not None and kept.kind == kind:
            return kept.data
        return self.objects.get(oid, kind)

    def content(self, blob: str) -> tuple[int, Pointer | None]:
        """Size of a blob, pushed or not, and what it says if it is a pointer.

        Raises:
            Damaged: It is absent.
        """
        if (fact := self.facts.get(blob)) is not None:
            return fact.size, None
        data = self.objects.get(blob, "blob")
        return len(data), parse_pointer(data)

    def _note(self, oid: str, found: StoredObject) -> None:
        size = len(found.data)
        if found.kind == "blob":
            pointer = parse_pointer(found.data) if size <= POINTER_LIMIT_BYTES else None
            if pointer is None:
                md5 = hashlib.md5(found.data, usedforsecurity=False).hexdigest()
                self.facts[oid] = Fact(md5, size)
            else:
                self.pointers[oid] = pointer
                self._left_out[oid] = PushedObject("blob", size)
        elif size <= self._room:
            self._room -= size
            self._kept[oid] = found
        else:
            self._left_out[oid] = PushedObject(found.kind, size)
