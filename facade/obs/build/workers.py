"""``_workerstatus``: who builds what, and what waits (build semantics, section 4.10)."""

from __future__ import annotations

import platform
from collections import Counter

from flask import Response

from storage.model import Job, JobState

from ...visible import visible_projects
from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element

_KNOWN = frozenset({"type", "arch", "daemonsonly", "scheduleronly"})
_SHOWN_LIMIT = 10_000


def show(call: Call) -> Response:
    """``GET /build/_workerstatus`` [BLD-02], also ``/worker/_status`` [BLD-07]."""
    call.only(_KNOWN)
    settings = call.house.builder.settings
    arches = sorted({chroot.arch for chroot in settings.chroots})
    if wanted := call.many("arch"):
        arches = [arch for arch in arches if arch in wanted]
    with call.records() as unit:
        building = unit.jobs.with_state([JobState.BUILDING, JobState.SIGNING], _SHOWN_LIMIT)
        waiting = Counter(
            job.arch
            for job in unit.jobs.with_state(
                [JobState.SCHEDULED, JobState.DISPATCHING], _SHOWN_LIMIT
            )
        )
        blocked = Counter(
            job.arch for job in unit.jobs.with_state([JobState.BLOCKED], _SHOWN_LIMIT)
        )
        seen = set(visible_projects(unit, call.identity, {job.project for job in building}))
    idle = max(settings.slots - len(building), 0)
    children: list[Element] = []
    if not (call.flag("daemonsonly") or call.flag("scheduleronly")):
        children += _idle(idle)
        children += [_building(job) for job in building if job.project in seen]
        children += [Element("waiting", {"arch": a, "jobs": waiting[a]}) for a in arches]
        children += [Element("blocked", {"arch": a, "jobs": blocked[a]}) for a in arches]
    children.append(_partition(call))
    return answer(Element("workerstatus", {"clients": idle + len(building)}, children))


def _idle(count: int) -> list[Element]:
    host, arch = platform.node() or "localhost", platform.machine()
    return [
        Element("idle", {"workerid": f"{host}/{number}", "hostarch": arch})
        for number in range(1, count + 1)
    ]


def _building(job: Job) -> Element:
    return Element(
        "building",
        {
            "workerid": job.worker,
            "hostarch": job.arch,
            "project": job.project,
            "repository": job.repository,
            "package": job.package,
            "arch": job.arch,
            "starttime": job.started_at or job.created_at,
        },
    )


def _partition(call: Call) -> Element:
    started = call.house.started_at
    up = {"state": "running", "starttime": started}
    dispatcher = up if call.house.queue.ping() else {"state": "dead", "starttime": None}
    daemons = [
        Element("daemon", {"type": "srcserver", **up}),
        Element("daemon", {"type": "repserver", **up}),
        Element("daemon", {"type": "dispatcher", **dispatcher}),
    ]
    if wanted := call.many("type"):
        daemons = [daemon for daemon in daemons if daemon.attrs["type"] in wanted]
    return Element("partition", {}, daemons)


ROUTES = [
    Route("GET", "/build/_workerstatus", show),
    Route("GET", "/worker/_status", show),
    Route("GET", "/status/workerstatus", show),
]
