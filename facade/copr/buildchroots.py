"""Builds seen in one of their chroots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.errors import InvalidInput, UnknownBuild

from . import json as shapes
from .call import Call
from .chroots import split_chroot
from .lookup import NamedBuild, build_of
from .paging import read_page
from .views import SeenBuild, look

if TYPE_CHECKING:
    from storage.records import Unit

_MEMORY_MB = 1024 * 1024


def show(call: Call) -> dict[str, Any]:
    """One chroot of a build."""
    with call.records() as unit:
        found, seen, chroot = _chroot_of(call, unit)
    return shapes.build_chroot(seen, found.named.name, call.urls, chroot)


def listed(call: Call) -> dict[str, Any]:
    """The chroots of a build."""
    page = read_page(call.request.args, ("id", "name"))
    with call.records() as unit:
        found = build_of(call, unit)
        seen = look(unit, found.build, found.named.project)
    names = sorted(seen.chroots) if page.order == "name" else seen.chroots
    names = names[::-1] if page.descending else names
    items = [
        shapes.build_chroot(seen, found.named.name, call.urls, name)
        for name in names[page.offset : page.offset + page.most]
    ]
    return shapes.listing(items, page)


def build_config(call: Call) -> dict[str, Any]:
    """How one chroot of a build is built."""
    limits = call.house.settings.build
    with call.records() as unit:
        found, _, chroot = _chroot_of(call, unit)
    settings = found.main.settings
    own = settings.chroot(chroot)
    config = shapes.chroot_build_config(found.main.name, chroot, call.urls, settings, own)
    memory_mb = limits.memory_bytes // _MEMORY_MB
    return shapes.build_config(config, found.build, own, limits.timeout_s, memory_mb)


def built_packages(call: Call) -> dict[str, Any]:
    """The packages one chroot of a build made."""
    with call.records() as unit:
        _, seen, chroot = _chroot_of(call, unit)
        job = seen.jobs.get(chroot)
        return shapes.built_packages(unit.binaries.of_job(job.id) if job else [])


def _chroot_of(call: Call, unit: Unit) -> tuple[NamedBuild, SeenBuild, str]:
    found = build_of(call, unit)
    seen = look(unit, found.build, found.named.project)
    chroot = call.argument("chrootname")
    if split_chroot(chroot) == ("", ""):
        raise InvalidInput("Chroot identification is not valid")
    if chroot not in seen.words:
        raise UnknownBuild(f"Chroot {chroot} does not exist in build {found.build.id}.")
    return found, seen, chroot
