"""Files that survive a power loss: synced content, then a rename, then synced directories.

Running out of space anywhere becomes ``StorageFull``, and whatever was written
under a temporary name is removed again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import StorageFull

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def space_errors() -> Iterator[None]:
    """Turn "no space left" from the system into ``StorageFull``."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageFull("no space left on the storage device") from error
        raise


def sync_directory(path: Path | str) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory and its missing parents, each one durable."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with space_errors():
        try:
            path.mkdir()
        except FileExistsError:
            return
        sync_directory(path.parent)


def write_all(descriptor: int, chunks: Iterable[bytes]) -> None:
    """Write every byte of every chunk to a descriptor."""
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            view = view[os.write(descriptor, view) :]


def write_file(
    path: Path, chunks: Iterable[bytes], *, mode: int = 0o644, prefix: str = "tmp_"
) -> None:
    """Put a file in place in one step; the caller syncs the directory.

    The content goes to a unique temporary name in the same directory, is synced
    and renamed, so a reader sees the old file, the new file or none.

    Args:
        path: Final name; an existing file is replaced.
        chunks: The content.
        mode: Permission bits of the file.
        prefix: Start of the temporary name.

    Raises:
        StorageFull: No space left; nothing was kept.
    """
    temporary = path.with_name(f"{prefix}{secrets.token_hex(8)}")
    with space_errors():
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode
        )
        try:
            try:
                write_all(descriptor, chunks)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
