"""rpm-md: what dnf and zypper read (``repodata/``)."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import createrepo_c

from storage.errors import Damaged, PackhouseError

from ..signers.base import Signer
from .base import Item, Kind, LeftOut, PublishFailed, RepositoryFacts
from .files import link_or_copy, write_file
from .packagecache import PackageCache, touch
from .repofile import repo_file, repo_file_name
from .rpmpieces import place_pieces, read_pieces

logger = logging.getLogger(__name__)

_PLAIN = "plain"
_GZIP = 31  # zlib's window bits for a gzip frame, whose time stamp is then zero
_LEVEL = 6
_ROOTS = {
    "primary": (
        "metadata",
        'xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"',
    ),
    "filelists": ("filelists", 'xmlns="http://linux.duke.edu/metadata/filelists"'),
    "other": ("otherdata", 'xmlns="http://linux.duke.edu/metadata/other"'),
}
_LISTED = re.compile(rb'href="repodata/([0-9a-f]{64}-[a-z]+\.xml\.gz)"')


class RpmMdPublisher:
    """Signs packages and writes ``repodata`` from kept pieces."""

    kinds = frozenset({Kind.RPM})

    def __init__(self, signer: Signer, cache: PackageCache) -> None:
        """Sign with ``signer``; keep signed copies and pieces in ``cache``."""
        self._signer = signer
        self._cache = cache

    def write(
        self,
        tree: Path,
        items: Sequence[Item],
        facts: RepositoryFacts,
        previous: Path | None = None,
    ) -> list[LeftOut]:
        """Write packages, ``repodata`` and the ``.repo`` file; see ``Publisher``."""
        packages = [item for item in items if item.kind is Kind.RPM]
        entries, left_out = self._prepare(packages, facts)
        offered = [(item, entries[item.sha256]) for item in packages if item.sha256 in entries]
        repodata = tree / "repodata"
        repodata.mkdir()
        self._assemble(tree, offered, facts)
        if facts.key is not None:
            top = (repodata / "repomd.xml").read_bytes()
            signature = self._signer.sign_detached(facts.key.project, top)
            write_file(repodata / "repomd.xml.asc", signature)
            write_file(repodata / "repomd.xml.key", facts.key.armored.encode())
        if facts.url:
            write_file(tree / repo_file_name(facts), repo_file(facts))
        if previous is not None:
            _carry_over(previous / "repodata", repodata)
        return left_out

    def _prepare(
        self, packages: Sequence[Item], facts: RepositoryFacts
    ) -> tuple[dict[str, Path], list[LeftOut]]:
        """Make the cache hold every package.

        Returns:
            Entries by checksum, and the packages that cannot be had.
        """
        key = facts.key.fingerprint if facts.key else _PLAIN
        entries = {p.sha256: self._cache.find(key, p.sha256) for p in packages}
        wanted = {p.sha256: p for p in packages if entries[p.sha256] is None}
        reasons = self._make_entries(wanted.values(), facts) if wanted else {}
        for sha256 in wanted:
            entries[sha256] = self._cache.find(key, sha256)
        found = {sha256: entry for sha256, entry in entries.items() if entry is not None}
        for entry in found.values():
            touch(entry)
        lost = "the package cache lost it"
        left_out = [
            LeftOut(p, reasons.get(p.sha256, lost)) for p in packages if p.sha256 not in found
        ]
        return found, left_out

    def _make_entries(self, wanted: Iterable[Item], facts: RepositoryFacts) -> dict[str, str]:
        """Add entries; returns the reasons of those that failed by checksum."""
        key = facts.key.fingerprint if facts.key else _PLAIN
        reasons: dict[str, str] = {}
        with self._cache.workshop() as workshop:
            made: dict[Path, tuple[str, str]] = {}
            for item in wanted:
                room = workshop / item.sha256
                room.mkdir()
                try:
                    self._make_entry(room, item, facts)
                    made[room] = (key, item.sha256)
                except (PackhouseError, FileNotFoundError) as error:
                    reasons[item.sha256] = str(error)
            self._check_key(facts)
            self._cache.add(made)
        return reasons

    def _make_entry(self, room: Path, item: Item, facts: RepositoryFacts) -> None:
        """Check, sign and read one package; its modification time is that of the build."""
        with item.path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != item.sha256:
                raise Damaged(f"{item.filename} does not have its checksum")
        package = item.path
        if facts.key is not None:
            package = room / "package.rpm"
            self._signer.sign_rpms(facts.key.project, [(item.path, package)])
            package.chmod(0o644)
            os.utime(package, (item.mtime, item.mtime))
        write_file(room / "pieces", read_pieces(package))

    def _check_key(self, facts: RepositoryFacts) -> None:
        """A key replaced meanwhile must not sign under the former one's name."""
        if facts.key is None:
            return
        now = self._signer.public_key(facts.key.project)
        if now is None or now.fingerprint != facts.key.fingerprint:
            raise PublishFailed("the signing key was replaced during the publish")

    def _assemble(
        self, tree: Path, offered: Sequence[tuple[Item, Path]], facts: RepositoryFacts
    ) -> None:
        with contextlib.ExitStack() as stack:
            files = [
                stack.enter_context(_IndexFile(tree / "repodata", kind, len(offered)))
                for kind in _ROOTS
            ]
            for item, entry in offered:
                target = tree / item.place
                target.parent.mkdir(exist_ok=True, parents=True)
                copy = item.path if facts.key is None else entry / "package.rpm"
                link_or_copy(copy, target)
                pieces = place_pieces((entry / "pieces").read_bytes(), item.place)
                for file, piece in zip(files, pieces, strict=True):
                    file.add(piece)
            records = [file.finish(facts.made_at) for file in files]
        write_file(tree / "repodata" / "repomd.xml", _top_file(records, facts))


