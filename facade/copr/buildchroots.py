"""Builds seen in one of their chroots."""

from __future__ import annotations

from typing import Any

from storage.errors import InvalidInput, UnknownBuild

from . import json as shapes
from .call import Call
from .chroots import split_chroot
from .lookup import NamedBuild, build_of
from .paging import read_page
from .views import chroots_of_build, newest

_MEMORY_MB = 1024 * 1024


def show(call: Call) -> dict[str, Any]:
    """One chroot of a build."""
    with call.records() as unit:
        found = build_of(call, unit)
        jobs = unit.jobs.of_build(found.build.id)
        name = _chroot_of(call, found, chroots_of_build(found.build, found.named.project, jobs))
        job = newest(jobs).get(name)
        return shapes.build_chroot(found.build, found.named.name, call.urls, name, job)


def listed(call: Call) -> dict[str, Any]:
    """The chroots of a build."""
    page = read_page(call.request.args, ("id", "name"))
    with call.records() as unit:
        found = build_of(call, unit)
        jobs = unit.jobs.of_build(found.build.id)
        names = chroots_of_build(found.build, found.named.project, jobs)
    by_chroot = newest(jobs)
    names = sorted(names) if page.order == "name" else names
    names = names[::-1] if page.descending else names
    items = [
        shapes.build_chroot(found.build, found.named.name, call.urls, name, by_chroot.get(name))
        for name in names[page.offset : page.offset + page.most]
    ]
    return shapes.listing(items, page)


def build_config(call: Call) -> dict[str, Any]:
    """How one chroot of a build is built."""
    limits = call.house.settings.build
    with call.records() as unit:
        found = build_of(call, unit)
        jobs = unit.jobs.of_build(found.build.id)
        name = _chroot_of(call, found, chroots_of_build(found.build, found.named.project, jobs))
    settings = found.named.settings
    config = shapes.chroot_build_config(
        found.named.name, name, call.urls, settings, settings.chroot(name)
    )
    memory_mb = limits.memory_bytes // _MEMORY_MB
    return shapes.build_config(
        config, found.build, settings.chroot(name), limits.timeout_s, memory_mb
    )


def built_packages(call: Call) -> dict[str, Any]:
    """The packages one chroot of a build made."""
    with call.records() as unit:
        found = build_of(call, unit)
        jobs = unit.jobs.of_build(found.build.id)
        name = _chroot_of(call, found, chroots_of_build(found.build, found.named.project, jobs))
        job = newest(jobs).get(name)
        return shapes.built_packages(unit.binaries.of_job(job.id) if job else [])


def _chroot_of(call: Call, found: NamedBuild, known: list[str]) -> str:
    name = call.argument("chrootname")
    if split_chroot(name) == ("", ""):
        raise InvalidInput("Chroot identification is not valid")
    if name not in known:
        raise UnknownBuild(f"Chroot {name} does not exist in build {found.build.id}.")
    return name
