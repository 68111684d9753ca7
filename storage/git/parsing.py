"""Reading commits, trees and tags that strangers made: strict, or refused.

The rules are those of ``git fsck``: what passes here every git client can read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import InvalidContent
from .trees import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, TreeEntry

GITLINK_MODE = 0o160000
_GROUP_WRITABLE_MODE = 0o100664
_SYMLINK_MODE = 0o120000
_MODES = frozenset(
    (
        FILE_MODE,
        EXECUTABLE_MODE,
        _GROUP_WRITABLE_MODE,
        _SYMLINK_MODE,
        DIRECTORY_MODE,
        GITLINK_MODE,
    )
)

_OID = rb"[0-9a-f]{40}"
_IDENTITY = rb"[^\n\0<>]*<[^\n\0<>]*> [0-9]{1,12} [+-][0-9]{4}"
_COMMIT = re.compile(
    rb"tree (" + _OID + rb")\n((?:parent " + _OID + rb"\n)*)"
    rb"author " + _IDENTITY + rb"\ncommitter " + _IDENTITY + rb"\n(?:[^\n\0]+\n)*(?:\n|\Z)"
)
_TAG = re.compile(
    rb"object (" + _OID + rb")\ntype (commit|tree|blob|tag)\ntag [^\n\0]+\n"
    rb"(?:tagger " + _IDENTITY + rb"\n)?(?:[^\n\0]+\n)*(?:\n|\Z)"
)
_RAW_OID_BYTES = 20


class CommitLinks(NamedTuple):
    """Objects a commit names."""

    tree: str
    parents: tuple[str, ...]


class TagTarget(NamedTuple):
    """Object a tag names."""

    oid: str
    kind: str


def commit_links(data: bytes) -> CommitLinks:
    """Tree and parents of a commit.

    Raises:
        InvalidContent: Not a well-formed commit.
    """
    match = _COMMIT.match(data)
    if match is None or b"\0" in data:
        raise InvalidContent("malformed commit")
    parents = match[2].decode("ascii").split()[1::2]
    return CommitLinks(match[1].decode("ascii"), tuple(parents))


def tag_target(data: bytes) -> TagTarget:
    """What an annotated tag points to.

    Raises:
        InvalidContent: Not a well-formed tag.
    """
    match = _TAG.match(data)
    if match is None:
        raise InvalidContent("malformed tag")
    return TagTarget(match[1].decode("ascii"), match[2].decode("ascii"))


def tree_entries(data: bytes) -> Iterator[TreeEntry]:
    """Entries of a tree, checked for form and order.

    Raises:
        InvalidContent: Malformed, wrongly sorted, or with a name twice.
    """
    at, end, before = 0, len(data), b""
    seen: set[bytes] = set()
    while at < end:
        space = data.find(b" ", at, at + 8)
        zero = data.find(b"\0", space + 1) if space > 0 else -1
        if zero < 0 or zero + 1 + _RAW_OID_BYTES > end:
            raise InvalidContent("malformed tree")
        name = data[space + 1 : zero]
        mode = _mode(data[at:space])
        at = zero + 1 + _RAW_OID_BYTES
        key = name + b"/" if mode == DIRECTORY_MODE else name
        # Names compare as if directories ended in a slash, so a file and a
        # directory of one name need not be neighbours.
        if key <= before or name in seen:
            raise InvalidContent("a tree is not sorted or has a name twice")
        before = key
        seen.add(name)
        yield TreeEntry(name, mode, data[zero + 1 : at].hex())


def check_safe_name(name: bytes) -> None:
    """Refuse names that would leave the directory or become git's own on a client.

    Raises:
        InvalidContent: The name is empty, ``.``, ``..``, some spelling of ``.git``, or has a slash.
    """
    if not name or name in (b".", b"..") or b"/" in name:
        raise InvalidContent(f"a tree has an entry named {shown(name)}")
    plain = _IGNORED_BY_FILE_SYSTEMS.sub(b"", name).rstrip(b" .").split(b":")[0].lower()
    if plain.rstrip(b" .") in (b".git", b"git~1"):
        raise InvalidContent(f"a tree has an entry named {shown(name)}")


_IGNORED_BY_FILE_SYSTEMS = re.compile(
    "|".join(
        chr(code)
        for code in (
            *range(0x200C, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x206A, 0x2070),
            0xFEFF,
        )
    ).encode()
)


def shown(name: bytes) -> str:
    """A name for messages, quoted and without control characters."""
    text = name[:100].decode(errors="replace")
    return "'" + "".join(c if c.isprintable() else "?" for c in text) + "'"


def _mode(text: bytes) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        raise InvalidContent("malformed tree") from None
    if mode not in _MODES or text != b"%o" % mode:
        raise InvalidContent(f"a tree has an entry of mode {shown(text)}")
    return mode
