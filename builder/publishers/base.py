"""The seam between publishing and the kinds of repository metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from storage.errors import PackhouseError
from storage.model import SigningKey


class PublishFailed(PackhouseError):
    """A repository could not be written; the published generation is untouched."""


class Kind(StrEnum):
    """What a published file is, by its name."""

    RPM = "rpm"
    DEB = "deb"
    DSC = "dsc"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Item:
    """One file that a repository offers.

    Attributes:
        place: Path in the tree, ``x86_64/hello-1.0-1.x86_64.rpm``.
        path: The build result on disk; never changed.
        package: Whose build made it.
        arch: Scheduler architecture it was built for.
        size: Bytes of the build result.
    """

    place: str
    kind: Kind
    path: Path
    package: str
    arch: str
    job_id: int
    filename: str
    size: int
    md5: str
    sha256: str
    mtime: int


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What metadata says about the repository itself.

    Attributes:
        title: Project title, or its name; one line.
        url: Public address of the tree, ending with ``/``; empty if unknown.
        instance: Name of this house.
        key: The key that signs; None leaves out everything about signatures.
        made_at: Unix seconds.
    """

    project: str
    repository: str
    title: str
    url: str
    instance: str
    key: SigningKey | None
    made_at: int

    @property
    def origin(self) -> str:
        """``INSTANCE/P/R``, which OBS puts behind ``obs://`` and ``obsrepository://``."""
        return f"{self.instance}/{self.project}/{self.repository}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not offered because it could not be read."""

    item: Item
    reason: str


class Publisher(Protocol):
    """Writes files and metadata of one kind into a new generation."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of files this publisher places in the tree."""

    def write(
        self,
        tree: Path,
        items: Sequence[Item],
        facts: RepositoryFacts,
        previous: Path | None = None,
    ) -> list[LeftOut]:
        """Place the files of ``kinds`` and write the metadata about them.

        Args:
            tree: Directory of the new generation; only its own files are written.
            items: Everything the repository offers, sorted by place; files of
                other kinds may be referred to.
            facts: About the repository.
            previous: Tree of the generation that is replaced. Index files whose
                names are checksums are carried over from it, so that a client
                that has read the former top file finds what that one names.

        Returns:
            Files that were left out: malformed ones do not stop the others.

        Raises:
            SigningFailed: The metadata could not be signed.
            OSError: The disk refused.
        """
