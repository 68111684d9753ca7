"""Builds: read, cancel and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.srpm.cancel import cancel_build
from storage.errors import Conflict, InvalidInput, Locked, NotAllowed, UnknownBuild
from storage.model import Build

from ..access import Action, allowed
from . import json as shapes
from .call import Call
from .chroots import split_chroot
from .errors import Forbidden
from .forms import as_integers
from .lookup import NamedBuild, build_of, find_build, find_package, may_build, project_of
from .paging import Page, read_page
from .removal import remove_builds
from .states import FINAL
from .views import chroots_of_build, newest, show_build, show_builds, state_of

if TYPE_CHECKING:
    from storage.records import Unit

_SCAN = 500
_SCAN_LIMIT = 20_000
_MEMORY_MB = 1024 * 1024
_DELETE_LIMIT = 1000


def show(call: Call) -> dict[str, Any]:
    """One build."""
    with call.records() as unit:
        return _shown(call, unit, build_of(call, unit))


def listed(call: Call) -> dict[str, Any]:
    """Builds of a project or of one package, always newest first."""
    page = read_page(call.request.args)
    with call.records() as unit:
        named = project_of(call, unit)
        package_id = None
        if call.option("packagename"):
            package_id = find_package(unit, named, call.argument("packagename")).id
        status = call.option("status")
        if status:
            items = _with_status(call, unit, named.project.id, package_id, status, page)
        else:
            builds = unit.builds.list_for(named.project.id, package_id, page.most, page.offset)
            items = show_builds(unit, builds, named.project, named.name, call.urls)
        page.check(len(items))
        return shapes.listing(items, page)


def source_chroot(call: Call) -> dict[str, Any]:
    """The source part of a build."""
    with call.records() as unit:
        found = build_of(call, unit)
        return shapes.source_chroot(found.build, found.named.name, call.urls)


def source_build_config(call: Call) -> dict[str, Any]:
    """How the source part of a build was asked for."""
    limits = call.house.settings.build
    with call.records() as unit:
        build = build_of(call, unit).build
    return shapes.source_build_config(build, limits.timeout_s, limits.memory_bytes // _MEMORY_MB)


def built_packages(call: Call) -> dict[str, Any]:
    """The packages each chroot of a build made."""
    with call.records() as unit:
        found = build_of(call, unit)
        jobs = unit.jobs.of_build(found.build.id)
        chroots = chroots_of_build(found.build, found.named.project, jobs)
        by_chroot = newest(jobs)
        return {
            chroot: shapes.built_packages(
                unit.binaries.of_job(by_chroot[chroot].id) if chroot in by_chroot else []
            )
            for chroot in chroots
        }


def cancel(call: Call) -> dict[str, Any]:
    """Cancel a build that is not over."""
    with call.records() as unit:
        found = build_of(call, unit)
        call.identity.required()
        if not may_build(call.identity, found.named):
            raise Forbidden("You are not allowed to cancel this build.")
        if _is_over(unit, found):
            raise Conflict(f"Cannot cancel build {found.build.id}")
    cancel_build(call.house.builder, found.build.id)
    with call.records() as unit:
        return _shown(call, unit, build_of(call, unit))


def delete(call: Call) -> dict[str, Any]:
    """Delete one build that is over."""
    with call.records() as unit:
        found = build_of(call, unit)
        call.identity.required()
        if not _may_delete(call, found):
            raise Forbidden(f"You don't have permissions to delete build(s) {found.build.id}.")
        if not _is_over(unit, found):
            raise InvalidInput(f"Build(s) {found.build.id} are still running.\n")
        before = _shown(call, unit, found)
    remove_builds(call.house, [found.build])
    return before


def delete_list(call: Call) -> dict[str, Any]:
    """Delete several builds, all or none."""
    numbers = as_integers(call.form().words("builds") or [])
    if not 0 < len(numbers) <= _DELETE_LIMIT:
        raise InvalidInput(f"Between 1 and {_DELETE_LIMIT} builds can be deleted at once")
    found, complaint = _deletable(call, numbers)
    if complaint:
        raise InvalidInput(complaint)
    remove_builds(call.house, found)
    return {"builds": numbers}


def _deletable(call: Call, numbers: list[int]) -> tuple[list[Build], str]:
    refused: dict[str, list[str]] = {"denied": [], "running": [], "missing": []}
    builds: list[Build] = []
    with call.records() as unit:
        for number in dict.fromkeys(numbers):
            try:
                found = find_build(unit, call.identity, str(number))
            except UnknownBuild:
                refused["missing"].append(str(number))
                continue
            builds.append(found.build)
            if not _may_delete(call, found):
                refused["denied"].append(str(number))
            elif not _is_over(unit, found):
                refused["running"].append(str(number))
    lines = {
        "denied": "You don't have permissions to delete build(s) {}.\n",
        "running": "Build(s) {} are still running.\n",
        "missing": "Build(s) {} don't exist.\n",
    }
    texts = [lines[why].format(", ".join(who)) for why, who in refused.items() if who]
    return builds, "".join(texts)


def _may_delete(call: Call, found: NamedBuild) -> bool:
    try:
        allowed(call.identity, Action.BUILD, found.named.target)
    except Locked:
        raise
    except NotAllowed:
        return False
    return True


def _is_over(unit: Unit, found: NamedBuild) -> bool:
    jobs = unit.jobs.of_build(found.build.id)
    return state_of(found.build, found.named.project, jobs) in FINAL


def _shown(call: Call, unit: Unit, found: NamedBuild) -> dict[str, Any]:
    jobs = unit.jobs.of_build(found.build.id)
    return show_build(found.build, found.named.project, found.named.name, call.urls, jobs)


def _with_status(
    call: Call, unit: Unit, project_id: int, package_id: int | None, status: str, page: Page
) -> list[dict[str, Any]]:
    """Builds in one computed state; ``limit`` and ``offset`` count only those."""
    named = project_of(call, unit)
    items: list[dict[str, Any]] = []
    for start in range(0, _SCAN_LIMIT, _SCAN):
        builds = unit.builds.list_for(project_id, package_id, _SCAN, start)
        shown = show_builds(unit, builds, named.project, named.name, call.urls)
        items += [each for each in shown if each["state"] == status]
        if len(builds) < _SCAN or len(items) >= page.offset + page.most:
            break
    return items[page.offset : page.offset + page.most]


# --- one chroot of a build ----------------------------------------------------


def chroot(call: Call) -> dict[str, Any]:
    """One chroot of a build."""
    with call.records() as unit:
        found = build_of(call, unit)
        jobs = unit.jobs.of_build(found.build.id)
        name = _chroot_of(call, found, chroots_of_build(found.build, found.named.project, jobs))
        job = newest(jobs).get(name)
        return shapes.build_chroot(found.build, found.named.name, call.urls, name, job)


def chroots(call: Call) -> dict[str, Any]:
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


def chroot_config(call: Call) -> dict[str, Any]:
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


def chroot_built_packages(call: Call) -> dict[str, Any]:
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
