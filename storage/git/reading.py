"""Reading a package: revisions by selector, listings, content, history.

A listing of an indexed revision touches git only for one small ref read; the rest
comes from the index.
"""

from __future__ import annotations

from ..errors import InvalidRevision, UnknownRevision
from ..model import EMPTY_SRCMD5, Entry, Listing, Package, Revision
from ..names import RevisionSpec
from ..records import Unit
from .contents import Content, open_content
from .context import Context
from .facts import listing_of
from .listings import EMPTY_LISTING
from .repository import Repository
from .revisions import Kind
from .trees import EMPTY_TREE
from .uploads import open_area

NOTHING: tuple[Revision | None, Listing] = (None, EMPTY_LISTING)


class SourceReader:
    """The sources and metas of one package, read-only."""

    def __init__(self, context: Context, package: Package, repository: Repository) -> None:
        """Look at one package; nothing is read yet."""
        self._context = context
        self._package = package
        self._repository = repository

    def revision(self, spec: RevisionSpec, kind: Kind = "source") -> Revision | None:
        """The revision a selector means.

        Args:
            spec: The selector.
            kind: ``source`` or ``meta``.

        Returns:
            The revision; the open upload area looks like one with number 0. None
            for a package without commits, for the empty tree, and for a tree that
            is known but no revision.

        Raises:
            UnknownRevision: No such number or commit.
            InvalidRevision: A srcmd5 this package never had.
        """
        return self.listing(spec, kind)[0]

    def listing(self, spec: RevisionSpec, kind: Kind = "source") -> tuple[Revision | None, Listing]:
        """The revision a selector means, as ``revision`` says, and its files."""
        if spec.kind == "repository" or (spec.kind == "number" and spec.number == 0):
            return NOTHING
        if spec.kind in ("default", "upload") and kind == "source":
            area = self._upload_area()
            if area is not None:
                return area
        with self._context.records.read() as unit:
            revision = self._find(unit, spec, kind)
            known = None
            if revision is not None:
                known = unit.listings.get(revision.tree)
            elif spec.kind == "srcmd5":
                known = self._known_tree(unit, spec.checksum)
        if known is not None:
            return revision, known
        return NOTHING if revision is None else (revision, self._listing_of(revision.tree))

    def open(self, entry: Entry) -> Content:
        """Get ready to read one file of a listing of this package."""
        return open_content(entry, self._repository.objects, self._context.large)

    def history(
        self, kind: Kind = "source", limit: int | None = None, number: int | None = None
    ) -> list[Revision]:
        """Revisions, oldest first.

        Args:
            kind: ``source`` or ``meta``.
            limit: Only the last so many.
            number: Only this one.

        Raises:
            UnknownRevision: There is no such number.
        """
        with self._context.records.read() as unit:
            if number is not None:
                return [self._numbered(unit, kind, number)]
            return unit.revisions.history(self._package.id, kind, limit=limit)

    def upload_is_open(self) -> bool:
        """Whether there is an upload area."""
        return open_area(self._repository) is not None

    def meta_file(self, name: str, number: int | None = None) -> bytes | None:
        """A file of the meta ref (``_meta``, ``_attribute`` ...), None when it is not there.

        Raises:
            UnknownRevision: There is no such meta revision.
        """
        spec = RevisionSpec("latest") if number is None else RevisionSpec("number", number)
        entry = self.listing(spec, "meta")[1].find(name)
        return None if entry is None else self.open(entry).read()

    def _upload_area(self) -> tuple[Revision, Listing] | None:
        commit = open_area(self._repository)
        if commit is None:
            return None
        listing = self._listing_of(commit.tree)
        revision = Revision(
            "source",
            0,
            commit.oid,
            commit.tree,
            listing.srcmd5,
            version="",
            vrev=0,
            user=commit.author[0],
            comment="",
            time=commit.time,
        )
        return revision, listing

    def _find(self, unit: Unit, spec: RevisionSpec, kind: Kind) -> Revision | None:
        if spec.kind == "number":
            return self._numbered(unit, kind, spec.number)
        if spec.kind == "srcmd5":
            return unit.revisions.by_srcmd5(self._package.id, kind, spec.checksum)
        if spec.kind == "commit":
            revision = unit.revisions.by_commit(self._package.id, kind, spec.checksum)
            if revision is None:
                raise UnknownRevision(f"no such revision '{spec.checksum}'")
            return revision
        return unit.revisions.latest(self._package.id, kind)

    def _numbered(self, unit: Unit, kind: Kind, number: int) -> Revision:
        try:
            return unit.revisions.get(self._package.id, kind, number)
        except UnknownRevision:
            raise UnknownRevision("no such revision", number=number) from None

    def _known_tree(self, unit: Unit, srcmd5: str) -> Listing:
        """A tree that is no revision: an upload area, an expanded link, the empty one."""
        if srcmd5 == EMPTY_SRCMD5:
            return EMPTY_LISTING
        known = unit.listings.known(srcmd5, self._package.id)
        if known is None:
            raise InvalidRevision(
                f"{self._package.project}/{self._package.name}/{srcmd5}: not in repository"
            )
        return known

    def _listing_of(self, tree: str) -> Listing:
        if tree == EMPTY_TREE:
            return EMPTY_LISTING
        return listing_of(self._context, self._package, self._repository, tree)
