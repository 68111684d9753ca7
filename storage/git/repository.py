"""One bare repository on disk: its objects, its refs, and how it is made."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dulwich.config import ConfigFile

from .durable import make_directory, space_errors, sync_directory, write_file
from .layout import Layout
from .objects import ObjectStore
from .pushlog import PushLog
from .refs import MAIN, Refs
from .writer import ObjectWriter, write_first_pack

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = false
\tbare = true
[gc]
\tauto = 0
\treflogExpire = never
\treflogExpireUnreachable = never
[packhouse]
\tproject = {project}
\tpackage = {package}
\tcreated = {created_at}
\towner = {owner}
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose sources a repository holds; noted in its config so that the index can be rebuilt.

    Attributes:
        created_at: Unix seconds.
        owner: Container of the project; names can be used again, containers cannot.
        base: Commit after which revisions count, None = all do.
    """

    project: str
    package: str
    created_at: int
    owner: str
    base: str | None = None


class Repository:
    """An open repository; opening reads nothing."""

    def __init__(self, path: Path) -> None:
        """Name the directory.

        Args:
            path: The bare repository.
        """
        self.path = path
        self.objects = ObjectStore(path / "objects")
        self.refs = Refs(path)
        self.pushes = PushLog(path)

    def writer(self) -> ObjectWriter:
        """A writer of objects into this repository."""
        return ObjectWriter(self.objects)

    def exists(self) -> bool:
        """Whether the directory is there."""
        return (self.path / "HEAD").is_file()

    def identity(self) -> Identity | None:
        """Whose sources these are, as noted when the repository was made."""
        try:
            config = ConfigFile.from_path(str(self.path / "config"))
            section = {key: value.decode() for key, value in config.items((b"packhouse",))}
            return Identity(
                section[b"project"],
                section[b"package"],
                int(section[b"created"]),
                section[b"owner"],
                section.get(b"base"),
            )
        except (OSError, KeyError, ValueError):
            return None


def create_repository(
    layout: Layout,
    container: str,
    identity: Identity,
    refs: dict[str, str],
    objects: Sequence[tuple[str, bytes]],
    alternate: str | None = None,
) -> Repository:
    """Make a repository with its first objects and refs, in one step.

    It is put together in ``tmp`` and renamed, so it is complete or absent.

    Args:
        layout: Where things lie.
        container: Fresh id.
        identity: Whose sources it will hold.
        refs: Refs by name; what they name must be in ``objects`` or the alternate.
        objects: Kind and content of the first objects.
        alternate: Line for ``info/alternates``, relative to the objects directory.

    Raises:
        StorageFull: No space left; nothing was kept.
    """
    draft = layout.tmp / f"new-{container}"
    target = layout.repository(container)
    with space_errors():
        try:
            _write_template(draft, identity, refs)
            if objects:
                write_first_pack(draft / "objects", objects)
            if alternate is not None:
                (draft / "objects" / "info").mkdir()
                write_file(draft / "objects" / "info" / "alternates", (f"{alternate}\n".encode(),))
                sync_directory(draft / "objects" / "info")
            for directory in ("objects/pack", "objects", "refs", "."):
                sync_directory(draft / directory)
            make_directory(target.parent)
            draft.rename(target)
            sync_directory(target.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return Repository(target)


def move_repository(source: Path, target: Path) -> None:
    """Rename a repository directory, durably; harmless when it is already there."""
    if target.exists() and not source.exists():
        return
    make_directory(target.parent)
    source.rename(target)
    sync_directory(target.parent)
    sync_directory(source.parent)


def remove_repository(path: Path, layout: Layout) -> None:
    """Delete a repository for good; first out of sight, then file by file."""
    doomed = layout.tmp / f"old-{path.name}"
    with contextlib.suppress(FileNotFoundError):
        path.rename(doomed)
        sync_directory(path.parent)
    shutil.rmtree(doomed, ignore_errors=True)


def _write_template(path: Path, identity: Identity, refs: dict[str, str]) -> None:
    """The least that git and dulwich take for a bare repository: seven inodes with packed refs."""
    (path / "objects" / "pack").mkdir(parents=True)
    (path / "refs").mkdir()
    write_file(path / "HEAD", (f"ref: {MAIN}\n".encode(),))
    text = _CONFIG.format(
        project=_quoted(identity.project),
        package=_quoted(identity.package),
        created_at=identity.created_at,
        owner=identity.owner,
    )
    if identity.base is not None:
        text += f"\tbase = {identity.base}\n"
    write_file(path / "config", (text.encode(),))
    if refs:
        lines = ["# pack-refs with: sorted \n"]
        lines += [f"{oid} {name}\n" for name, oid in sorted(refs.items())]
        write_file(path / "packed-refs", (line.encode() for line in lines))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
