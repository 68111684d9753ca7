"""Build logs by offset, and followed until the build ends (OBS API contract, section 11.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response

from builder.logs import log_path
from storage.errors import InvalidInput, UnknownFile
from storage.model import Job, JobState

from ...access import Action
from ...streaming import CHUNK_BYTES
from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element
from .place import Place, find_package

if TYPE_CHECKING:
    from storage.records import Unit

_KNOWN = frozenset({"start", "end", "nostream", "last", "lastsucceeded", "view", "handoff"})
_OFFSET = re.compile(r"-?[0-9]{1,15}")
_AT_WORK = frozenset({JobState.DISPATCHING, JobState.BUILDING, JobState.SIGNING, JobState.FINISHED})
_TEXT = "text/plain; charset=utf-8"
_PAUSE_S = 0.5
_FOLLOW_S = 6 * 3600.0


def show(call: Call) -> Response:
    """``GET .../K/_log`` [BST-15, BST-16]."""
    call.only(_KNOWN)
    place = find_package(call, Action.READ_SOURCE)
    job = _job(call, place)
    path = log_path(call.house.builder.settings, job)
    size = _size(path)
    if call.param("view") == "entry":
        return _entry(path, size)
    start = _start(call, size)
    end = _offset(call, "end", None)
    if call.flag("nostream") or end is not None or not _is_open(job):
        stop = size if end is None else min(max(end, start), size)
        response = Response(_pieces(path, start, stop), content_type=_TEXT)
        response.headers["Content-Length"] = str(stop - start)
        return response
    return Response(_follow(call, job, path, start), content_type=_TEXT)


def _job(call: Call, place: Place) -> Job:
    """The job whose log is meant, one that has a log.

    Raises:
        UnknownFile: There is none.
    """
    settings = call.house.builder.settings
    with call.records() as unit:
        for job in _candidates(call, unit, place):
            if log_path(settings, job).is_file():
                return job
    raise UnknownFile(f"package '{place.package_name}' has no logfile")


def _candidates(call: Call, unit: Unit, place: Place) -> Iterator[Job]:
    if place.package is None or place.repository is None:
        return
    target = unit.targets.get(place.package.id, place.repository.name, place.arch)
    if target is None:
        return
    if call.flag("lastsucceeded"):
        if target.good_job_id is not None:
            yield unit.jobs.get(target.good_job_id)
        return
    if target.job_id is not None:
        newest = unit.jobs.get(target.job_id)
        if newest.state.is_final or (newest.state in _AT_WORK and not call.flag("last")):
            yield newest
    yield from reversed(
        unit.jobs.history(
            place.project.id, place.repository.name, place.arch, [place.package.name], limit=5
        )
    )


def _start(call: Call, size: int) -> int:
    start = _offset(call, "start", 0) or 0
    if start < 0:
        start = max(size + start, 0)
    if start > size:
        raise InvalidInput("start out of range", size=size)
    return start


def _offset(call: Call, name: str, default: int | None) -> int | None:
    value = call.param(name)
    if not value:
        return default
    if _OFFSET.fullmatch(value) is None or (name == "end" and value.startswith("-")):
        raise InvalidInput(f"parameter '{name}' is not a number")
    return int(value)


def _entry(path: Path, size: int) -> Response:
    attrs = {"name": "_log", "size": size, "mtime": int(path.stat().st_mtime)}
    return answer(Element("directory", {}, [Element("entry", attrs)]))


def _is_open(job: Job) -> bool:
    return not job.state.is_final and job.state is not JobState.FINISHED


def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as log:
        log.seek(start)
        while start < stop and (piece := log.read(min(CHUNK_BYTES, stop - start))):
            start += len(piece)
            yield piece


def _follow(call: Call, job: Job, path: Path, start: int) -> Iterator[bytes]:
    """What is there, then what comes, until the attempt is over or no seat is free."""
    house = call.house
    with house.waiting.seat() as seated:
        until = house.clock() + _FOLLOW_S
        while True:
            over = not seated or not _goes_on(call, job) or house.clock() > until
            for piece in _pieces(path, start, _size(path)):
                start += len(piece)
                yield piece
            if over or not house.waiting.pause(_PAUSE_S):
                return


def _goes_on(call: Call, job: Job) -> bool:
    with call.records() as unit:
        now = unit.jobs.by_ids([job.id]).get(job.id)
    return now is not None and _is_open(now) and now.attempt == job.attempt


def _size(path: Path) -> int:
    return path.stat().st_size


ROUTES = [Route("GET", "/build/<project>/<repository>/<arch>/<package>/_log", show)]
