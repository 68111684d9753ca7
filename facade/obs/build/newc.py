"""Reading the first member of a cpio archive in memory."""

from __future__ import annotations

from storage.errors import InvalidContent

_HEADER_BYTES = 110


def first_member(archive: bytes) -> tuple[str, bytes]:
    """Name and content of the first member of a "newc" archive.

    Raises:
        InvalidContent: The archive is cut short or is none.
    """
    try:
        size = int(archive[54:62], 16)
        name_size = int(archive[94:102], 16)
        start = _HEADER_BYTES + name_size
        name = archive[_HEADER_BYTES : start - 1].decode()
    except ValueError:
        raise InvalidContent("the cpio archive cannot be read") from None
    start += -start % 4
    content = archive[start : start + size]
    if len(content) != size or not name:
        raise InvalidContent("the cpio archive is cut short")
    return name, content
