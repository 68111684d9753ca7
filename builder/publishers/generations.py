"""Published trees: written aside, switched by one rename, kept for a while.

    published/home:/anna/standard -> ../../.generations/<id>/<generation>
             /.generations/<id>/<generation>/        a complete tree
                               /<generation>.json    its manifest
                               /.new-*  .old-*       half written, half removed
                          /<id>.lock

A generation's name is the time it was made and the checksum of what it holds.
Its directory appears by a rename when everything in it is durable, and the
public link moves by another: at every instant a reader sees one whole tree.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.errors import Damaged

from .base import PublishFailed
from .files import sync, write_file
from .manifest import Manifest

logger = logging.getLogger(__name__)

_HIDDEN = ".generations"
_NEW, _OLD = ".new-", ".old-"
_NAME = re.compile(r"[0-9]{8}T[0-9]{12}-([0-9a-f]{32})")
_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})
_MOST_KEPT = 50
_LINK_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Generation:
    """One complete tree.

    Attributes:
        name: Sorts by time.
        path: Its directory.
    """

    name: str
    path: Path

    @property
    def fingerprint(self) -> str:
        """Checksum of what it holds."""
        found = _NAME.fullmatch(self.name)
        return found.group(1) if found else ""

    def manifest(self) -> Manifest:
        """What it was made of."""
        return Manifest.read(self.path.with_name(f"{self.name}.json"))


class Generations:
    """All published trees below one directory.

    Args:
        root: ``published`` in the data directory.
        keep: Replaced generations kept of each repository.
        grace_s: A replaced generation is kept at least so long, seconds.
        clock: Unix seconds now.
    """

    def __init__(
        self,
        root: Path,
        *,
        keep: int = 2,
        grace_s: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use ``root``; nothing is written before the first publish."""
        self.root = root
        self._keep = keep
        self._grace_s = grace_s
        self._clock = clock

    # --- reading, without a lock ---

    def place(self, project: str, repository: str) -> Path:
        """Where the tree of a repository is seen; exists while it is published."""
        return self.root / tree_path(project, repository)

    def current(self, project: str, repository: str) -> Generation | None:
        """The published generation, None if there is none."""
        try:
            target = os.readlink(self.place(project, repository))
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise
            return None
        name = os.path.basename(target)
        path = self._shelf(project, repository) / name
        return Generation(name, path) if path.is_dir() else None

    def manifest(self, generation: Generation | None) -> Manifest | None:
        """What a generation was made of, None if nothing can be told (any more)."""
        try:
            return None if generation is None else generation.manifest()
        except (Damaged, FileNotFoundError):
            logger.exception("manifest_unreadable", extra={"generation": str(generation)})
            return None

    def earlier(self, project: str, repository: str) -> list[Generation]:
        """Generations that were replaced not longer than the grace time ago, newest first."""
        current = self.current(project, repository)
        since = self._clock() - self._grace_s
        return [
            generation
            for generation in reversed(self._complete(self._shelf(project, repository)))
            if generation != current and _replaced_at(generation) > since
        ]

    def repositories(self, project: str) -> list[str]:
        """Names of the trees a project has."""
        directory = self.place(project, "x").parent
        try:
            with os.scandir(directory) as entries:
                return sorted(entry.name for entry in entries if entry.is_symlink())
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise
            return []

    # --- writing, under the repository's lock ---

    @contextmanager
    def lock(self, project: str, repository: str) -> Iterator[None]:
        """Be the only writer of one repository's tree, over all processes."""
        path = Path(f"{self._shelf(project, repository)}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _lock_file(path)
        try:
            yield
        finally:
            os.close(handle)

    @contextmanager
    def draft(self, project: str, repository: str) -> Iterator[Path]:
        """An empty directory to write the next tree in; gone afterwards unless published."""
        shelf = self._shelf(project, repository)
        shelf.mkdir(parents=True, exist_ok=True)
        _clear(shelf)
        path = Path(tempfile.mkdtemp(prefix=_NEW, dir=shelf))
        path.chmod(0o755)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def publish(self, draft: Path, manifest: Manifest) -> Generation:
        """Make the draft the published tree.

        Every file of the draft must be durable. After a crash at any point the
        former or the new generation is published, and nothing in between.
        """
        project, repository = manifest.project, manifest.repository
        shelf = self._shelf(project, repository)
        replaced = self.current(project, repository)
        name = self._fresh_name(shelf, manifest.fingerprint)
        generation = Generation(name, shelf / name)
        description = shelf / f"{name}.json"
        description.unlink(missing_ok=True)
        write_file(description, manifest.to_bytes())
        directories = [Path(path) for path, _, _ in os.walk(draft)]
        sync([description, *directories])
        draft.rename(generation.path)
        sync([shelf])
        if replaced is not None:
            _mark_replaced(replaced, self._clock())
        self._switch(project, repository, generation)
        self._retire(shelf, generation)
        return generation

    def remove(self, project: str, repository: str) -> bool:
        """Take the tree away with all its generations.

        Returns:
            Whether there was one.
        """
        place = self.place(project, repository)
        existed = True
        try:
            place.unlink()
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise
            existed = False
        for parent in place.parents:
            if parent == self.root:
                break
            try:
                parent.rmdir()
            except OSError:
                break
        shelf = self._shelf(project, repository)
        for generation in self._complete(shelf):
            _discard(generation)
        if shelf.exists():
            _clear(shelf)
            with contextlib.suppress(OSError):
                shelf.rmdir()
        Path(f"{shelf}.lock").unlink(missing_ok=True)
        return existed

    def forget_earlier(self, project: str, repository: str) -> None:
        """Drop every generation but the published one: what was withdrawn is gone at once."""
        current = self.current(project, repository)
        for generation in self._complete(self._shelf(project, repository)):
            if generation != current:
                _discard(generation)

    def _switch(self, project: str, repository: str, generation: Generation) -> None:
        place = self.place(project, repository)
        target = os.path.relpath(generation.path, place.parent)
        pending = generation.path.parent / f"{_NEW}link"
        pending.unlink(missing_ok=True)
        pending.symlink_to(target)
        for _ in range(_LINK_ATTEMPTS):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                pending.replace(place)
            except FileNotFoundError:
                continue  # a neighbour's removal took the empty parent away
            except OSError as error:
                raise PublishFailed(f"the tree cannot be put in place: {error.strerror}") from error
            sync([p for p in place.parents if p == self.root or self.root in p.parents])
            return
        raise PublishFailed("the tree cannot be put in place: its directory keeps vanishing")

    def _retire(self, shelf: Path, current: Generation) -> None:
        others = [g for g in reversed(self._complete(shelf)) if g != current]
        since = self._clock() - self._grace_s
        for number, generation in enumerate(others):
            young = _replaced_at(generation) > since
            if number >= self._keep and (not young or number >= _MOST_KEPT):
                _discard(generation)

    def _fresh_name(self, shelf: Path, fingerprint: str) -> str:
        seconds = self._clock()
        while True:
            whole = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
            name = f"{whole}{int(seconds % 1 * 1e6):06d}-{fingerprint}"
            if not (shelf / name).exists():
                return name
            seconds += 1e-5

    def _complete(self, shelf: Path) -> list[Generation]:
        try:
            names = os.listdir(shelf)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [Generation(name, shelf / name) for name in sorted(names) if _NAME.fullmatch(name)]

    def _shelf(self, project: str, repository: str) -> Path:
        slug = hashlib.sha256(f"{project}/{repository}".encode()).hexdigest()[:40]
        return self.root / _HIDDEN / slug


def tree_path(project: str, repository: str) -> str:
    """``home:anna``, ``standard`` gives ``home:/anna/standard``."""
    return f"{project}/{repository}".replace(":", ":/")


def _lock_file(path: Path) -> int:
    """Open and lock; a file that its last user removed meanwhile is no lock."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _mark_replaced(generation: Generation, now: float) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.utime(generation.path.with_name(f"{generation.name}.json"), (now, now))


def _replaced_at(generation: Generation) -> float:
    try:
        return generation.path.with_name(f"{generation.name}.json").stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _discard(generation: Generation) -> None:
    doomed = generation.path.with_name(_OLD + generation.name)
    with contextlib.suppress(FileNotFoundError):
        generation.path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
    generation.path.with_name(f"{generation.name}.json").unlink(missing_ok=True)


def _clear(shelf: Path) -> None:
    """Remove what dead writers left; the caller holds the lock."""
    for path in shelf.iterdir():
        if path.name.startswith((_NEW, _OLD)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        elif path.suffix == ".json" and not path.with_suffix("").exists():
            path.unlink(missing_ok=True)
