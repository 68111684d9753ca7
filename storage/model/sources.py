"""Files, revisions and what writing calls answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree as clients see it (large files: real md5 and size).

    Attributes:
        size: Bytes.
        mtime: When this content was first stored, Unix seconds.
        blob: Git blob id; of the pointer for a large file.
        sha256: Id in the large file store, None for an ordinary blob.
    """

    name: str
    md5: str
    size: int
    mtime: int
    blob: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one tree, sorted by name in byte order."""

    tree: str
    srcmd5: str
    entries: tuple[Entry, ...] = ()

    def find(self, name: str) -> Entry | None:
        """The entry of that name, or None."""
        return next((e for e in self.entries if e.name == name), None)


@dataclass(frozen=True, slots=True)
class Revision:
    """Revision N: the Nth first-parent commit after the base.

    Attributes:
        kind: ``source`` (refs/heads/main) or ``meta`` (refs/meta/config).
        vrev: Check-in counter within ``version``; 0 for meta.
        request_id: OBS request number, if one caused it.
    """

    kind: Literal["source", "meta"]
    number: int
    commit: str
    tree: str
    srcmd5: str
    version: str
    vrev: int
    user: str
    comment: str
    time: int
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What a writing call made; ``build_id`` is set when a build was asked for."""

    revision: Revision
    listing: Listing
    build_id: int | None = None


@dataclass(frozen=True, slots=True)
class WantedFile:
    """One line of a commitfilelist: ``sha256`` is the client's proof, if given."""

    name: str
    md5: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A wanted file whose content the house lacks (``new``) or wants proven (``missing``)."""

    name: str
    md5: str
    reason: Literal["new", "missing"]
