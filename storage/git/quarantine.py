"""A place for pushed objects until they are found good.

A quarantine is an objects directory below ``tmp`` whose alternates name the
repository. Nothing in it is seen by anybody else; it goes away whatever
happens, and what a killed process leaves is swept by the next one. Accepted
objects move into the repository under its lock, just before the ref moves.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from .child import Deadline
from .durable import space_errors, sync_directory
from .objects import ObjectStore
from .packscan import PackLimits
from .pktline import Reader
from .pushed import PushedObjects
from .survey import Survey
from .wire import PackIngest
from .writer import ObjectWriter

UNPACK_BELOW_OBJECTS = 100
_UNPACK_BELOW_BYTES = 16 << 20
_PREFIX = "push-"
_LOCK = "alive"
_YOUNG_S = 60.0


class Quarantine:
    """Pushed objects of one request.

    Attributes:
        objects: Sees the quarantine and, through it, the repository.
        pushed: What the pack brought; None before ``ingest`` or without a pack.
    """

    def __init__(self, directory: Path, repository: Path) -> None:
        """Lay out an existing, empty directory; use ``open_quarantine``."""
        self._root = directory / "objects"
        self._repository = repository
        self._pack: Path | None = None
        self.pushed: PushedObjects | None = None
        (self._root / "pack").mkdir(parents=True)
        (self._root / "info").mkdir()
        alternates = self._root / "info" / "alternates"
        alternates.write_text(f"{(repository / 'objects').resolve()}\n")
        self.objects = ObjectStore(self._root)

    def ingest(self, ingest: PackIngest, source: Reader, limits: PackLimits) -> None:
        """Take in the pack of the request.

        Raises:
            InvalidContent: Not a whole, well-formed pack.
            TooLarge: Over a limit.
            StorageFull: No space left.
        """
        with space_errors():
            pack, scan = ingest.ingest(self._repository, self._root, source, limits)
        self._pack = pack
        self.pushed = PushedObjects(pack, scan, ObjectStore(self._repository / "objects"))
        self.pushed.check()
        self.objects.packs.rescan()

    def survey(self, ingest: PackIngest, limits: PackLimits) -> Survey:
        """Read everything the pack brought, once.

        Raises:
            Busy: It took too long.
            InvalidContent: The pack cannot be read.
        """
        survey = Survey(self.objects)
        if self.pushed is not None:
            ids = self.pushed.ids()
            contents = ingest.contents(self._repository, self.objects, ids, limits)
            with contextlib.closing(contents):
                survey.take(contents, Deadline(limits.time_s))
        return survey

    def migrate(self, writer: ObjectWriter) -> None:
        """Put the objects into the repository, durably; the caller holds its lock.

        Args:
            writer: Writes loose objects of the repository.

        Raises:
            StorageFull: No space left; objects nothing refers to may be left behind.
        """
        if self._pack is None or self.pushed is None or not len(self.pushed):
            return
        few = len(self.pushed) < UNPACK_BELOW_OBJECTS
        if few and self.pushed.total_bytes < _UNPACK_BELOW_BYTES:
            for oid, fact in self.pushed:
                writer.add(fact.kind, self.objects.get(oid, fact.kind))
            writer.flush()
            return
        with space_errors():
            self._move_pack(self._pack)

    def close(self) -> None:
        """Let go of open files."""
        self.objects.packs.close()
        if self.pushed is not None:
            self.pushed.close()

    def _move_pack(self, pack: Path) -> None:
        target = self._repository / "objects" / "pack"
        # The index makes a pack visible, so it comes last.
        for path in (pack, pack.with_suffix(".idx")):
            path.chmod(0o444)
            _sync_file(path)
        for path in (pack, pack.with_suffix(".idx")):
            if not (target / path.name).exists():
                path.rename(target / path.name)
        sync_directory(target)


@contextlib.contextmanager
def open_quarantine(tmp: Path, repository: Path) -> Iterator[Quarantine]:
    """Make a quarantine for the time of one request.

    Args:
        tmp: Directory on the file system of the repository.
        repository: The bare repository the push is for.

    Raises:
        StorageFull: No space left.
    """
    directory = tmp / f"{_PREFIX}{secrets.token_hex(12)}"
    with space_errors():
        directory.mkdir(mode=0o700)
        lock = -1
        quarantine = None
        try:
            lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            quarantine = Quarantine(directory, repository)
            yield quarantine
        finally:
            if quarantine is not None:
                quarantine.close()
            shutil.rmtree(directory, ignore_errors=True)
            if lock >= 0:
                os.close(lock)


def sweep_quarantines(tmp: Path, young_s: float = _YOUNG_S) -> int:
    """Remove quarantines whose process is dead.

    Args:
        tmp: Where ``open_quarantine`` made them.
        young_s: Those younger than this may not be locked yet and are left alone.

    Returns:
        How many were removed.
    """
    removed = 0
    for directory in tmp.glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - directory.stat().st_mtime >= young_s and _is_abandoned(directory):
                shutil.rmtree(directory, ignore_errors=True)
                removed += 1
    return removed


def _is_abandoned(directory: Path) -> bool:
    try:
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