class _IndexFile:
    """One of the three lists: compressed and summed up while it is written."""

    def __init__(self, directory: Path, kind: str, count: int) -> None:
        self._kind = kind
        self._pending = directory / f".{kind}.new"
        self._file: BinaryIO = self._pending.open("xb")
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._packed, self._open = hashlib.sha256(), hashlib.sha256()
        self._packed_size = self._open_size = 0
        element, namespaces = _ROOTS[kind]
        self._end = f"</{element}>\n".encode()
        head = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<{element} {namespaces} packages="{count}">\n'
        )
        self.add(head.encode())

    def __enter__(self) -> _IndexFile:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def add(self, text: bytes) -> None:
        """Append a piece."""
        self._open.update(text)
        self._open_size += len(text)
        self._store(self._packer.compress(text))

    def finish(self, made_at: int) -> createrepo_c.RepomdRecord:
        """Close the list and give the file its name, the checksum of its bytes."""
        self.add(self._end)
        self._store(self._packer.flush())
        self._file.close()
        name = f"{self._packed.hexdigest()}-{self._kind}.xml.gz"
        self._pending.rename(self._pending.with_name(name))
        record = createrepo_c.RepomdRecord(self._kind)
        record.checksum, record.checksum_type = self._packed.hexdigest(), "sha256"
        record.checksum_open, record.checksum_open_type = self._open.hexdigest(), "sha256"
        record.size, record.size_open = self._packed_size, self._open_size
        record.timestamp = made_at
        record.location_href = f"repodata/{name}"
        return record

    def _store(self, data: bytes) -> None:
        self._file.write(data)
        self._packed.update(data)
        self._packed_size += len(data)


def _top_file(records: Sequence[createrepo_c.RepomdRecord], facts: RepositoryFacts) -> bytes:
    top = createrepo_c.Repomd()
    top.set_revision(str(facts.made_at))
    top.add_repo_tag(f"obsrepository://{facts.origin}")
    top.add_repo_tag(f"obsbuildid:{facts.made_at}")
    for record in records:
        top.set_record(record)
    return str(top.xml_dump()).encode()


def _carry_over(former: Path, repodata: Path) -> None:
    """Link the lists that the former top file names."""
    try:
        names = _LISTED.findall((former / "repomd.xml").read_bytes())
    except FileNotFoundError:
        return
    for name in map(bytes.decode, names):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            link_or_copy(former / name, repodata / name)
