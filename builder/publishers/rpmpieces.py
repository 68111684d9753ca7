"""The metadata of one RPM package, as createrepo_c writes it.

Three pieces of XML (primary, filelists, other), kept in one file behind a
line with their lengths. Where the package lies is left open: that depends on
the tree.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import createrepo_c

from storage.errors import InvalidContent

CHANGELOGS = 20
"""Changelog entries that the metadata lists, newest ones."""

_OPEN_PLACE = "@PLACE@"
# A text node cannot hold this: its angle brackets would be escaped.
_LOCATION = f'<location href="{_OPEN_PLACE}"/>'.encode()


def read_pieces(package: Path) -> bytes:
    """Pieces of a package file, in the kept form.

    Raises:
        InvalidContent: The package cannot be read.
    """
    try:
        facts = createrepo_c.package_from_rpm(
            str(package),
            checksum_type=createrepo_c.SHA256,
            location_href=_OPEN_PLACE,
            changelog_limit=CHANGELOGS,
        )
        texts = createrepo_c.xml_dump(facts)[:3]
    except Exception as error:  # createrepo_c raises its own and built-in errors alike
        raise InvalidContent(f"the package cannot be read: {error}") from error
    pieces = [text.encode() for text in texts]
    if pieces[0].count(_LOCATION) != 1:
        raise InvalidContent("the package's metadata names no place")
    return b"%d %d %d\n" % tuple(map(len, pieces)) + b"".join(pieces)


def place_pieces(kept: bytes, place: str) -> tuple[bytes, bytes, bytes]:
    """Primary, filelists and other of a package that lies at ``place``."""
    head, _, body = kept.partition(b"\n")
    first, second, _ = map(int, head.split())
    location = f"<location href={quoteattr(place)}/>".encode()
    primary = body[:first].replace(_LOCATION, location, 1)
    return primary, body[first : first + second], body[first + second :]
