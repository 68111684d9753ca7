"""Whether pushed objects hang together and are fit to be kept.

A new tip must lead, object by object, only to things that were pushed or that
the repository's visible refs already lead to; each must be well formed and of
the kind its referrer says. This is stricter than git, which is content when an
object merely exists in the store: pools and refused pushes would leak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ..errors import Busy, InvalidContent, PackhouseError
from ..limits import StorageLimits
from ..names import PROJECT_CONTAINER
from .child import Deadline
from .largefiles import POINTER_LIMIT_BYTES, parse_pointer
from .objects import ObjectStore
from .packscan import PackLimits
from .parsing import GITLINK_MODE, check_safe_name, commit_links, tag_target, tree_entries
from .pushed import PushedObjects
from .reach import Reachable
from .refs import MAIN
from .rules import LargeCheck, check_tree, is_generated
from .trees import ATTRIBUTES, DIRECTORY_MODE, TreeEntry

_COMMIT_BYTES = 1 << 20
_TREE_BYTES = 16 << 20
_TAKEN = frozenset({"_meta", "_history", "_attribute"})
_OF_PROJECTS = frozenset({"_config", ATTRIBUTES})
_MOST_BYTES = {"commit": _COMMIT_BYTES, "tag": _COMMIT_BYTES, "tree": _TREE_BYTES}


class NotFastForward(InvalidContent):
    """The new tip of main does not continue the old one."""


class PushCheck:
    """Checks the tips of one push; what was found good is not looked at twice."""

    def __init__(
        self,
        objects: ObjectStore,
        pushed: PushedObjects | None,
        refs: Mapping[str, str],
        large: LargeCheck,
        storage_limits: StorageLimits,
        pack_limits: PackLimits,
        package: str = "",
    ) -> None:
        """Gather what the rules need.

        Args:
            objects: The repository's objects and the quarantine's.
            pushed: What came with the push; None when no pack did.
            refs: The public refs as they are.
            large: Which large files the package may point at.
            storage_limits: How many files and how big.
            pack_limits: How long checking may take.
            package: Name of the package; ``_project`` takes its configuration only.
        """
        self._objects = objects
        self._pushed = pushed
        self._refs = refs
        self._large = large
        self._storage_limits = storage_limits
        self._package = package
        self._deadline = Deadline(pack_limits.time_s)
        self._existing = Reachable(objects, refs.values(), self._deadline)
        self._good: set[tuple[str, str]] = set()
        self._pointers_checked = False

    def check(self, ref: str, new: str) -> None:
        """Check everything a ref's new value leads to.

        Raises:
            InvalidContent: A rule is broken.
            NotFastForward: main would lose a revision.
            Busy: Checking took too long.
        """
        try:
            self._closure(new, "commit" if ref.startswith("refs/heads/") else "")
        except PackhouseError:
            # Another ref may lead to the same bad object: nothing is known to be good now.
            self._good.clear()
            raise
        self._pointers()
        if ref == MAIN:
            self._revisions(new)

    def _closure(self, tip: str, kind: str) -> None:
        todo = [(tip, kind)]
        while todo:
            self._check_time()
            wanted = todo.pop()
            if wanted in self._good:
                continue
            self._good.add(wanted)
            todo.extend(self._links(*wanted))

    def _links(self, oid: str, kind: str) -> Iterator[tuple[str, str]]:
        """What an object refers to, with the kinds it says they have."""
        fact = self._pushed.find(oid) if self._pushed is not None else None
        if fact is None:
            known = self._existing.has(oid, kind) if kind else self._existing.kind(oid)
            if not known:
                raise InvalidContent(
                    f"{kind or 'object'} {oid} was not sent and is not in the repository",
                    hint="a shallow or partial clone can only push on top of what is here",
                )
            return
        if kind and fact.kind != kind:
            raise InvalidContent(f"object {oid} is a {fact.kind}, not a {kind}")
        if fact.size > _MOST_BYTES.get(fact.kind, fact.size):
            raise InvalidContent(f"{fact.kind} {oid} has {fact.size} bytes, which is too many")
        yield from _LINKS[fact.kind](self._objects, oid)

    def _pointers(self) -> None:
        """No pushed pointer, on whatever branch, may promise content nobody uploaded."""
        if self._pushed is None or self._pointers_checked:
            return
        for oid, fact in self._pushed:
            if fact.kind != "blob" or fact.size > POINTER_LIMIT_BYTES:
                continue
            pointer = parse_pointer(self._objects.get(oid, "blob"))
            if pointer is not None and self._large(pointer.sha256) != pointer.size:
                raise InvalidContent(
                    f"the content of large file {pointer.sha256[:12]} was not uploaded",
                    hint="run 'git lfs install', then 'git lfs push --all origin' and push again",
                )
        self._pointers_checked = True

    def _revisions(self, new: str) -> None:
        """Every commit that becomes a revision holds a tree that a package may have."""
        old = self._refs.get(MAIN)
        before = [] if old is None else self._entries(old)
        good_blobs = {entry.oid for entry in before}
        good_names = {entry.name for entry in before}
        for commit in self._new_first_parents(old, new):
            self._check_time()
            tree = commit_links(self._objects.get(commit, "commit")).tree
            try:
                check_tree(self._objects, tree, self._large, self._storage_limits, good_blobs)
                for name in {entry.name for entry in self._entries(commit)} - good_names:
                    self._check_name(name.decode())
                    good_names.add(name)
            except InvalidContent as error:
                raise InvalidContent(
                    f"commit {commit[:12]}: {error.message}", hint=error.hint
                ) from None

    def _new_first_parents(self, old: str | None, new: str) -> Sequence[str]:
        """New commits on the line of first parents, oldest first."""
        line: list[str] = []
        at: str | None = new
        while at is not None and at != old:
            line.append(at)
            if len(line) > self._storage_limits.push_commits:
                raise InvalidContent(
                    f"more than {self._storage_limits.push_commits} commits in one push",
                    hint="push the history in several steps",
                )
            parents = commit_links(self._objects.get(at, "commit")).parents
            at = parents[0] if parents else None
        if old is not None and at is None:
            raise self._not_a_continuation(old, new)
        return line[::-1]

    def _not_a_continuation(self, old: str, new: str) -> NotFastForward:
        """Tell a rewritten history from a merge made the wrong way round."""
        if Reachable(self._objects, [new], self._deadline).has(old, "commit"):
            return NotFastForward(
                "non-fast-forward by first parents",
                hint="revisions follow first parents, and main is the second parent of this "
                "merge: use 'git pull --rebase'",
            )
        return NotFastForward(
            "non-fast-forward",
            hint="revisions of main cannot be rewritten: use 'git pull --rebase'",
        )

    def _entries(self, commit: str) -> list[TreeEntry]:
        tree = commit_links(self._objects.get(commit, "commit")).tree
        return list(tree_entries(self._objects.get(tree, "tree")))

    def _check_name(self, name: str) -> None:
        """A file whose name is an address of something else could never be fetched by osc."""
        is_taken = name in _TAKEN or is_generated(name)
        if is_taken or (self._package == PROJECT_CONTAINER and name not in _OF_PROJECTS):
            raise InvalidContent(f"'{name}' is a name that cannot be pushed here")

    def _check_time(self) -> None:
        if self._deadline.is_over:
            raise Busy("checking the pushed objects takes too long", hint="push in several steps")


def _commit_links(objects: ObjectStore, oid: str) -> Iterator[tuple[str, str]]:
    links = commit_links(objects.get(oid, "commit"))
    yield links.tree, "tree"
    for parent in links.parents:
        yield parent, "commit"


def _tree_links(objects: ObjectStore, oid: str) -> Iterator[tuple[str, str]]:
    for entry in tree_entries(objects.get(oid, "tree")):
        check_safe_name(entry.name)
        if entry.mode == DIRECTORY_MODE:
            yield entry.oid, "tree"
        elif entry.mode != GITLINK_MODE:
            yield entry.oid, "blob"


def _tag_links(objects: ObjectStore, oid: str) -> Iterator[tuple[str, str]]:
    yield tag_target(objects.get(oid, "tag"))


def _no_links(_objects: ObjectStore, _oid: str) -> Iterator[tuple[str, str]]:
    return iter(())


_LINKS: Mapping[str, Callable[[ObjectStore, str], Iterator[tuple[str, str]]]] = {
    "commit": _commit_links,
    "tree": _tree_links,
    "tag": _tag_links,
    "blob": _no_links,
}
