"""Which files of a repository's build results are offered (build semantics, 4.7, 4.8, 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storage.flags import package_flag, project_flag
from storage.model import Binary, Job, PackageMeta, ProjectMeta

from ..prjconf import ProjectConfig
from .base import Item
from .filters import filtered
from .generations import Generation
from .manifest import Manifest
from .places import is_debug, is_source, owner_key, place_of

PoolRow = tuple[str, Job, Binary]
"""Package, the job that made the file, the file."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the choice depends on.

    Attributes:
        metas: Metas of the project's packages by name.
        locate: Where a result file lies on disk.
        published: The generation in force, if there is one.
        held: Architectures of which what is published stays as it is.
    """

    meta: ProjectMeta
    repository: str
    config: ProjectConfig
    metas: Mapping[str, PackageMeta]
    locate: Callable[[Job, str], Path]
    published: tuple[Generation, Manifest] | None = None
    held: frozenset[str] = frozenset()


@dataclass(slots=True)
class Choice:
    """The answer.

    Attributes:
        items: Sorted by place, no place twice.
        switched_off: Whether every package with results has publishing switched off.
    """

    items: list[Item] = field(default_factory=list)
    switched_off: bool = False


def choose(scope: Scope, pools: Mapping[str, Sequence[PoolRow]]) -> Choice:
    """Choose among the good results of every architecture.

    Args:
        scope: Flags, configuration and what is published now.
        pools: Rows by architecture, by package name; the order of the
            architectures is that of the meta.
    """
    offers: dict[str, list[Item]] = {}
    some_on = some_off = False
    for arch, rows in pools.items():
        on, off = _split(scope, arch, rows)
        some_on, some_off = some_on or bool(on), some_off or bool(off)
        for item in _without_rivals([*_fresh(scope, arch, on), *_kept(scope, arch, rows, off)]):
            offers.setdefault(item.place, []).append(item)
    unwanted = filtered(scope.config.publishfilter, (place.rpartition("/")[2] for place in offers))
    former = {e.place: e.sha256 for e in scope.published[1].entries} if scope.published else {}
    order = _arch_order(scope.config)
    items = [
        _preferred(candidates, former.get(place), order)
        for place, candidates in sorted(offers.items())
        if place.rpartition("/")[2] not in unwanted
    ]
    return Choice(items, some_off and not some_on)


def _split(scope: Scope, arch: str, rows: Iterable[PoolRow]) -> tuple[list[PoolRow], set[str]]:
    """Rows of packages that are published, and the names of those that are not."""
    on: list[PoolRow] = []
    off: set[str] = set()
    verdicts: dict[str, bool | None] = {}
    for row in rows:
        package = row[0]
        if package not in verdicts:
            verdicts[package] = _verdict(scope, package, arch)
        if verdicts[package]:
            on.append(row)
        elif verdicts[package] is False:
            off.add(package)
    return on, off


def _verdict(scope: Scope, package: str, arch: str) -> bool | None:
    """Whether a package is published; None = it must not be in the tree at all.

    [own] A tree is open to whoever may fetch the project's binaries. Those of
    a package that is more closed than its project stay out of it.
    """
    meta, place = scope.metas.get(package), (scope.repository, arch)
    if project_flag(scope.meta, "binarydownload", *place) and not package_flag(
        scope.meta, meta, "binarydownload", *place
    ):
        return None
    return arch not in scope.held and package_flag(scope.meta, meta, "publish", *place)


def _fresh(scope: Scope, arch: str, rows: Iterable[PoolRow]) -> Iterable[Item]:
    closed: dict[str, bool] = {}
    for package, job, binary in rows:
        place = place_of(binary.filename)
        if place is None:
            continue
        if package not in closed:
            meta = scope.metas.get(package)
            closed[package] = not package_flag(scope.meta, meta, "sourceaccess")
        if closed[package] and (is_source(binary.filename) or is_debug(binary.filename)):
            continue
        yield Item(
            place=place[0],
            kind=place[1],
            path=scope.locate(job, binary.filename),
            package=package,
            arch=arch,
            job_id=job.id,
            filename=binary.filename,
            size=binary.size,
            md5=binary.md5,
            sha256=binary.sha256,
            mtime=binary.mtime,
        )


def _kept(scope: Scope, arch: str, rows: Iterable[PoolRow], off: set[str]) -> Iterable[Item]:
    """What is published of packages that are not published any more stays as it is."""
    if scope.published is None or not off:
        return
    generation, manifest = scope.published
    jobs = {job.id: job for _, job, _ in rows}
    for entry in manifest.entries:
        place = place_of(entry.filename)
        if entry.arch != arch or entry.package not in off or place is None:
            continue
        job = jobs.get(entry.job_id)
        # The results of an earlier build may be gone; the published file is there.
        path = scope.locate(job, entry.filename) if job else generation.path / entry.place
        yield entry.item(place[1], path)


def _without_rivals(items: Iterable[Item]) -> Iterable[Item]:
    """Of packages that make a binary of one name, the first in name order has it."""
    owners: dict[str, str] = {}
    for item in sorted(items, key=lambda i: (i.package, i.place)):
        if owners.setdefault(owner_key(item.filename), item.package) == item.package:
            yield item


def _preferred(candidates: list[Item], published: str | None, order: Mapping[str, int]) -> Item:
    """Of architectures that bring one path: the published file, else the first named one."""
    for item in candidates:
        if item.sha256 == published:
            return item
    return min(candidates, key=lambda item: order.get(item.arch, len(order)))


def _arch_order(config: ProjectConfig) -> dict[str, int]:
    for word in config.repotype:
        if word.startswith("archorder:"):
            return {arch: number for number, arch in enumerate(word.split(":")[1:])}
    return {}
