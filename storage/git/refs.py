"""References: own loose ref files with a checked compare-and-swap.

Every writer of refs holds the repository's flock. A ``.lock`` file met under it
therefore belongs to a dead process and is removed; the file is still made, so
that git programs run by hand are kept out for that moment. ``packed-refs`` is
read, and rewritten only to delete a ref from it.

``refs/packhouse/*`` is internal: readers for clients use ``visible``.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from dulwich.refs import Ref, check_ref_format

from ..errors import AlreadyExists, Damaged, InvalidName, StaleTip
from .durable import make_directory, space_errors, sync_directory, write_all
from .objects import is_oid

MAIN = "refs/heads/main"
META = "refs/meta/config"
UPLOAD = "refs/packhouse/upload"
DELETED = "refs/packhouse/deleted"
"""Marks the container of a deleted project, for rebuilding the index."""
_OWN = frozenset({MAIN, META, UPLOAD, DELETED})
_HIDDEN = "refs/packhouse/"
_KEPT_DIRECTORIES = frozenset({"refs", "refs/heads"})
_PACKED_LINE = re.compile(r"([0-9a-f]{40}) (refs/\S+)")
_REF_BYTES_LIMIT = 250


def check_ref_name(name: str) -> str:
    """Check the name of a ref.

    Returns:
        The name.

    Raises:
        InvalidName: It does not start with ``refs/`` or breaks git's rules.
    """
    if name not in _OWN and not _is_ref_name(name):
        raise InvalidName(f"invalid ref name '{name[:100]}'")
    return name


def _is_ref_name(name: str) -> bool:
    raw = name.encode(errors="replace")
    if len(raw) > _REF_BYTES_LIMIT or not name.startswith("refs/"):
        return False
    return check_ref_format(Ref(raw)) and not any(
        part.startswith("tmp_") for part in name.split("/")
    )


class Refs:
    """The refs of one repository."""

    def __init__(self, repository: Path) -> None:
        """Name the repository; nothing is read yet."""
        self._root = repository

    def read(self, name: str) -> str | None:
        """The object a ref names, or None without such a ref.

        Raises:
            Damaged: The ref file does not hold an object id.
        """
        check_ref_name(name)
        loose = self._read_loose(name)
        return loose if loose is not None else self._packed().get(name)

    def all(self) -> dict[str, str]:
        """Every ref with its object, hidden ones included, sorted by name."""
        refs = self._packed()
        refs.update(self._loose())
        return dict(sorted(refs.items()))

    def visible(self) -> dict[str, str]:
        """The refs clients may see, sorted by name."""
        return {name: oid for name, oid in self.all().items() if not name.startswith(_HIDDEN)}

    def move(self, name: str, old: str | None, new: str | None) -> None:
        """Compare and swap one ref, durably; the caller holds the flock.

        Args:
            name: The ref.
            old: What it must name now; None = must not exist.
            new: What it shall name; None = remove it.

        Raises:
            StaleTip: It names something else by now.
            AlreadyExists: The name is a folder of other refs, or the reverse.
            StorageFull: No space left; the ref is unchanged.
        """
        check_ref_name(name)
        path = self._root / name
        if new is None and old is None:
            return
        self._make_room(path, name)
        with self._locked(path) as descriptor:
            present = self.read(name)
            if present != old:
                raise StaleTip(f"{name} was moved by somebody else", ref=name, tip=present)
            if new is None:
                self._remove(path, name)
            else:
                self._replace(path, descriptor, new)
        if new is None:
            self._drop_empty_directories(path.parent)

    def _replace(self, path: Path, descriptor: int, new: str) -> None:
        with space_errors():
            write_all(descriptor, (f"{new}\n".encode(),))
            os.fsync(descriptor)
            os.rename(_lock_path(path), path)
            sync_directory(path.parent)

    def _remove(self, path: Path, name: str) -> None:
        # First from packed-refs: the other order would show the packed value again.
        if name in (packed := self._packed()):
            del packed[name]
            self._write_packed(packed)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        sync_directory(path.parent)

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[int]:
        lock = _lock_path(path)
        descriptor = _create_lock(lock)
        try:
            yield descriptor
        finally:
            # After the rename the name is free, or the lock of a git run by hand.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                    lock.unlink()
            os.close(descriptor)

    def _make_room(self, path: Path, name: str) -> None:
        """Create the ref's directory; refuse a name that is both file and folder."""
        if path.is_file():
            return
        parts = name.split("/")
        above = {"/".join(parts[:n]) for n in range(1, len(parts))}
        taken = self.all()
        if above & taken.keys() or any(other.startswith(name + "/") for other in taken):
            raise AlreadyExists(f"the ref name {name} collides with another one", ref=name)
        if path.is_dir():
            self._drop_empty_below(path)
        make_directory(path.parent)

    def _read_loose(self, name: str) -> str | None:
        try:
            text = (self._root / name).read_text("ascii", errors="replace").strip()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        if not is_oid(text):
            raise Damaged(f"the ref {name} is damaged", ref=name)
        return text

    def _loose(self) -> dict[str, str]:
        refs = {}
        for directory, _, files in os.walk(self._root / "refs"):
            for file in files:
                if file.endswith(".lock"):
                    continue
                name = (Path(directory) / file).relative_to(self._root).as_posix()
                if (oid := self._read_loose(name)) is not None:
                    refs[name] = oid
        return refs

    def _packed(self) -> dict[str, str]:
        try:
            text = (self._root / "packed-refs").read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return {}
        matches = (_PACKED_LINE.fullmatch(line) for line in text.splitlines())
        return {match[2]: match[1] for match in matches if match is not None}

    def _write_packed(self, refs: dict[str, str]) -> None:
        """Rewrite ``packed-refs``; peeled values are left out, git looks them up."""
        path = self._root / "packed-refs"
        lines = ["# pack-refs with: sorted \n"]
        lines += [f"{oid} {name}\n" for name, oid in sorted(refs.items())]
        with self._locked(path) as descriptor, space_errors():
            write_all(descriptor, (line.encode() for line in lines))
            os.fsync(descriptor)
            os.rename(_lock_path(path), path)
            sync_directory(self._root)

    def _drop_empty_directories(self, directory: Path) -> None:
        """Remove directories that a deleted ref leaves empty."""
        while directory.relative_to(self._root).as_posix() not in _KEPT_DIRECTORIES:
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent

    def _drop_empty_below(self, directory: Path) -> None:
        for inner, _, _ in os.walk(directory, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(inner)


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _create_lock(lock: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with space_errors():
        try:
            return os.open(lock, flags, 0o644)
        except FileExistsError:
            # We hold the flock, so its maker is dead.
            lock.unlink(missing_ok=True)
            return os.open(lock, flags, 0o644)
