"""``commitfilelist``: the client names the whole new tree, the house says what it lacks.

Contract: OBS API, section 7.8. With validation a client must prove that it has the
bytes of content that is stored but not part of the latest tree; without it, it may
name any content the package ever held, and a SHA-256 it gives must match.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ChecksumMismatch, InvalidContent
from ..model import Author, CommitResult, Entry, Listing, MissingFile, Package, WantedFile
from ..records import Content as ContentNote
from .context import Context
from .intake import Kept
from .rules import check_content_name, is_generated
from .transaction import Transaction
from .uploads import autocommit


@dataclass(frozen=True, slots=True)
class FileListCommit:
    """One call of commitfilelist.

    Attributes:
        files: The whole tree that is wanted.
        validate: Whether stored content outside the latest tree must be proven.
        also_known: Further files the client has certainly seen (an expanded link).
        request_id: Request that caused the commit.
        operation: Idempotency key.
    """

    files: Sequence[WantedFile]
    validate: bool
    also_known: Listing | None = None
    request_id: str | None = None
    operation: str | None = None


def commit_files(
    context: Context, package: Package, wanted: FileListCommit, author: Author, comment: str
) -> CommitResult | list[MissingFile]:
    """Commit a list of files, or say which content is missing.

    An open upload area becomes a revision of its own first.

    Raises:
        InvalidContent: A name is listed twice, or a checksum is not one.
        ChecksumMismatch: A proof is wrong.
    """
    files = _checked(context, wanted.files)
    with Transaction(context, package) as change:
        if (done := change.repeated(wanted.operation)) is not None:
            return done
        found = _find_all(change, files, wanted)
        if isinstance(found, list):
            return found
        autocommit(change, author)
        for item in found.values():
            item.tell(change)
        blobs = {name: item.blob for name, item in found.items()}
        tree_id = change.add_tree(change.tree().replaced(blobs))
        change.add_revision(
            "source",
            tree_id,
            author,
            comment,
            request_id=wanted.request_id,
            operation=wanted.operation,
        )
        return change.finish()[-1]


def _checked(context: Context, files: Sequence[WantedFile]) -> list[WantedFile]:
    seen: set[str] = set()
    checked = []
    for file in files:
        if file.name in seen:
            raise InvalidContent(f"file '{file.name}' is listed twice", file=file.name)
        seen.add(file.name)
        if is_generated(file.name):
            continue
        check_content_name(file.name)
        if not _is_hex(file.md5, 32):
            raise InvalidContent(f"not a md5 sum: '{file.md5[:80]}'")
        if file.sha256 is not None and not _is_hex(file.sha256, 64):
            raise InvalidContent(f"not a sha256 sum: '{file.sha256[:80]}'")
        checked.append(file)
    if len(checked) > context.limits.tree_files:
        raise InvalidContent(f"more than {context.limits.tree_files} files in one package")
    return checked


def _find_all(
    change: Transaction, files: Sequence[WantedFile], wanted: FileListCommit
) -> dict[str, Kept] | list[MissingFile]:
    latest = {(e.name, e.md5): e for e in change.latest_listing().entries}
    also = wanted.also_known
    shown = {(e.name, e.md5) for e in also.entries} if also is not None else set()
    outside = [file for file in files if (file.name, file.md5) not in latest]
    notes = _notes(change, outside)
    found: dict[str, Kept] = {}
    missing = []
    for file in files:
        key = (file.name, file.md5)
        if key in latest:
            found[file.name] = _of_entry(latest[key])
            _prove(change, file, found[file.name])
            continue
        stored = _stored(change, notes.get(file.name))
        if stored is None:
            missing.append(MissingFile(file.name, file.md5, "new"))
        elif wanted.validate and file.sha256 is None and key not in shown:
            missing.append(MissingFile(file.name, file.md5, "missing"))
        else:
            _prove(change, file, stored)
            found[file.name] = stored
    return missing or found


def _notes(change: Transaction, files: Sequence[WantedFile]) -> dict[str, ContentNote]:
    """What the package holds of these files, by name."""
    with change.context.records.read() as unit:
        notes = [unit.contents.find(change.package.id, file.name, file.md5) for file in files]
    return {note.name: note for note in notes if note is not None}


def _of_entry(entry: Entry) -> Kept:
    return Kept(
        check_content_name(entry.name),
        entry.blob,
        entry.md5,
        entry.size,
        entry.sha256,
        entry.sha256 is not None,
        entry.mtime,
    )


def _stored(change: Transaction, note: ContentNote | None) -> Kept | None:
    """Noted content as something to put into a tree, if its object is really there."""
    if note is None or note.blob not in change.repository.objects:
        return None
    if note.large and change.context.large.size(note.sha256 or "") != note.size:
        return None
    return Kept(
        check_content_name(note.name),
        note.blob,
        note.md5,
        note.size,
        note.sha256,
        note.large,
        note.stored_at,
    )


def _prove(change: Transaction, file: WantedFile, kept: Kept) -> None:
    """Compare the client's SHA-256 with that of the stored content."""
    if file.sha256 is None:
        return
    sha256 = kept.sha256
    if sha256 is None:
        data = change.repository.objects.get(kept.blob, "blob")
        sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != file.sha256:
        raise ChecksumMismatch(
            f"SHA mismatch for same md5sum in package {change.package.name} for file {file.name}",
            file=file.name,
        )


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and all(c in "0123456789abcdef" for c in text)
