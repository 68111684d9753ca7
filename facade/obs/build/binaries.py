"""Result files: lists, downloads, archives, facts (OBS API contract, section 11.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flask import Response

from builder.artifacts import result_path
from storage.errors import InvalidInput, NotAllowed, UnknownFile
from storage.model import Binary, Job
from storage.names import PackageName

from ...access import Action, locate, may_fetch
from ...cpio import Member, archive
from ...streaming import FileContent, content_type_of, send
from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element
from .fileinfo import file_info
from .place import Place, find_package
from .results import binary_elements

_KNOWN = frozenset({"view", "binary", "module", "nosource", "withmd5", "withccache", "nocache"})
_FILE_KNOWN = frozenset({"view"})
_SOURCE_ARCHES = ("src", "nosrc")
_PACKAGE_SUFFIXES = (".rpm", ".deb")


@dataclass(frozen=True, slots=True)
class Result:
    """One result file under the name a list shows it with."""

    name: str
    job: Job
    file: Binary


def index(call: Call) -> Response:
    """``GET /build/P/R/A/K`` [BIN-01 to BIN-03, BIN-16, BIN-17]."""
    call.only(_KNOWN)
    view = call.param("view")
    if view not in ("", "names", "cpio", "binaryversions"):
        raise InvalidInput(f"unknown view '{view[:60]}'")
    place = find_package(call, Action.DOWNLOAD_BINARY if view == "cpio" else Action.VIEW)
    results = _results(call, place)
    wanted = call.many("binary")
    if view == "cpio":
        return _cpio(call, place, results, wanted)
    if view == "binaryversions":
        return _versions(results)
    if wanted:
        results = [r for r in results if r.name in wanted or _plain(r) in wanted]
    if call.flag("nosource"):
        results = [r for r in results if r.file.header.get("arch") not in _SOURCE_ARCHES]
    files = [_renamed(result) for result in results]
    attrs = {} if place.is_pool or not files else {"package": place.package_name}
    elements = binary_elements(files, with_md5=call.flag("withmd5"))
    return answer(Element("binarylist", attrs, elements))


def show(call: Call) -> Response:
    """``GET /build/P/R/A/K/F`` [BIN-04 to BIN-07, BIN-19]."""
    call.only(_FILE_KNOWN)
    view = call.param("view")
    if view in ("fileinfo", "fileinfo_ext"):
        result = _find(call, find_package(call))
        return file_info(result.name, result.file)
    if view:
        raise InvalidInput(f"unknown view '{view[:60]}'")
    place = find_package(call, Action.DOWNLOAD_BINARY)
    result = _find(call, place)
    if place.is_pool and not _open(call, [result]):
        raise NotAllowed(
            f"the binaries of package '{result.job.package}' may not be fetched",
            code="download_binary_no_permission",
        )
    path = _path(call, result)
    try:
        content = FileContent(path)
    except FileNotFoundError:
        raise UnknownFile(f"{result.name}: No such file or directory") from None
    return send(
        call.request,
        content,
        content_type=content_type_of(result.file.filename),
        etag=result.file.md5,
    )


def pool(call: Call) -> Response:
    """``POST .../_repository?match=`` [BIN-18] is a search over headers, which is not offered."""
    raise InvalidInput("results are not searched or uploaded here", code="illegal_request")


def _results(call: Call, place: Place) -> list[Result]:
    assert place.repository is not None
    with call.records() as unit:
        if place.is_pool:
            return _pool(unit.binaries.pool(place.project.id, place.repository.name, place.arch))
        assert place.package is not None
        target = unit.targets.get(place.package.id, place.repository.name, place.arch)
        if target is None or target.good_job_id is None:
            return []
        job = unit.jobs.get(target.good_job_id)
        return [Result(f.filename, job, f) for f in unit.binaries.of_job(job.id)]


def _pool(files: Iterable[tuple[str, Job, Binary]]) -> list[Result]:
    """Packages by plain name; the first package in name order wins a name."""
    found: dict[str, Result] = {}
    for _, job, file in files:
        name = file.header.get("name")
        if not name or file.header.get("arch") in _SOURCE_ARCHES:
            continue
        shown = f"{name}{_suffix(file.filename)}"
        found.setdefault(shown, Result(shown, job, file))
    return [found[name] for name in sorted(found)]


def _find(call: Call, place: Place) -> Result:
    wanted = call.part("file")
    for result in _results(call, place):
        if wanted == result.name:
            return result
        if place.is_pool and wanted in (_plain(result), result.file.filename):
            return result
    raise UnknownFile(f"{wanted[:255]}: No such file or directory")


def _cpio(call: Call, place: Place, results: list[Result], wanted: list[str]) -> Response:
    """An archive of the wanted files; what is not there is told in ``.errors``."""
    by_name: dict[str, Result] = {}
    for result in results:
        by_name.setdefault(result.name, result)
        if place.is_pool:
            by_name.setdefault(_plain(result), result)
    chosen = [by_name[name] for name in dict.fromkeys(wanted) if name in by_name]
    chosen = (chosen if wanted else results) if not place.is_pool else _open(call, chosen)
    there = {r.name for r in chosen} | {_plain(r) for r in chosen}
    errors = [(name, "not available") for name in dict.fromkeys(wanted) if name not in there]
    members = [Member(r.name, r.file.mtime, partial(FileContent, _path(call, r))) for r in chosen]
    return Response(archive(members, errors), content_type="application/x-cpio")


def _open(call: Call, results: list[Result]) -> list[Result]:
    """Those whose packages let the caller fetch binaries."""
    with call.records() as unit:
        may: dict[str, bool] = {}
        for name in {result.job.package for result in results}:
            target = locate(
                unit,
                call.identity,
                call.project,
                PackageName(name),
                repository=call.repository,
                arch=call.arch,
            )
            may[name] = may_fetch(call.identity, target)
    return [result for result in results if may[result.job.package]]


def _versions(results: list[Result]) -> Response:
    entries = [
        Element(
            "binary",
            {
                "name": r.name,
                "sizek": (r.file.size + 1023) >> 10,
                "hdrmd5": r.file.header.get("hdrmd5"),
            },
        )
        for r in results
        if r.file.header.get("name")
    ]
    return answer(Element("binaryversionlist", {}, entries))


def _path(call: Call, result: Result) -> Path:
    return result_path(call.house.builder.settings, result.job, result.file.filename)


def _renamed(result: Result) -> Binary:
    file = result.file
    if result.name == file.filename:
        return file
    return Binary(file.job_id, result.name, file.size, file.md5, file.sha256, file.mtime)


def _plain(result: Result) -> str:
    return str(result.file.header.get("name") or result.name)


def _suffix(filename: str) -> str:
    return next((s for s in _PACKAGE_SUFFIXES if filename.endswith(s)), "")


ROUTES = [
    Route("GET", "/build/<project>/<repository>/<arch>/<package>", index),
    Route("POST", "/build/<project>/<repository>/<arch>/<package>", pool),
    Route("GET", "/build/<project>/<repository>/<arch>/<package>/<file>", show),
]
