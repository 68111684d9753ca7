"""Source packages of dist-git: the spec in git, large sources in a lookaside cache beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from .files import download
from .scm import ScmProducer
from .task import SourceFailed

_LINE = re.compile(r"(MD5|SHA1|SHA224|SHA256|SHA384|SHA512) \(([^()/\s]+)\) = ([0-9a-f]+)")
_OLD_LINE = re.compile(r"([0-9a-f]{32})\s+([^()/\s]+)")
_MAX_SOURCES = 1000
_CHUNK_BYTES = 1 << 20


class DistgitProducer(ScmProducer):
    """Clones the package's repository and fetches what its ``sources`` file lists."""

    def _complete(self, directory: Path) -> None:
        listing = directory / "sources"
        if not listing.is_file():
            return
        for number, (algorithm, name, digest) in enumerate(_entries(listing)):
            if number >= _MAX_SOURCES:
                raise SourceFailed(f"'sources' lists more than {_MAX_SOURCES} files")
            path = download(self._task, self._address(algorithm, name, digest), directory, name)
            if _digest(path, algorithm) != digest:
                raise SourceFailed(f"'{name}' does not have the checksum that 'sources' lists")

    def _address(self, algorithm: str, name: str, digest: str) -> str:
        """Where the cache of the same host keeps a file (Fedora's layout)."""
        parts = urlsplit(self._task.argument("clone_url"))
        package = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
        base = f"{parts.scheme}://{parts.netloc}/repo/pkgs/rpms/{package}"
        return f"{base}/{name}/{algorithm}/{digest}/{name}"


def _entries(listing: Path) -> Iterator[tuple[str, str, str]]:
    """(algorithm, file name, digest) of every line."""
    for line in listing.read_text("utf-8", errors="replace").splitlines():
        if match := _LINE.fullmatch(line.strip()):
            yield match.group(1).lower(), match.group(2), match.group(3)
        elif match := _OLD_LINE.fullmatch(line.strip()):
            yield "md5", match.group(2), match.group(1)
        elif line.strip():
            raise SourceFailed("the 'sources' file cannot be read")


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
