"""What goes into a root before the package gets control: sources and packages of this house."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import PackhouseError, TooLarge, UnknownFile
from storage.house import PackageStore
from storage.model import Job, JsonObject, Listing, Revision
from storage.names import RevisionSpec

from .artifacts import result_path
from .chroots.base import InstallSet, Root, Unresolvable
from .house import BuilderHouse


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one build and when they were committed."""

    names: tuple[str, ...]
    time: int


def write_sources(house: BuilderHouse, job: Job, directory: Path) -> Sources:
    """Write the job's source files into a fresh directory, streaming.

    Raises:
        NotFound: The package, its revision or the recipe in it is gone.
        TooLarge: They do not fit.
    """
    store = house.storage.package_by_id(job.package_id)
    revision, listing = _find(store, job)
    if listing.find(job.recipe) is None:
        raise UnknownFile(f"{job.recipe} is not in the sources", file=job.recipe)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        _write_all(store, listing, directory)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        raise TooLarge("the sources do not fit into the build root") from error
    names = tuple(entry.name for entry in listing.entries)
    return Sources(names, revision.time if revision else 0)


def _write_all(store: PackageStore, listing: Listing, directory: Path) -> None:
    for entry in listing.entries:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(directory / entry.name, flags, 0o644)
        with os.fdopen(fd, "wb") as stream:
            for chunk in store.open(entry).chunks():
                stream.write(chunk)


def _find(store: PackageStore, job: Job) -> tuple[Revision | None, Listing]:
    """By srcmd5, which also names trees that are no revision; by commit where that fails."""
    by_commit = RevisionSpec("commit", checksum=job.commit)
    if not job.srcmd5:
        return store.listing(by_commit)
    try:
        return store.listing(RevisionSpec("srcmd5", checksum=job.srcmd5))
    except PackhouseError:
        if not job.commit:
            raise
        return store.listing(by_commit)


def install_set(house: BuilderHouse, job: Job, *, rpm: bool) -> InstallSet:
    """What the resolver chose, as files and names.

    Contract of ``Job.install``: ``debs`` (``name`` or ``name=version``), ``rpms`` and
    ``project_debs`` (``{"job_id", "filename"}``: results of other jobs),
    ``substitutes`` (name -> debs that stand for it).

    Raises:
        Unresolvable: A result it names is no longer there.
    """
    wanted = job.install
    substitutes: Mapping[str, Any] = wanted.get("substitutes") or {}
    return InstallSet(
        debs=tuple(sorted(str(name) for name in wanted.get("debs") or ())),
        project_debs=tuple(_files(house, wanted.get("project_debs") or [])),
        rpms=tuple(_files(house, wanted.get("rpms") or [])),
        provides=tuple(
            (str(name), tuple(str(deb) for deb in debs))
            for name, debs in sorted(substitutes.items())
        ),
        rpm=rpm,
    )


def _files(house: BuilderHouse, wanted: Sequence[JsonObject]) -> Iterator[Path]:
    with house.records.read() as unit:
        makers = {int(item["job_id"]): unit.jobs.get(int(item["job_id"])) for item in wanted}
    for item in wanted:
        path = result_path(house.settings, makers[int(item["job_id"])], str(item["filename"]))
        if not path.is_file():
            raise Unresolvable(f"{path.name} is no longer there")
        yield path


def give_all(root: Root, home: Path) -> None:
    """Hand everything below home to the build user; nothing of the package ran yet."""
    for directory, names, files in os.walk(home):
        for name in (*names, *files):
            root.give(Path(directory) / name)


def put_file(home: Path, name: str, data: bytes) -> None:
    """Write a file directly into a home that untrusted code may have prepared against us.

    Args:
        home: Host path of a build's home.
        name: One plain component; whatever has that name is replaced, never followed.
        data: Its content.
    """
    fd = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=fd)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=fd), "wb") as stream:
            stream.write(data)
    finally:
        os.close(fd)
