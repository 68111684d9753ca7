"""Content on its way into a package: checked, put where it belongs, noted.

Done before any lock is taken; an object nobody refers to in the end is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InvalidContent
from ..model import Package
from ..names import FileName
from ..records import Content as ContentNote
from .context import Context
from .largefiles import POINTER_LIMIT_BYTES, Pointer, is_large, parse_pointer
from .listings import Fact
from .repository import Repository
from .rules import check_content_name
from .staging import StagedFile
from .transaction import Transaction
from .writer import ObjectWriter


@dataclass(frozen=True, slots=True)
class Kept:
    """Content that is stored and can be put into a tree.

    Attributes:
        blob: Git blob, of the pointer for a large file.
        sha256: Checksum of the content, if known.
        large: Whether the large file store has it.
        stored_at: When the package first held it, None = it does not yet.
    """

    name: FileName
    blob: str
    md5: str
    size: int
    sha256: str | None
    large: bool
    stored_at: int | None = None

    def fact(self) -> Fact:
        """What a listing needs to know."""
        return Fact(self.md5, self.size, self.sha256 if self.large else None, self.stored_at)

    def note(self, now: int) -> ContentNote:
        """The row that says the package holds it."""
        at = now if self.stored_at is None else self.stored_at
        return ContentNote(self.name, self.md5, self.sha256, self.size, self.blob, self.large, at)

    def tell(self, change: Transaction) -> None:
        """Pass on what is known, so that the transaction need not read the blob."""
        change.know(self.blob, self.fact(), None if self.large else self.sha256)


def keep(context: Context, repository: Repository, name: str, staged: StagedFile) -> Kept:
    """Store the content of one source file, durably.

    Args:
        context: The storage.
        repository: Of the package it is for.
        name: Name of the file.
        staged: The content.

    Raises:
        InvalidName: The name breaks the rules.
        InvalidContent: It is an LFS pointer; those come by git push only, because
            whoever knows a checksum could read somebody else's content otherwise.
        StorageFull: No space left; nothing was kept.
    """
    writer = repository.writer()
    kept = keep_with(context, writer, name, staged)
    writer.flush()
    return kept


def keep_with(context: Context, writer: ObjectWriter, name: str, staged: StagedFile) -> Kept:
    """``keep`` for many files: the caller flushes the writer."""
    checked = check_content_name(name)
    if staged.size <= POINTER_LIMIT_BYTES and parse_pointer(staged.head) is not None:
        raise InvalidContent(
            f"'{checked}' is a Git LFS pointer",
            hint="send the file itself",
            file=str(checked),
        )
    large = is_large(staged, context.limits)
    if large:
        context.large.add(staged)
        blob = writer.add("blob", Pointer(staged.sha256, staged.size).text())
        with context.records.begin() as unit:
            unit.contents.put_large_object(staged.sha256, staged.md5, staged.size)
    else:
        blob = writer.add_file(staged)
    return Kept(checked, blob, staged.md5, staged.size, staged.sha256, large)


def accept_large(context: Context, package: Package, staged: StagedFile) -> None:
    """Keep a large file sent by an LFS client, and let the package point at it."""
    context.large.add(staged)
    with context.records.begin() as unit:
        unit.contents.put_large_object(staged.sha256, staged.md5, staged.size)
        unit.contents.grant_large(package.id, staged.sha256)
