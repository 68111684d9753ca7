"""Chroots of the Copr dialect: a repository and an architecture under one name.

``debian-12-x86_64`` is repository ``debian-12`` with arch ``x86_64``; a project
that wants it gets a repository of that name whose path leads to the configured
chroot's base project.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from builder.house import ChrootSettings
from storage.model import PathEntry, ProjectMeta, Repository


def chroot_name(repository: str, arch: str) -> str:
    """Name of one repository and arch."""
    return f"{repository}-{arch}"


def split_chroot(name: str) -> tuple[str, str]:
    """Repository and arch of a chroot name; both empty when it is none."""
    repository, dash, arch = name.rpartition("-")
    return (repository, arch) if dash and repository and arch else ("", "")


def chroots_of(meta: ProjectMeta) -> list[str]:
    """The chroots of a project in the order of its meta."""
    return [
        chroot_name(repository.name, arch)
        for repository in meta.repositories
        for arch in repository.arches
    ]


def with_chroots(
    meta: ProjectMeta, names: Sequence[str], configured: Iterable[ChrootSettings]
) -> ProjectMeta:
    """The meta with exactly these chroots.

    What the project already has keeps its paths and policies; a repository
    without any wanted arch is left out.

    Args:
        meta: The meta so far.
        names: Chroots the project has or the house offers.
        configured: What the house offers.
    """
    offers = {each.name: each for each in configured}
    wanted: dict[str, list[str]] = {}
    for name in names:
        repository, arch = split_chroot(name)
        wanted.setdefault(repository, []).append(arch)
    kept = [
        dataclasses.replace(each, arches=_in_order(each.arches, wanted.pop(each.name)))
        for each in meta.repositories
        if each.name in wanted
    ]
    new = [_repository(name, arches, offers) for name, arches in wanted.items()]
    return dataclasses.replace(meta, repositories=(*kept, *new))


def _in_order(known: tuple[str, ...], wanted: list[str]) -> tuple[str, ...]:
    kept = [arch for arch in known if arch in wanted]
    return tuple(dict.fromkeys([*kept, *wanted]))


def _repository(name: str, arches: list[str], offers: dict[str, ChrootSettings]) -> Repository:
    paths = [
        PathEntry(offer.project, offer.repository)
        for arch in arches
        if (offer := offers.get(chroot_name(name, arch))) is not None
    ]
    return Repository(name, tuple(dict.fromkeys(arches)), tuple(dict.fromkeys(paths)))
