"""The one writer: every change of a repository, through whichever door, happens here.

    with Transaction(context, package) as change:      # flock, alive?, healed
        change.add_revision("source", tree, author, "comment")   # objects, durable
        result = change.finish()                       # rows, refs, rows committed

``finish`` writes the rows first, moves the refs while the database transaction is
open, and commits it last. A refused row or a lost race therefore leaves nothing,
and a process that dies after a ref moved leaves a gap that the next opener heals.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Self

from ..errors import PackhouseError, TooLarge, UnknownPackage
from ..model import Author, CommitResult, Listing, Package, Revision
from ..records import Unit
from .attributes import merged_attributes
from .commits import Trailers, build_commit, clean_comment, clean_key, compose_message, read_commit
from .context import Context
from .examined import Examined
from .facts import Facts, listing_of
from .healing import heal_kinds, kinds_behind
from .listings import EMPTY_LISTING, Fact, facts_of
from .lock import repository_lock
from .outbox import announce_meta, announce_source
from .refs import UPLOAD
from .revisions import REF_OF, Kind, Pending, Prepared, prepare, record
from .trees import ATTRIBUTES, EMPTY, FlatTree

_log = logging.getLogger(__name__)

Also = Callable[[Unit], None]


@dataclass(frozen=True, slots=True)
class RefMove:
    """One ref to be moved; None = absent."""

    ref: str
    old: str | None
    new: str | None


class Transaction:
    """A change under way; a context manager that holds the repository's lock."""

    def __init__(
        self,
        context: Context,
        package: Package,
        *,
        timeout_s: float | None = None,
        trashed: bool = False,
    ) -> None:
        """Prepare; nothing is locked yet.

        Args:
            context: The storage.
            package: Whose repository.
            timeout_s: Longest wait for the lock; None = the configured one.
            trashed: Whether the package is a deleted one that is to come back.
        """
        self.context = context
        self.package = package
        self._trashed = trashed
        self._reopen(package)
        self._timeout_s = context.limits.lock_timeout_s if timeout_s is None else timeout_s
        self._stack = ExitStack()
        self._prepared: list[Prepared] = []
        self._moves: list[RefMove] = []
        self._tips: dict[Kind, str | None] = {}
        self._listings: dict[str, Listing] = {}
        self._finished = False

    def __enter__(self) -> Self:
        """Lock, see that the package is still there, heal.

        Raises:
            Busy: The lock was not had in time.
            UnknownPackage: The package was deleted meanwhile.
        """
        with ExitStack() as stack:
            stack.enter_context(self._locked())
            with self.context.records.read() as unit:
                self.package = self._reloaded(unit)
                behind = kinds_behind(unit, self.package, self.repository)
            heal_kinds(self.context, self.package, self.repository, behind)
            self._tips = {kind: self.repository.refs.read(ref) for kind, ref in REF_OF.items()}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()
        if self._finished:
            self.context.awake()

    def repeated(self, operation: str | None) -> CommitResult | None:
        """What an earlier call with the same idempotency key made, if there was one."""
        operation = clean_key(operation)
        if operation is None:
            return None
        with self.context.records.read() as unit:
            revision = unit.revisions.by_operation(self.package.id, operation)
        if revision is None:
            return None
        return CommitResult(revision, self.listing(revision.tree))

    def tip(self, kind: Kind = "source") -> str | None:
        """The newest commit, those of this transaction included."""
        for item in reversed(self._prepared):
            if item.pending.kind == kind:
                return item.pending.commit
        return self._tips[kind]

    def tree(self, kind: Kind = "source") -> FlatTree:
        """The tree of the newest commit."""
        latest = self.latest_tree_id(kind)
        return EMPTY if latest is None else self.parsed(latest)

    def latest_tree_id(self, kind: Kind = "source") -> str | None:
        """Id of the newest commit's tree, None without commits."""
        for item in reversed(self._prepared):
            if item.pending.kind == kind:
                return item.pending.tree
        tip = self._tips[kind]
        return None if tip is None else read_commit(self.repository.objects, tip).tree

    def latest_listing(self, kind: Kind = "source") -> Listing:
        """The listing of the newest commit."""
        latest = self.latest_tree_id(kind)
        return EMPTY_LISTING if latest is None else self.listing(latest)

    def parsed(self, tree_id: str) -> FlatTree:
        """A tree of this repository."""
        return FlatTree.parse(self.repository.objects.get(tree_id, "tree"))

    def listing(self, tree_id: str) -> Listing:
        """The listing of a tree of this repository."""
        if tree_id not in self._listings:
            self._listings[tree_id] = listing_of(
                self.context, self.package, self.repository, tree_id
            )
        return self._listings[tree_id]

    def large_size(self, sha256: str) -> int | None:
        """Size of a large file this package may point at, None when it may not.

        Knowing a checksum is not having the file: the package must have received it.
        """
        return large_size(self.context, self.package, sha256)

    def know(self, blob: str, fact: Fact, sha256: str | None = None) -> None:
        """Say what is known about a blob, to spare reading it.

        Args:
            blob: Its id.
            fact: md5, size and so on of the real content.
            sha256: Checksum of an ordinary blob's content, if known.
        """
        self.facts.add({blob: fact})
        if sha256 is not None:
            self.facts.sha256_of[blob] = sha256

    def add_tree(self, tree: FlatTree) -> str:
        """Write a source tree with the ``.gitattributes`` that fits it.

        Returns:
            Its id.

        Raises:
            TooLarge: It has too many files.
        """
        most = self.context.limits.tree_files
        if len(tree.slots) > most:
            raise TooLarge(f"more than {most} files in one package", limit_files=most)
        self.facts.add(facts_of(self.latest_listing()))
        self.facts.complete(slot.oid for slot in tree.files().values())
        present = tree.slots.get(ATTRIBUTES)
        before = b"" if present is None else self.repository.objects.get(present.oid, "blob")
        after = merged_attributes(before, self.facts.large_names(tree))
        if after != before:
            tree = tree.without(ATTRIBUTES)
            if after:
                tree = tree.with_files({ATTRIBUTES: self.writer.add("blob", after)})
        return self.writer.add("tree", tree.serialise())

    def add_revision(
        self,
        kind: Kind,
        tree_id: str,
        author: Author,
        comment: str,
        *,
        request_id: str | None = None,
        operation: str | None = None,
    ) -> None:
        """Make a commit on top of the newest one; ``finish`` makes it a revision.

        Args:
            kind: Which history it continues.
            tree_id: Its tree; may be the same as before.
            author: Who it is by.
            comment: Commit message.
            request_id: Request that caused it.
            operation: Idempotency key of the caller.
        """
        comment = clean_comment(comment, self.context.limits.comment_bytes)
        request_id, operation = clean_key(request_id), clean_key(operation)
        now = self.context.now()
        parent = self.tip(kind)
        message = compose_message(comment, Trailers(author.login, request_id, operation))
        parents = () if parent is None else (parent,)
        commit = self.writer.add("commit", build_commit(tree_id, parents, author, message, now))
        pending = Pending(kind, commit, tree_id, author.login, comment, now, request_id, operation)
        self.add_commits([pending])

    def add_commits(self, pendings: Sequence[Pending], examined: Examined | None = None) -> None:
        """Take existing commits that follow the newest one as revisions-to-be.

        Args:
            pendings: The commits, all of one kind, oldest first.
            examined: What a push's check knows of them already.
        """
        before = self.latest_listing(pendings[0].kind)
        prepared = prepare(self.context, self.repository, self.facts, before, pendings, examined)
        self._prepared += prepared
        self._listings.update((item.listing.tree, item.listing) for item in prepared)

    def move_ref(self, ref: str, old: str | None, new: str | None) -> None:
        """Note another ref to be moved by ``finish``; main and meta follow their revisions."""
        self._moves.append(RefMove(ref, old, new))

    def finish(
        self,
        also: Also | None = None,
        *,
        announce: bool = True,
        build_id: int | None = None,
    ) -> list[CommitResult]:
        """Make it so: rows, refs, commit of the rows.

        Args:
            also: Writes more rows in the same database transaction.
            announce: Whether the builder is told of the revisions.
            build_id: A build that was waiting for these sources.

        Returns:
            One result per new revision, in order.

        Raises:
            StaleTip: A ref was moved by somebody who did not hold the lock.
            StorageFull: No space left; nothing was changed.
        """
        self.writer.flush()
        with self.context.records.begin() as unit:
            results = self._record(unit, announce, build_id)
            if also is not None:
                also(unit)
            self._move_refs()
        self._finished = True
        self._close_upload_area()
        self._tips = {kind: self.tip(kind) for kind in REF_OF}
        self._prepared, self._moves = [], []
        return results

    def _record(self, unit: Unit, announce: bool, waiting_build: int | None) -> list[CommitResult]:
        results: list[CommitResult] = []
        for kind in REF_OF:
            prepared = [item for item in self._prepared if item.pending.kind == kind]
            revisions = record(unit, self.package, self.facts, prepared)
            build_id = None
            if announce:
                build_id = self._announce(unit, kind, revisions, waiting_build)
            for item, revision in zip(prepared, revisions, strict=True):
                newest = revision is revisions[-1]
                results.append(CommitResult(revision, item.listing, build_id if newest else None))
        return results

    def _announce(
        self, unit: Unit, kind: Kind, revisions: Sequence[Revision], build_id: int | None
    ) -> int | None:
        if not revisions:
            return None
        if kind == "source":
            return announce_source(unit, self.package, revisions[-1], build_id)
        announce_meta(unit, self.package, revisions[-1])
        return None

    def _move_refs(self) -> None:
        moves = list(self._moves)
        for kind, ref in REF_OF.items():
            if (new := self.tip(kind)) != self._tips[kind]:
                moves.append(RefMove(ref, self._tips[kind], new))
        moved: list[RefMove] = []
        try:
            for move in moves:
                self.repository.refs.move(move.ref, move.old, move.new)
                moved.append(move)
        except BaseException:
            for move in reversed(moved):
                self.repository.refs.move(move.ref, move.new, move.old)
            raise

    def _close_upload_area(self) -> None:
        """Drop an upload area that a new revision made stale; staying, it would be ignored."""
        if not any(item.pending.kind == "source" for item in self._prepared):
            return
        refs = self.repository.refs
        try:
            refs.move(UPLOAD, refs.read(UPLOAD), None)
        except (OSError, PackhouseError):
            _log.exception("upload_area_kept", extra={"container": self.package.container})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The lock, also when delete or undelete moved the repository while we waited."""
        with ExitStack() as stack:
            try:
                stack.enter_context(repository_lock(self.repository.path, self._timeout_s))
            except UnknownPackage:
                with self.context.records.read() as unit:
                    self._reopen(self._reloaded(unit))
                stack.enter_context(repository_lock(self.repository.path, self._timeout_s))
            yield

    def _reopen(self, package: Package) -> None:
        self.repository = self.context.repository(package)
        self.writer = self.repository.writer()
        self.facts = Facts(self.context, package, self.repository)

    def _reloaded(self, unit: Unit) -> Package:
        """The package's row, now that nobody else can change it.

        Raises:
            UnknownPackage: It was deleted, or brought back, by somebody else.
        """
        package = unit.packages.by_id(self.package.id)
        project = unit.projects.by_id(package.project_id)
        is_trashed = package.deleted_at is not None
        if project.deleted_at is not None or is_trashed != self._trashed:
            raise UnknownPackage(
                f"package '{package.name}' in project '{package.project}' was deleted"
            )
        return package


def large_size(context: Context, package: Package, sha256: str) -> int | None:
    """Size of a large file that a package may point at and the house has, else None."""
    with context.records.read() as unit:
        granted = unit.contents.granted_large(package.id, sha256)
    return None if granted is None else context.large.size(sha256)
