"""Archives in cpio's "newc" form, written while they are sent.

obs-build and osc read nothing else. A member whose content cannot be had is
named in a last member ``.errors``; clients stop when they see one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from storage.errors import PackhouseError

from .streaming import Readable

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"
_REGULAR_FILE = 0o100644
_SIZE_LIMIT = 0xFFFFFFFF
ERRORS_NAME = ".errors"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive.

    Attributes:
        name: As it shall stand in the archive.
        mtime: Unix seconds.
        open: Gives the content when its turn comes.
    """

    name: str
    mtime: int
    open: Callable[[], Readable]


def archive(members: Iterable[Member], errors: Iterable[tuple[str, str]] = ()) -> Iterator[bytes]:
    """The archive in pieces.

    Args:
        members: In the order of the archive.
        errors: (name, reason) of what is known to lack beforehand.
    """
    failed = [f"{name}: {reason}" for name, reason in errors]
    for number, member in enumerate(members, 1):
        try:
            content = member.open()
        except (OSError, PackhouseError):
            failed.append(f"{member.name}: cannot be read")
            continue
        if content.size > _SIZE_LIMIT:
            failed.append(f"{member.name}: too large for a cpio archive")
            continue
        yield _header(member.name, content.size, member.mtime, number)
        yield from content.chunks()
        yield _padding(content.size)
    if failed:
        text = ("\n".join(failed) + "\n").encode()
        yield _header(ERRORS_NAME, len(text), 0, 0) + text + _padding(len(text))
    yield _header(_TRAILER, 0, 0, 0, mode=0)


def _header(name: str, size: int, mtime: int, inode: int, mode: int = _REGULAR_FILE) -> bytes:
    raw = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, mtime & 0xFFFFFFFF, size, 0, 0, 0, 0, len(raw), 0)
    head = _MAGIC + b"".join(b"%08x" % field for field in fields) + raw
    return head + _padding(len(head))


def _padding(length: int) -> bytes:
    return b"\0" * (-length % 4)
