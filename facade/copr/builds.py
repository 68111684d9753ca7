"""Builds: read, cancel and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.srpm.cancel import cancel_build
from storage.errors import Conflict, InvalidInput, Locked, NotAllowed, UnknownBuild
from storage.model import Build

from ..access import Action, allowed
from . import json as shapes
from .call import Call
from .directories import side_directories
from .errors import Forbidden
from .forms import as_integers
from .lookup import (
    Named,
    NamedBuild,
    build_of,
    find_build,
    find_package,
    may_build,
    project_of,
)
from .paging import Page, read_page
from .removal import remove_builds
from .views import look, look_at

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
        places = _places(call, unit, named)
        status = call.option("status")
        if status:
            items = _with_status(call, unit, places, status, page)
        else:
            items = _newest(call, unit, places, page.offset, page.most)
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
        seen = look(unit, found.build, found.named.project)
        return {
            chroot: shapes.built_packages(
                unit.binaries.of_job(seen.jobs[chroot].id) if chroot in seen.jobs else []
            )
            for chroot in seen.chroots
        }


def cancel(call: Call) -> dict[str, Any]:
    """Cancel a build that is not over."""
    with call.records() as unit:
        found = build_of(call, unit)
        call.identity.required()
        if not may_build(call.identity, found.main):
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
        allowed(call.identity, Action.BUILD, found.main.target)
    except Locked:
        raise
    except NotAllowed:
        return False
    return True


def _is_over(unit: Unit, found: NamedBuild) -> bool:
    return look(unit, found.build, found.named.project).is_over


def _shown(call: Call, unit: Unit, found: NamedBuild) -> dict[str, Any]:
    seen = look(unit, found.build, found.named.project)
    return shapes.build(seen, found.named.name, call.urls)


_Place = tuple[Named, int | None]
"""A project or directory, and the package builds are wanted of."""


def _places(call: Call, unit: Unit, named: Named) -> list[_Place]:
    """Where the builds of a project are; of one package if one is named."""
    everywhere = [named, *side_directories(unit, named)]
    if not call.option("packagename"):
        return [(place, None) for place in everywhere]
    wanted = find_package(unit, named, call.argument("packagename"))
    found: list[_Place] = [(named, wanted.id)]
    for place in everywhere[1:]:
        package = unit.packages.find(place.project.name, wanted.name)
        if package is not None:
            found.append((place, package.id))
    return found


def _newest(
    call: Call, unit: Unit, places: list[_Place], offset: int, limit: int
) -> list[dict[str, Any]]:
    """One page over the builds of all places, newest first."""
    start, most = (offset, limit) if len(places) == 1 else (0, offset + limit)
    shown: list[dict[str, Any]] = []
    for place, package_id in places:
        builds = unit.builds.list_for(place.project.id, package_id, most, start)
        shown += shapes.builds(look_at(unit, builds, place.project), place.name, call.urls)
    if len(places) == 1:
        return shown
    shown.sort(key=lambda each: -int(each["id"]))
    return shown[offset : offset + limit]


def _with_status(
    call: Call, unit: Unit, places: list[_Place], status: str, page: Page
) -> list[dict[str, Any]]:
    """Builds in one computed state; ``limit`` and ``offset`` count only those."""
    items: list[dict[str, Any]] = []
    for start in range(0, _SCAN_LIMIT, _SCAN):
        shown = _newest(call, unit, places, start, _SCAN)
        items += [each for each in shown if each["state"] == status]
        if len(shown) < _SCAN or len(items) >= page.offset + page.most:
            break
    return items[page.offset : page.offset + page.most]
