"""The ``directory`` document: lists of names and listings of files."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from storage.model import Entry, Listing, MissingFile, Revision
from storage.names import RevisionSpec

from .status import answer
from .xml import Element


def names(found: Iterable[str], *, count: bool = False) -> Response:
    """``<directory><entry name=/>...</directory>``, optionally with ``count``."""
    entries = [Element("entry", {"name": name}) for name in found]
    attrs = {"count": len(entries)} if count else {}
    return answer(Element("directory", attrs, entries))


def files(name: str, spec: RevisionSpec, revision: Revision | None, listing: Listing) -> Element:
    """The listing of one tree (OBS API contract, sections 7.3 and 7.4).

    Args:
        name: Package name as asked for.
        spec: What was asked for; decides how ``rev`` is shown.
        revision: The revision found, number 0 for the upload area; None without commits.
        listing: Its files.
    """
    rev: str | int | None = None
    vrev: str | int | None = None
    srcmd5 = listing.srcmd5
    if spec.kind in ("srcmd5", "commit"):
        rev = spec.checksum
        srcmd5 = spec.checksum if spec.kind == "srcmd5" else srcmd5
    elif spec.kind == "upload" or (revision is not None and revision.number == 0):
        rev = srcmd5 = "upload"
    elif spec.kind == "repository":
        rev = srcmd5 = "repository"
    elif revision is not None:
        rev = revision.number
        vrev = revision.vrev if revision.kind == "source" else ""
    attrs = {"name": name, "rev": rev, "vrev": vrev, "srcmd5": srcmd5}
    return Element("directory", attrs, [_entry(entry) for entry in listing.entries])


def missing(name: str, files: Iterable[MissingFile], *, explain: bool) -> Response:
    """The answer of a commitfilelist whose contents are not all there.

    Args:
        name: The package.
        files: What lacks.
        explain: Whether ``hash`` says why (the client sent ``withvalidate``).
    """
    entries = [
        Element(
            "entry",
            {"name": file.name, "md5": file.md5, "hash": file.reason if explain else None},
        )
        for file in files
    ]
    return answer(Element("directory", {"name": name, "error": "missing"}, entries))


def _entry(entry: Entry) -> Element:
    return Element(
        "entry",
        {"name": entry.name, "md5": entry.md5, "size": entry.size, "mtime": entry.mtime},
    )
