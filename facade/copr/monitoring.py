"""The newest build of every package in every chroot of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.errors import InvalidInput, UnknownBuild
from storage.model import Build

from . import json as shapes
from .call import Call
from .chroots import chroots_of
from .directories import find_directory, read_dirname
from .lookup import Named, project_of
from .states import FINAL
from .views import SeenBuild, look_at

if TYPE_CHECKING:
    from storage.records import Unit

_LOGS = {"url_build_log": "builder-live.log", "url_backend_log": "backend.log"}
_FIELDS = (*_LOGS, "url_build")
_LIMIT = 10_000

_Newest = dict[str, dict[str, SeenBuild]]
"""By package and chroot."""


def monitor(call: Call) -> dict[str, Any]:
    """State, number and version by package and chroot."""
    fields = call.request.args.getlist("additional_fields[]")
    wrong = [name for name in fields if name not in _FIELDS]
    if wrong:
        raise InvalidInput(f"Wrong additional_fields argument(s): {', '.join(wrong)}")
    with call.records() as unit:
        main = project_of(call, unit)
        name = read_dirname(main, call.option("project_dirname"))
        named = find_directory(call, unit, main, name)
        if named is None:
            return shapes.monitor([])
        found = _newest(unit, named)
    shown = [(package, _chroots(call, named, found[package], fields)) for package in sorted(found)]
    return shapes.monitor([(package, chroots) for package, chroots in shown if chroots])


def _newest(unit: Unit, named: Named) -> _Newest:
    """The builds of present results, overlaid by those that are newer."""
    builds = {build.id: build for build in unit.builds.list_for(named.project.id)}
    for number in _current_builds(unit, named) - builds.keys():
        try:
            builds[number] = unit.builds.get(number)
        except UnknownBuild:
            continue
    found: _Newest = {}
    wanted = [builds[number] for number in sorted(builds) if builds[number].package]
    for seen in look_at(unit, wanted, named.project):
        for chroot in seen.chroots:
            if chroot in seen.jobs or _is_awaited(seen.build):
                found.setdefault(seen.build.package, {})[chroot] = seen
    return found


def _current_builds(unit: Unit, named: Named) -> set[int]:
    """Builds that the targets of the project name."""
    targets = unit.targets.of_project(named.project.id)[:_LIMIT]
    jobs = unit.jobs.by_ids([target.job_id for target in targets if target.job_id is not None])
    return {job.build_id for job in jobs.values()}


def _is_awaited(build: Build) -> bool:
    """Whether a build is shown before it has a job: those that came through Copr."""
    return bool(build.source_type)


def _chroots(
    call: Call, named: Named, newest: dict[str, SeenBuild], fields: list[str]
) -> dict[str, dict[str, Any]]:
    shown: dict[str, dict[str, Any]] = {}
    for chroot in chroots_of(named.project.meta):
        if chroot not in newest:
            continue
        seen = newest[chroot]
        shown[chroot] = shapes.monitored(seen.build, seen.words[chroot])
        for field in fields:
            if field in _LOGS:
                shown[chroot][field] = _log_url(call, named, chroot, seen, _LOGS[field])
    return shown


def _log_url(call: Call, named: Named, chroot: str, seen: SeenBuild, name: str) -> str | None:
    job = seen.jobs.get(chroot)
    if job is None or job.started_at is None:
        return None
    suffix = ".gz" if seen.words[chroot] in FINAL else ""
    return call.urls.result(named.name, chroot, seen.build.id, seen.build.package) + name + suffix
