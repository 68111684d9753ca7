"""A flat apt repository (``deb URL/ ./``): indexes, Release and its signatures."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import re
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from pathlib import Path

from storage.errors import PackhouseError

from ..signers.base import Signer
from .aptindex import package_paragraph, placed, source_paragraph
from .base import Item, Kind, LeftOut, RepositoryFacts
from .files import link_or_copy, write_file
from .packagecache import PackageCache, touch
from .repofile import one_line, sources_file, sources_file_name

_CACHE_KEY = "deb"
_ARCHITECTURE = re.compile(rb"^Architecture: *([a-z0-9-]+)$", re.MULTILINE)
_SUMS = {"MD5Sum": "md5", "SHA1": "sha1", "SHA256": "sha256"}
_BY_HASH = Path("by-hash", "SHA256")
_HASH_OF_INDEX = re.compile(r"^ ([0-9a-f]{64}) +[0-9]+ [A-Za-z.]+$", re.MULTILINE)
_LEVEL = 6


class AptPublisher:
    """Writes Packages, Sources, Release and what signs them, without foreign tools."""

    kinds = frozenset({Kind.DEB, Kind.DSC})

    def __init__(self, signer: Signer, cache: PackageCache) -> None:
        """Sign with ``signer``; keep the paragraphs of packages in ``cache``."""
        self._signer = signer
        self._cache = cache

    def write(
        self,
        tree: Path,
        items: Sequence[Item],
        facts: RepositoryFacts,
        previous: Path | None = None,
    ) -> list[LeftOut]:
        """Write packages, indexes and Release; see ``Publisher``."""
        packages, bad_packages = self._packages(items)
        sources, bad_sources = _sources(items)
        for item, _ in (*packages, *sources):
            target = tree / item.place
            target.parent.mkdir(exist_ok=True, parents=True)
            link_or_copy(item.path, target)
        indexes = {
            "Packages": b"\n".join(placed(text, item.place) for item, text in packages),
            "Sources": b"\n".join(text for _, text in sources),
        }
        for name, content in list(indexes.items()):
            indexes[f"{name}.gz"] = gzip.compress(content, _LEVEL, mtime=0)
        _write_indexes(tree, indexes, previous)
        self._write_release(tree, _release(facts, indexes, [text for _, text in packages]), facts)
        return bad_packages + bad_sources

    def _packages(self, items: Sequence[Item]) -> tuple[list[tuple[Item, bytes]], list[LeftOut]]:
        """Paragraph of every .deb, from the cache or made for it."""
        debs = [item for item in items if item.kind is Kind.DEB]
        left_out: list[LeftOut] = []
        missing = {d.sha256: d for d in debs if not self._cache.find(_CACHE_KEY, d.sha256)}
        if missing:
            left_out = self._make_entries(debs, missing)
        found = []
        for deb in debs:
            if entry := self._cache.find(_CACHE_KEY, deb.sha256):
                touch(entry)
                found.append((deb, (entry / "pieces").read_bytes()))
        return found, left_out

    def _make_entries(self, debs: Sequence[Item], missing: dict[str, Item]) -> list[LeftOut]:
        reasons: dict[str, str] = {}
        with self._cache.workshop() as workshop:
            made: dict[Path, tuple[str, str]] = {}
            for sha256, deb in missing.items():
                room = workshop / sha256
                room.mkdir()
                try:
                    write_file(room / "pieces", package_paragraph(deb))
                    made[room] = (_CACHE_KEY, sha256)
                except (PackhouseError, FileNotFoundError) as error:
                    reasons[sha256] = str(error)
            self._cache.add(made)
        return [LeftOut(deb, reasons[deb.sha256]) for deb in debs if deb.sha256 in reasons]

    def _write_release(self, tree: Path, release: bytes, facts: RepositoryFacts) -> None:
        write_file(tree / "Release", release)
        if facts.key is not None:
            owner = facts.key.project
            write_file(tree / "InRelease", self._signer.sign_clear(owner, release))
            write_file(tree / "Release.gpg", self._signer.sign_detached(owner, release))
            write_file(tree / "Release.key", facts.key.armored.encode())
        if facts.url:
            write_file(tree / sources_file_name(facts), sources_file(facts))


def _sources(items: Sequence[Item]) -> tuple[list[tuple[Item, bytes]], list[LeftOut]]:
    offered = {item.place: item for item in items}
    found: list[tuple[Item, bytes]] = []
    left_out: list[LeftOut] = []
    for item in items:
        if item.kind is Kind.DSC:
            try:
                found.append((item, source_paragraph(item, offered)))
            except (PackhouseError, FileNotFoundError) as error:
                left_out.append(LeftOut(item, str(error)))
    return found, left_out


def _write_indexes(tree: Path, indexes: dict[str, bytes], previous: Path | None) -> None:
    """Write each index under its name and under its checksum, with those it replaces."""
    by_hash = tree / _BY_HASH
    by_hash.mkdir(parents=True)
    for name, content in indexes.items():
        write_file(tree / name, content)
        with contextlib.suppress(FileExistsError):
            link_or_copy(tree / name, by_hash / hashlib.sha256(content).hexdigest())
    if previous is None:
        return
    with contextlib.suppress(FileNotFoundError):
        former = (previous / "Release").read_text(encoding="utf-8")
        for checksum in set(_HASH_OF_INDEX.findall(former)):
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                link_or_copy(previous / _BY_HASH / checksum, by_hash / checksum)


def _release(
    facts: RepositoryFacts, indexes: dict[str, bytes], paragraphs: Iterable[bytes]
) -> bytes:
    """The Release file (build semantics, section 6.2).

    Date is [own] in the form of Debian's own archives; OBS writes asctime
    without a zone.
    """
    found = {m.group(1).decode() for text in paragraphs if (m := _ARCHITECTURE.search(text))}
    date = formatdate(facts.made_at, usegmt=True).replace("GMT", "UTC")
    lines = [
        f"Archive: {one_line(facts.repository)}",
        f"Codename: {one_line(facts.repository)}",
        f"Origin: obs://{one_line(facts.origin)}",
        f"Label: {one_line(facts.project)}",
        f"Architectures: {' '.join(sorted(found - {'all'})) or 'all'}",
        f"Date: {date}",
        f"Description: {one_line(facts.title)}",
        "Acquire-By-Hash: yes",
    ]
    for field, kind in _SUMS.items():
        lines.append(f"{field}:")
        for name, content in sorted(indexes.items()):
            digest = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
            lines.append(f" {digest} {len(content):16d} {name}")
    return "\n".join([*lines, ""]).encode()
