"""Results of a build, taken out of a tree that the build may have prepared against us."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storage.errors import InvalidContent, PackhouseError
from storage.model import Binary, Job

from .chroots.cache import remove_tree
from .headers import describe
from .house import BuilderSettings

_log = logging.getLogger(__name__)

RESULTS = "results"
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~:%^-]{0,254}")
_ENTRIES = 100_000  # looked at per directory
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class BadResults(PackhouseError):
    """The build left results that cannot be taken."""


@dataclass(frozen=True, slots=True)
class Place:
    """One directory results may lie in.

    Attributes:
        directory: Relative to the build's home, plain components.
        pattern: Names of results there.
        subdirectories: Whether to look one level deeper as well.
    """

    directory: str
    pattern: re.Pattern[str]
    subdirectories: bool = False


def results_dir(settings: BuilderSettings, job_id: int, attempt: int) -> Path:
    """Where the result files of one attempt lie."""
    return settings.job_dir(job_id, attempt) / RESULTS


def result_path(settings: BuilderSettings, job: Job, filename: str) -> Path:
    """One result file of a job's current attempt."""
    return results_dir(settings, job.id, job.attempt) / os.path.basename(filename)


def collect(
    home: Path,
    places: Sequence[Place],
    target: Path,
    *,
    max_files: int,
    max_bytes: int,
) -> list[Binary]:
    """Copy results into ``target``, which appears complete or not at all.

    Only regular files with one of the expected names are taken, opened
    relative to a directory descriptor without following any link, and copied
    byte by byte: hard links, sparse tricks and changes under our hands end
    nowhere but in the copy.

    Args:
        home: Host path of the build's home; all of its processes are gone.
        places: Where to look.
        target: Directory to make.
        max_files: Most files.
        max_bytes: Largest sum of their sizes.

    Returns:
        Rows without header and with job id 0, in order of name.

    Raises:
        BadResults: Too many, too large, or two of the same name.
    """
    making = target.with_name(f".{target.name}-{os.getpid()}")
    remove_tree(making)
    making.mkdir(parents=True)
    try:
        found = _copy_all(home, places, making, max_files, max_bytes)
        _sync_directory(making)
        remove_tree(target)
        making.rename(target)
        _sync_directory(target.parent)
    except BaseException:
        remove_tree(making)
        raise
    return sorted(found, key=lambda binary: binary.filename)


def _copy_all(
    home: Path, places: Sequence[Place], making: Path, max_files: int, max_bytes: int
) -> list[Binary]:
    rows: dict[str, Binary] = {}
    total = 0
    home_fd = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for place in places:
            for directory_fd, name in _candidates(home_fd, place):
                if name in rows:
                    raise BadResults(f"two results are called {name}")
                if len(rows) >= max_files:
                    raise BadResults(f"more than {max_files} result files")
                row = _copy(directory_fd, name, making / name, max_bytes - total)
                if row is not None:
                    rows[name] = row
                    total += row.size
    finally:
        os.close(home_fd)
    return list(rows.values())


def _candidates(home_fd: int, place: Place) -> Iterator[tuple[int, str]]:
    """Open directory and name of everything called like a result."""
    fd = _descend(home_fd, place.directory.split("/"))
    if fd is None:
        return
    try:
        names = _names(fd)
        yield from ((fd, name) for name in names if _wanted(name, place))
        for name in names if place.subdirectories else ():
            inner = _descend(fd, [name])
            if inner is not None:
                try:
                    yield from ((inner, file) for file in _names(inner) if _wanted(file, place))
                finally:
                    os.close(inner)
    finally:
        os.close(fd)


def _wanted(name: str, place: Place) -> bool:
    return _NAME.fullmatch(name) is not None and place.pattern.fullmatch(name) is not None


def _descend(fd: int, parts: Sequence[str]) -> int | None:
    """A descriptor of a directory below, None if any component is not a plain directory."""
    current = os.dup(fd)
    for part in parts:
        try:
            deeper = os.open(part, _OPEN | os.O_DIRECTORY, dir_fd=current)
        except OSError:
            return None
        finally:
            os.close(current)
        current = deeper
    return current


def _names(fd: int) -> list[str]:
    names = []
    with os.scandir(fd) as entries:
        for count, entry in enumerate(entries):
            if count >= _ENTRIES:
                raise BadResults("a result directory holds too many entries")
            names.append(entry.name)
    return sorted(names)


def _copy(directory_fd: int, name: str, target: Path, room: int) -> Binary | None:
    """Copy one file with its checksums; None if it is no regular file."""
    facts = os.stat(name, dir_fd=directory_fd, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode):
        _log.warning("result is no regular file", extra={"file": name})
        return None
    source = os.open(name, _OPEN, dir_fd=directory_fd)
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            return None
        md5, sha256, size = hashlib.md5(), hashlib.sha256(), 0
        with target.open("xb") as stream:
            while chunk := os.read(source, _CHUNK_BYTES):
                size += len(chunk)
                if size > room:
                    raise BadResults("the result files are larger than allowed")
                md5.update(chunk)
                sha256.update(chunk)
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        os.close(source)
    return Binary(
        job_id=0,
        filename=name,
        size=size,
        md5=md5.hexdigest(),
        sha256=sha256.hexdigest(),
        mtime=int(target.stat().st_mtime),
    )


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def same_content(new: Sequence[Binary], old: Sequence[Binary]) -> bool:
    """Whether a build made again what is there already.

    Packages are compared by their bytes, RPMs also by all of header and
    payload that does not speak of this one build. Build protocols
    (``.changes``, ``.buildinfo``) do not count.
    """
    return bool(new) and _identities(new) == _identities(old)


def _identities(binaries: Sequence[Binary]) -> set[tuple[str, str]]:
    found = set()
    for binary in binaries:
        header = binary.header
        if header.get("type") == "rpm":
            if header.get("arch") not in ("src", "nosrc"):
                key = f"{header['name']}.{header['arch']}"
                found.add((key, str(header.get("fingerprint") or binary.sha256)))
        elif not binary.filename.endswith((".changes", ".buildinfo")):
            found.add((binary.filename, binary.sha256))
    return found


def described(rows: Sequence[Binary], directory: Path) -> list[Binary]:
    """The same rows with the packages' headers read.

    Raises:
        BadResults: A file calls itself a package and is none.
    """
    try:
        return [replace(row, header=describe(directory / row.filename)) for row in rows]
    except InvalidContent as error:
        raise BadResults(error.message) from error
