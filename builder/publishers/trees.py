"""Writing one tree: from chosen files to the published generation."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..signers.base import Signer
from .apt import AptPublisher
from .base import Item, Kind, LeftOut, Publisher, PublishFailed, RepositoryFacts
from .files import sync
from .generations import Generation, Generations
from .manifest import Entry, Manifest
from .packagecache import PackageCache
from .plain import PlainPublisher
from .rpmmd import RpmMdPublisher

logger = logging.getLogger(__name__)

TOP_FILES = ("repodata/repomd.xml", "Release")
"""Of a tree with metadata, one of them is there."""

_FORMAT = "1"
"""Part of every fingerprint; a change of the metadata's form publishes everything anew."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a tree.

    Attributes:
        generation: The published one, None when there is no tree (any more).
        changed: Whether this call switched or removed it.
        left_out: Files that could not be offered.
    """

    generation: Generation | None
    changed: bool
    left_out: tuple[LeftOut, ...] = ()


class TreeWriter:
    """Writes trees for one house."""

    def __init__(self, generations: Generations, signer: Signer) -> None:
        """Publish into ``generations`` and sign with ``signer``."""
        self._generations = generations
        self._signer = signer
        self._cache = PackageCache(generations.root)

    def write(
        self,
        items: Sequence[Item],
        facts: RepositoryFacts,
        *,
        repotype: Sequence[str] = (),
        create_empty: bool = False,
        companions: Sequence[str] = (),
    ) -> Outcome:
        """Publish exactly ``items``; the caller holds the repository's lock.

        Args:
            items: Sorted by place.
            facts: Also name the tree.
            repotype: Words of the configuration's ``Repotype``.
            create_empty: Write metadata even about nothing.
            companions: Trees that go when this one goes.

        Raises:
            PublishFailed: Nothing was published; what was there before still is.
            SigningFailed: Likewise.
            OSError: Likewise; the disk refused.
        """
        current = self._generations.current(facts.project, facts.repository)
        if not items and not create_empty:
            removed = self._generations.remove(facts.project, facts.repository)
            return Outcome(None, removed)
        fingerprint = fingerprint_of(items, facts, repotype, companions)
        if current is not None and current.fingerprint == fingerprint:
            return Outcome(current, False)
        facts = replace(facts, made_at=max(facts.made_at, _first_free_second(current)))
        with self._generations.draft(facts.project, facts.repository) as draft:
            left_out = self._fill(draft, items, facts, repotype, current)
            unwanted = {left.item.place for left in left_out}
            manifest = Manifest(
                project=facts.project,
                repository=facts.repository,
                fingerprint=fingerprint,
                key=facts.key.fingerprint if facts.key else "",
                made_at=facts.made_at,
                entries=tuple(Entry.of(item) for item in items if item.place not in unwanted),
                companions=tuple(companions),
            )
            generation = self._generations.publish(draft, manifest)
        return Outcome(generation, True, tuple(left_out))

    def _fill(
        self,
        draft: Path,
        items: Sequence[Item],
        facts: RepositoryFacts,
        repotype: Sequence[str],
        current: Generation | None,
    ) -> list[LeftOut]:
        left_out: list[LeftOut] = []
        for publisher in self._publishers(items, repotype):
            left_out += publisher.write(draft, items, facts, current.path if current else None)
        if facts.key is not None and self._signer.public_key(facts.key.project) != facts.key:
            raise PublishFailed("the signing key was replaced during the publish")
        for left in left_out:
            logger.warning(
                "file_left_out",
                extra={
                    "project": facts.project,
                    "repository": facts.repository,
                    "file": left.item.filename,
                    "reason": left.reason,
                },
            )
        written = list(_not_durable(draft, items))
        _date(written, draft, facts.made_at)
        sync(written)
        return left_out

    def _publishers(self, items: Sequence[Item], repotype: Sequence[str]) -> Iterator[Publisher]:
        """One publisher for each kind of package that is there; plain files by the rest.

        [own] The packages decide, not ``Repotype``: a repository with both
        kinds gets both kinds of metadata. ``none`` switches metadata off.
        """
        rpm = RpmMdPublisher(self._signer, self._cache)
        apt = AptPublisher(self._signer, self._cache)
        if "none" in repotype:
            yield PlainPublisher(frozenset(Kind))
            return
        kinds = {item.kind for item in items}
        packages = [publisher for publisher in (rpm, apt) if publisher.kinds & kinds]
        if not packages:
            packages = [apt if "debian" in repotype else rpm]
        yield from packages
        yield PlainPublisher()


def fingerprint_of(
    items: Sequence[Item],
    facts: RepositoryFacts,
    repotype: Sequence[str] = (),
    companions: Sequence[str] = (),
) -> str:
    """Checksum over everything a tree's content depends on but the time, 32 hex digits."""
    key = (facts.key.fingerprint, facts.key.armored) if facts.key else ("", "")
    digest = hashlib.sha256()
    heads = (_FORMAT, facts.origin, facts.title, facts.url, *key, *repotype, "", *companions)
    for text in heads:
        digest.update(text.encode() + b"\0")
    for item in items:
        digest.update(f"{item.place}\0{item.sha256}\0".encode())
    return digest.hexdigest()[:32]


def _first_free_second(current: Generation | None) -> int:
    """The second after the one the present lists are dated with.

    apt asks for what changed since the date of the list it has: two
    generations must never have one date, also when the clock stands still.
    """
    latest = 0.0
    if current is None:
        return 0
    for name in TOP_FILES:
        with contextlib.suppress(FileNotFoundError):
            latest = max(latest, current.path.joinpath(name).stat().st_mtime)
    return int(latest) + 1


def _date(written: Sequence[Path], draft: Path, made_at: int) -> None:
    """Date the lists of this generation; those carried over keep their date."""
    for path in written:
        if path.parent == draft or path.stat().st_nlink == 1:
            os.utime(path, (made_at, made_at))


def _not_durable(draft: Path, items: Sequence[Item]) -> Iterator[Path]:
    """Files of a draft that were written for it, not linked from durable ones."""
    places = {item.place for item in items}
    top = str(draft)
    for directory, _, names in os.walk(draft):
        inside = directory[len(top) + 1 :]
        for name in names:
            path = os.path.join(directory, name)
            place = f"{inside}/{name}" if inside else name
            if place not in places or os.stat(path).st_nlink == 1:
                yield Path(path)
