"""What can be reached from a set of refs, found out only as far as asked.

Two doors ask: a fetch may only want, and a push may only build on, objects
that the visible refs of this very repository lead to. Pools, hidden refs and
leftovers of the object store are nobody's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from ..errors import Busy, Damaged
from .child import Deadline
from .objects import ObjectStore
from .parsing import GITLINK_MODE, commit_links, tag_target, tree_entries
from .trees import DIRECTORY_MODE


class Reachable:
    """Objects below some tips; walks newest tips first and remembers the walk."""

    def __init__(self, store: ObjectStore, tips: Iterable[str], deadline: Deadline) -> None:
        """Peel the tips; history is walked when a question needs it.

        Args:
            store: The repository's objects.
            tips: Object ids that refs point to.
            deadline: When walking is given up.
        """
        self._store = store
        self._deadline = deadline
        self._kinds: dict[bytes, str] = {}
        self._read_trees: set[bytes] = set()
        self._waiting: deque[str] = deque()
        self._unfolded: deque[str] = deque()
        for tip in dict.fromkeys(tips):
            self._start(tip)
        self._history = self._walk_history()
        self._contents = self._walk_contents()

    def kind(self, oid: str) -> str | None:
        """Kind of a reachable object of unknown kind, or None.

        Raises:
            Busy: The walk took longer than allowed.
        """
        raw = bytes.fromhex(oid)
        if raw in self._kinds:
            return self._kinds[raw]
        # The newest tree is by far the likeliest place of a blob ...
        next(self._contents, None)
        # ... and commits are cheaper to walk than contents.
        return self._search(raw, self._history) or self._search(raw, self._contents)

    def has(self, oid: str, kind: str) -> bool:
        """Whether an object of that kind is reachable.

        Raises:
            Busy: The walk took longer than allowed.
        """
        raw = bytes.fromhex(oid)
        found = self._kinds.get(raw)
        if found is None:
            walk = self._history if kind == "commit" else self._contents
            found = self._search(raw, walk)
        return found == kind

    def _search(self, raw: bytes, walk: Iterator[None]) -> str | None:
        found = self._kinds.get(raw)
        while found is None:
            if self._deadline.is_over:
                raise Busy("looking through the history takes too long", hint="try again")
            if next(walk, self) is self:
                return self._kinds.get(raw)
            found = self._kinds.get(raw)
        return found

    def _start(self, tip: str) -> None:
        while True:
            found = self._store.find(tip)
            if found is None:
                raise Damaged(f"object {tip} is missing", oid=tip)
            raw = bytes.fromhex(tip)
            if found.kind == "commit":
                self._add_commit(tip)
                return
            self._kinds[raw] = found.kind
            if found.kind == "tree":
                self._unfold(tip)
            if found.kind != "tag":
                return
            tip = tag_target(found.data).oid

    def _add_commit(self, oid: str) -> None:
        raw = bytes.fromhex(oid)
        if raw not in self._kinds:
            self._kinds[raw] = "commit"
            self._waiting.append(oid)

    def _walk_history(self) -> Iterator[None]:
        while self._waiting:
            links = commit_links(self._store.get(self._waiting.popleft(), "commit"))
            self._unfolded.append(links.tree)
            for parent in links.parents:
                self._add_commit(parent)
            yield

    def _walk_contents(self) -> Iterator[None]:
        while True:
            if not self._unfolded and next(self._history, self) is self:
                return
            if self._unfolded:
                self._unfold(self._unfolded.popleft())
            yield

    def _unfold(self, tree: str) -> None:
        todo = [tree]
        while todo:
            oid = todo.pop()
            raw = bytes.fromhex(oid)
            if raw in self._read_trees:
                continue
            self._read_trees.add(raw)
            self._kinds[raw] = "tree"
            for entry in tree_entries(self._store.get(oid, "tree")):
                if entry.mode == DIRECTORY_MODE:
                    todo.append(entry.oid)
                elif entry.mode != GITLINK_MODE:
                    self._kinds[bytes.fromhex(entry.oid)] = "blob"
