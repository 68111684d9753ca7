"""What happened to one package, and why (OBS API contract, sections 11.4 and 11.6)."""

from __future__ import annotations

from flask import Response

from storage.errors import InvalidInput
from storage.model import Job, JobState, Target

from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element
from .place import Place, find_arch, find_package, find_project
from .states import package_state

_LIMIT = 100
_LONGEST = 10_000
_CODES = frozenset({"succeeded", "failed", "unchanged", "lastfailures"})


def status(call: Call) -> Response:
    """``GET .../K/_status`` [BST-11]."""
    call.only({"lastbuild", "multibuild"})
    place = find_package(call)
    if place.package is None or place.repository is None:
        raise InvalidInput("the whole repository has no status")
    with call.records() as unit:
        state = package_state(unit, place.package, place.repository.name, place.arch)
        publication = unit.publications.get(place.project.id, place.repository.name, place.arch)
        is_dirty = unit.events.concerns(place.project.name) or bool(
            publication and publication.dirty
        )
    attrs = {
        "package": place.package_name,
        "code": state.code,
        "dirty": "true" if is_dirty else None,
    }
    details = [Element("details", text=state.details)] if state.details else []
    return answer(Element("status", attrs, details))


def job_status(call: Call) -> Response:
    """``GET .../K/_jobstatus`` [BST-12]: empty unless the job runs."""
    call.only(())
    job, last = _newest(call)
    if job is None or job.state not in (JobState.BUILDING, JobState.SIGNING):
        return answer(Element("jobstatus"))
    attrs: dict[str, object] = {"code": job.state.value}
    if job.state is JobState.BUILDING:
        attrs["details"] = f"building on {job.worker}" if job.worker else None
    children = [
        Element("starttime", text=str(job.started_at or 0)),
        Element("workerid", text=job.worker),
        Element("hostarch", text=job.arch),
    ]
    if last is not None and last.started_at and last.ended_at:
        children.append(Element("lastduration", text=str(last.ended_at - last.started_at)))
    return answer(Element("jobstatus", attrs, children))


def reason(call: Call) -> Response:
    """``GET .../K/_reason`` [BST-10]."""
    call.only(())
    place = find_package(call)
    target = _target(call, place)
    facts = target.reason if target is not None else {}
    if not facts.get("explain"):
        return answer(Element("reason"))
    children = [Element("explain", text=str(facts["explain"]))]
    at = facts.get("time") or (target.updated_at if target else 0)
    children.append(Element("time", text=str(at)))
    if facts.get("oldsource"):
        children.append(Element("oldsource", text=str(facts["oldsource"])))
    for change in facts.get("packagechange") or ():
        attrs = {"change": change.get("change"), "key": change.get("key")}
        children.append(Element("packagechange", attrs))
    return answer(Element("reason", {}, children))


def history(call: Call) -> Response:
    """``GET .../K/_history`` [BST-09]: succeeded builds, oldest first."""
    call.only({"limit"})
    place = find_package(call)
    limit = min(call.number("limit", _LIMIT) or _LIMIT, _LONGEST)
    found: list[Job] = []
    if place.package is not None and place.repository is not None:
        with call.records() as unit:
            found = unit.jobs.successes(place.package.id, place.repository.name, place.arch, limit)
    return answer(Element("buildhistory", {}, [_entry(job) for job in found]))


def job_history(call: Call) -> Response:
    """``GET /build/P/R/A/_jobhistory`` [BIN-14]: finished jobs, oldest first of the last N."""
    call.only({"package", "code", "limit", "endtime_start", "endtime_end"})
    return _job_list(call, find_arch(call))


def project_job_history(call: Call) -> Response:
    """``GET /build/P/_jobhistory`` [BIN-15]: the same for every repository and architecture."""
    call.only({"package", "code", "limit"})
    project = find_project(call).project
    places = [
        Place(project, repository, arch)
        for repository in project.meta.repositories
        for arch in repository.arches
    ]
    return _job_list(call, *places)


def _job_list(call: Call, *places: Place) -> Response:
    codes = call.many("code")
    if not set(codes) <= _CODES:
        raise InvalidInput(f"unknown code '{sorted(set(codes) - _CODES)[0][:60]}'")
    if "lastfailures" in codes and len(codes) > 1:
        raise InvalidInput("'lastfailures' stands alone")
    last_failures = codes == ["lastfailures"]
    limit = min(call.number("limit", _LIMIT) or _LIMIT, _LONGEST)
    found: list[Job] = []
    with call.records() as unit:
        for place in places:
            assert place.repository is not None
            found += unit.jobs.history(
                place.project.id,
                place.repository.name,
                place.arch,
                call.many("package") or None,
                None if last_failures else codes or None,
                _LONGEST if last_failures else limit,
            )
    if last_failures:
        found = _last_failures(found)
    if len(places) > 1:
        found.sort(key=lambda job: (job.ended_at or 0, job.id))
    return answer(Element("jobhistlist", {}, [_job(job) for job in found[-limit:]]))


def _last_failures(jobs: list[Job]) -> list[Job]:
    """Per package the last success and the first failure after it."""
    success: dict[str, Job] = {}
    failure: dict[str, Job] = {}
    for job in jobs:
        if job.result == "failed":
            failure.setdefault(job.package, job)
        else:
            success[job.package] = job
            failure.pop(job.package, None)
    chosen = [*failure.values(), *(success[name] for name in failure if name in success)]
    return sorted(chosen, key=lambda job: (job.ended_at or 0, job.id))


def _newest(call: Call) -> tuple[Job | None, Job | None]:
    """The newest job of a package and the last good one."""
    place = find_package(call)
    target = _target(call, place)
    if target is None:
        return None, None
    with call.records() as unit:
        jobs = unit.jobs.by_ids(i for i in (target.job_id, target.good_job_id) if i is not None)
    return jobs.get(target.job_id or 0), jobs.get(target.good_job_id or 0)


def _target(call: Call, place: Place) -> Target | None:
    if place.package is None or place.repository is None:
        return None
    with call.records() as unit:
        return unit.targets.get(place.package.id, place.repository.name, place.arch)


def _entry(job: Job) -> Element:
    duration = (job.ended_at or 0) - (job.started_at or job.ended_at or 0)
    attrs = {
        "rev": job.rev,
        "srcmd5": job.srcmd5,
        "versrel": job.versrel,
        "bcnt": job.bcnt,
        "time": job.ended_at or 0,
        "duration": duration,
    }
    return Element("entry", attrs)


def _job(job: Job) -> Element:
    started = job.started_at or job.queued_at or job.created_at
    attrs = {
        "package": job.package,
        "rev": job.rev,
        "srcmd5": job.srcmd5,
        "versrel": job.versrel,
        "bcnt": job.bcnt,
        "readytime": job.queued_at or job.created_at,
        "starttime": started,
        "endtime": job.ended_at or started,
        "code": job.result or "failed",
        "uri": "",
        "workerid": job.worker,
        "hostarch": job.arch,
        "reason": job.reason.get("explain", ""),
        "verifymd5": job.srcmd5,
    }
    return Element("jobhist", attrs)


_PACKAGE = "/build/<project>/<repository>/<arch>/<package>"
ROUTES = [
    Route("GET", f"{_PACKAGE}/_status", status),
    Route("GET", f"{_PACKAGE}/_jobstatus", job_status),
    Route("GET", f"{_PACKAGE}/_reason", reason),
    Route("GET", f"{_PACKAGE}/_history", history),
    Route("GET", "/build/<project>/<repository>/<arch>/_jobhistory", job_history),
    Route("GET", "/build/<project>/_jobhistory", project_job_history),
]
