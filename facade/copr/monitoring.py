"""The newest build of every package in every chroot of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.errors import InvalidInput, UnknownBuild
from storage.model import Build, Job

from . import json as shapes
from .call import Call
from .chroots import chroot_name, chroots_of
from .directories import find_directory, read_dirname
from .lookup import Named, project_of
from .states import FINAL, chroot_state
from .views import chroots_of_build

if TYPE_CHECKING:
    from storage.records import Unit

_LOGS = {"url_build_log": "builder-live.log", "url_backend_log": "backend.log"}
_FIELDS = (*_LOGS, "url_build")
_LIMIT = 10_000


def monitor(call: Call) -> dict[str, Any]:
    """State, number and version by package and chroot."""
    fields = call.request.args.getlist("additional_fields[]")
    wrong = [name for name in fields if name not in _FIELDS]
    if wrong:
        raise InvalidInput(f"Wrong additional_fields argument(s): {', '.join(wrong)}")
    with call.records() as unit:
        named = project_of(call, unit)
        name = read_dirname(named, call.option("project_dirname"))
        place = find_directory(call, unit, named, name)
        if place is None:
            return shapes.monitor([])
        named = place
        found = _by_package(unit, named)
        packages = [
            (name, _chroots(call, named, name, latest, fields))
            for name, latest in sorted(found.items())
        ]
    return shapes.monitor([(name, chroots) for name, chroots in packages if chroots])


def _by_package(unit: Unit, named: Named) -> dict[str, dict[str, tuple[Build, Job | None]]]:
    """By package and chroot: the newest build, with its job if there is one."""
    found: dict[str, dict[str, tuple[Build, Job | None]]] = {}
    targets = unit.targets.of_project(named.project.id)[:_LIMIT]
    for target in targets:
        if target.job_id is None:
            continue
        try:
            job = unit.jobs.get(target.job_id)
            build = unit.builds.get(job.build_id)
        except UnknownBuild:
            continue
        chroot = chroot_name(target.repository, target.arch)
        found.setdefault(target.package, {})[chroot] = (build, job)
    _add_builds_without_jobs(unit, named, found)
    return found


def _add_builds_without_jobs(
    unit: Unit, named: Named, found: dict[str, dict[str, tuple[Build, Job | None]]]
) -> None:
    """Builds whose source part is not over, failed, or has only just succeeded."""
    builds = [b for b in unit.builds.list_for(named.project.id) if b.source_type and b.package]
    jobs_of = unit.jobs.of_builds([build.id for build in builds])
    for build in reversed(builds):
        if jobs_of[build.id]:
            continue
        chroots = found.setdefault(build.package, {})
        for chroot in chroots_of_build(build, named.project, []):
            if chroot not in chroots or chroots[chroot][0].id < build.id:
                chroots[chroot] = (build, None)


def _chroots(
    call: Call,
    named: Named,
    package: str,
    latest: dict[str, tuple[Build, Job | None]],
    fields: list[str],
) -> dict[str, dict[str, Any]]:
    shown: dict[str, dict[str, Any]] = {}
    for chroot in chroots_of(named.project.meta):
        if chroot not in latest:
            continue
        build, job = latest[chroot]
        state = chroot_state(build, job)
        shown[chroot] = shapes.monitored(build, state)
        for field in fields:
            if field in _LOGS:
                shown[chroot][field] = _log_url(call, named, chroot, build, job, _LOGS[field])
    return shown


def _log_url(
    call: Call, named: Named, chroot: str, build: Build, job: Job | None, name: str
) -> str | None:
    if job is None or job.started_at is None:
        return None
    suffix = ".gz" if chroot_state(build, job) in FINAL else ""
    return call.urls.result(named.name, chroot, build.id, build.package) + name + suffix
