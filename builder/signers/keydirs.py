"""Where keys lie on disk: one directory per project, switched as a whole.

    keys/<hash of the project name>/current -> <fingerprint>
                                   /<fingerprint>/gnupg/        home for gpg
                                                 /secret.pgp    the same key, exported
                                                 /key.json      its public facts
    keys/<hash>.lock

A key directory is complete before it gets its name, and ``current`` moves by
one rename: a process that dies leaves either the former key or the new one.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.model import SigningKey

_PENDING = ".new-"


class KeyDirectories:
    """The directory tree above; knows nothing of gpg."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which is made with the first key."""
        self.root = root

    @contextmanager
    def lock(self, project: str) -> Iterator[None]:
        """Hold the project's key: one gpg at a time works in a home."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.root / f"{_slug(project)}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def current(self, project: str) -> Path | None:
        """Directory of the key in force, None when there is none."""
        path = self.root / _slug(project) / "current"
        try:
            return path.parent / os.readlink(path)
        except FileNotFoundError:
            return None

    def key(self, project: str) -> SigningKey | None:
        """Public facts of the key in force."""
        home = self.current(project)
        if home is None:
            return None
        try:
            facts = json.loads((home / "key.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            # Replaced between the two reads; the link has moved on.
            return self.key(project) if self.current(project) != home else None
        return SigningKey(**facts)

    def secret(self, project: str) -> bytes | None:
        """The exported secret key in force."""
        home = self.current(project)
        return None if home is None else (home / "secret.pgp").read_bytes()

    @contextmanager
    def fresh(self, project: str) -> Iterator[Path]:
        """A new directory to make a key in; the caller holds the lock.

        Leftovers of a process that died are removed first.
        """
        parent = self.root / _slug(project)
        parent.mkdir(mode=0o700, exist_ok=True)
        for stale in parent.glob(_PENDING + "*"):
            shutil.rmtree(stale, ignore_errors=True)
        path = Path(tempfile.mkdtemp(prefix=_PENDING, dir=parent))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def describe(self, home: Path, key: SigningKey, secret: bytes) -> None:
        """Write the exported forms of a key next to its gpg home, durably."""
        _write(home / "secret.pgp", secret)
        facts = json.dumps(dataclasses.asdict(key), indent=1)
        _write(home / "key.json", facts.encode())

    def adopt(self, project: str, fresh: Path, key: SigningKey) -> None:
        """Put a described key in force and drop the former one."""
        parent = self.root / _slug(project)
        final = parent / key.fingerprint
        shutil.rmtree(final, ignore_errors=True)
        fresh.rename(final)
        link = parent / ".current.new"
        link.unlink(missing_ok=True)
        link.symlink_to(final.name)
        link.replace(parent / "current")
        _sync_directory(parent)
        for former in parent.iterdir():
            if former.is_dir() and not former.is_symlink() and former != final:
                shutil.rmtree(former, ignore_errors=True)

    def drop(self, project: str) -> None:
        """Remove the project's key; the link goes first."""
        parent = self.root / _slug(project)
        (parent / "current").unlink(missing_ok=True)
        shutil.rmtree(parent, ignore_errors=True)


def _slug(project: str) -> str:
    return hashlib.sha256(project.encode()).hexdigest()[:40]


def _write(path: Path, content: bytes) -> None:
    pending = path.with_name(f".{path.name}.new")
    handle = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    pending.replace(path)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
