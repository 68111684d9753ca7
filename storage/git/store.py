"""One package as the other rooms see it: read, write, and nothing about git."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import UnknownFile
from ..model import (
    Author,
    CommitResult,
    Entry,
    Listing,
    MissingFile,
    Package,
    Revision,
    WantedFile,
)
from ..names import LATEST, RevisionSpec
from . import files, uploads
from .contents import Content
from .context import Context
from .examined import Examined
from .filelists import FileListCommit, commit_files
from .intake import accept_large
from .metas import META_FILE, put_meta_file
from .pushes import PushResult, apply_push
from .reading import SourceReader
from .repository import Repository
from .revisions import Kind
from .staging import StagedFile
from .transaction import RefMove, large_size

DEFAULT = RevisionSpec("default")


class PackageStore:
    """The sources of one package.

    Attributes:
        package: Its row.
        repository: Its repository, for the git door.
    """

    def __init__(self, context: Context, package: Package) -> None:
        """Look at one package; use ``Storage.package``."""
        self.package = package
        self.repository: Repository = context.repository(package)
        self._context = context
        self._reader = SourceReader(context, package, self.repository)

    # reading

    def revision(self, spec: RevisionSpec = LATEST, kind: Kind = "source") -> Revision | None:
        """The revision a selector means; see ``SourceReader.revision``."""
        return self._reader.revision(spec, kind)

    def listing(
        self, spec: RevisionSpec = DEFAULT, kind: Kind = "source"
    ) -> tuple[Revision | None, Listing]:
        """The revision a selector means, and its files.

        The open upload area is a revision with number 0; a tree that is no
        revision, and the empty tree, come without one.

        Raises:
            UnknownRevision: No such number or commit.
            InvalidRevision: A srcmd5 this package never had.
        """
        return self._reader.listing(spec, kind)

    def open(self, entry: Entry) -> Content:
        """Get ready to read one file of a listing of this package."""
        return self._reader.open(entry)

    def file(self, name: str, spec: RevisionSpec = DEFAULT, kind: Kind = "source") -> Content:
        """Get ready to read a file by name.

        Raises:
            UnknownFile: It is not in that revision.
        """
        entry = self.listing(spec, kind)[1].find(name)
        if entry is None:
            raise UnknownFile(f"{name}: no such file", file=name)
        return self.open(entry)

    def history(
        self, kind: Kind = "source", limit: int | None = None, number: int | None = None
    ) -> list[Revision]:
        """Revisions, oldest first; the last ``limit``, or only ``number``.

        Raises:
            UnknownRevision: There is no such number.
        """
        return self._reader.history(kind, limit, number)

    def meta_raw(self, number: int | None = None) -> bytes:
        """The stored ``_meta``, the newest or that of a meta revision.

        Raises:
            UnknownRevision: There is no such meta revision.
        """
        raw = self._reader.meta_file(META_FILE, number)
        if raw is None:
            raise UnknownFile(f"{META_FILE}: no such file", file=META_FILE)
        return raw

    def meta_file(self, name: str, number: int | None = None) -> bytes | None:
        """A file beside ``_meta`` such as ``_attribute``, None when it is not there."""
        return self._reader.meta_file(name, number)

    def upload_is_open(self) -> bool:
        """Whether there is an upload area."""
        return self._reader.upload_is_open()

    # writing

    def put_file(
        self,
        name: str,
        staged: StagedFile,
        author: Author,
        comment: str = "",
        *,
        operation: str | None = None,
    ) -> CommitResult:
        """Commit one new or changed file, on top of the upload area if one is open.

        Args:
            name: Its name.
            staged: Its content.
            author: Who it is by.
            comment: Commit message.
            operation: Idempotency key: a repeated call answers what the first made.

        Raises:
            InvalidName: The name breaks the rules.
            InvalidContent: The content is an LFS pointer.
            Busy: Another write takes too long.
            StorageFull: No space left; nothing was kept.
        """
        return files.put_file(
            self._context, self.package, name, staged, author, comment, operation=operation
        )

    def delete_file(
        self, name: str, author: Author, comment: str = "", *, operation: str | None = None
    ) -> CommitResult:
        """Commit the removal of one file.

        Raises:
            UnknownFile: There is no such file.
        """
        return files.delete_file(
            self._context, self.package, name, author, comment, operation=operation
        )

    def store_content(self, name: str, staged: StagedFile) -> None:
        """Keep content under a name without a commit (``rev=repository``)."""
        files.store_content(self._context, self.package, name, staged)

    def upload_file(self, name: str, staged: StagedFile, author: Author) -> Listing:
        """Set one file in the upload area (``rev=upload``), opening it if need be."""
        return uploads.upload_file(self._context, self.package, name, staged, author)

    def upload_delete(self, name: str, author: Author) -> Listing:
        """Remove one file from the upload area, opening it if need be.

        Raises:
            UnknownFile: There is no such file in it.
        """
        return uploads.upload_delete(self._context, self.package, name, author)

    def commit_upload(
        self, author: Author, comment: str = "", *, operation: str | None = None
    ) -> CommitResult:
        """Make the upload area a revision; without one, a new revision of the latest tree."""
        return uploads.commit_upload(self._context, self.package, author, comment, operation)

    def drop_upload(self) -> None:
        """Forget the upload area; harmless when there is none."""
        uploads.drop_upload(self._context, self.package)

    def commit_files(
        self,
        wanted: Sequence[WantedFile],
        author: Author,
        comment: str = "",
        *,
        validate: bool,
        request_id: str | None = None,
        operation: str | None = None,
        also_known: Listing | None = None,
    ) -> CommitResult | list[MissingFile]:
        """Commit a whole list of files, or say what is missing; see ``filelists``.

        Args:
            wanted: The whole new tree; names of service results are dropped.
            author: Who it is by.
            comment: Commit message.
            validate: Stored content outside the latest tree must be proven.
            request_id: Request that caused the commit.
            operation: Idempotency key.
            also_known: Files the client has certainly seen: the expanded link.

        Raises:
            InvalidContent: A name is listed twice, or a checksum is not one.
            ChecksumMismatch: A proof is wrong.
        """
        commit = FileListCommit(wanted, validate, also_known, request_id, operation)
        return commit_files(self._context, self.package, commit, author, comment)

    def import_tree(
        self,
        contents: Mapping[str, StagedFile],
        author: Author,
        comment: str = "",
        *,
        replace: bool = True,
        operation: str | None = None,
        build_id: int | None = None,
    ) -> CommitResult:
        """Commit many files at once; see ``files.import_tree``."""
        return files.import_tree(
            self._context,
            self.package,
            contents,
            author,
            comment,
            replace=replace,
            operation=operation,
            build_id=build_id,
        )

    def put_meta_file(
        self, name: str, data: bytes | None, author: Author, comment: str = ""
    ) -> None:
        """Set or remove a file beside ``_meta`` such as ``_attribute``, as a meta revision."""
        put_meta_file(self._context, self.package, name, data, author, comment)

    # the git door

    def apply_push(
        self,
        moves: Sequence[RefMove],
        install: Callable[[], None],
        author: Author,
        *,
        atomic: bool = False,
        examined: Examined | None = None,
    ) -> PushResult:
        """Take over a push whose objects are in quarantine; see ``pushes.apply_push``."""
        return apply_push(
            self._context, self.package, moves, install, author, atomic=atomic, examined=examined
        )

    def large_size(self, sha256: str) -> int | None:
        """Size of a large file this package may show and the house has, else None."""
        return large_size(self._context, self.package, sha256)

    def accept_large(self, staged: StagedFile) -> None:
        """Keep a large file that came through this package's LFS door."""
        accept_large(self._context, self.package, staged)
