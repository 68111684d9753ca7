"""``_buildinfo``: what a local build needs (build semantics, section 5)."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from builder.planner.paths import PathElement
from builder.resolver import Solvable
from builder.versions import Evr
from storage.errors import InvalidContent
from storage.flags import package_flag
from storage.names import FileName

from ...access import Action
from ...rehearsal import Recipe, Rehearsal
from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element
from .newc import first_member
from .place import Place, find_package

_KNOWN = frozenset({"add", "debug", "internal"})
_BODY_LIMIT_BYTES = 16 << 20
_PLAIN_NAME = "recipe"


def show(call: Call) -> Response:
    """``GET .../K/_buildinfo`` [BLB-01]."""
    return _info(call, None)


def post(call: Call) -> Response:
    """``POST .../K/_buildinfo`` [BLB-02]: a recipe, or a cpio archive that starts with one."""
    body = call.body(_BODY_LIMIT_BYTES)
    if not body.strip():
        return _info(call, None)
    if body.startswith(b"070701"):
        name, content = first_member(body)
        return _info(call, Recipe(FileName.parse(name), content))
    if b"\0" in body[:8000]:
        raise InvalidContent("the body is neither a recipe nor a cpio archive")
    return _info(call, Recipe(_PLAIN_NAME, body))


def _info(call: Call, recipe: Recipe | None) -> Response:
    call.only(_KNOWN)
    place = find_package(call, Action.READ_SOURCE)
    assert place.repository is not None
    with call.records() as unit:
        found = call.house.rehearsals.ask(
            unit,
            place.project,
            place.repository.name,
            place.arch,
            place.package,
            recipe=recipe,
            add=call.many("add"),
        )
        revision = found.sources.revision
        version = found.recipe.parsed.version if found.recipe else ""
        versrel = f"{version or 'unknown'}-{revision.vrev}" if revision else ""
        count = 0
        if place.package is not None and versrel:
            count = 1 + unit.jobs.max_bcnt(place.package.id, place.repository.name, versrel)
        paths = list(_paths(call, found))
    children = [Element("arch", text=place.arch)]
    if found.error:
        children.append(Element("error", text=found.error))
    children += _sources(call, place, found)
    if found.recipe is not None and versrel and revision is not None:
        children += [
            Element("versrel", text=versrel),
            Element("bcnt", text=str(count)),
            Element("release", text=f"{revision.vrev}.{count}"),
        ]
    children.append(Element("debuginfo", text="1" if _debuginfo(place) else "0"))
    if found.recipe is not None:
        names = sorted(set(found.recipe.parsed.subpackages))
        children += [Element("subpack", text=name) for name in names]
    children += _dependencies(place, found)
    children += paths
    attrs = {
        "project": place.project.name,
        "repository": place.repository.name,
        "package": place.package_name,
        # Where a repository is not published, osc would ask there in vain for every package.
        "downloadurl": call.house.builder.settings.download_url
        if all(path.attrs["url"] for path in paths)
        else None,
    }
    return answer(Element("buildinfo", attrs, children))


def _sources(call: Call, place: Place, found: Rehearsal) -> Iterator[Element]:
    revision, source_id = found.sources.revision, found.sources.id
    if revision is not None and place.repository is not None:
        yield Element("srcmd5", text=source_id)
        yield Element("verifymd5", text=source_id)
        yield Element("rev", text=str(revision.number))
        instance = call.house.builder.settings.instance
        where = f"{place.project.name}/{place.repository.name}"
        yield Element("disturl", text=f"obs://{instance}/{where}/{source_id}-{place.package_name}")
    if found.recipe is not None:
        yield Element("specfile", text=found.recipe.filename)
        yield Element("file", text=found.recipe.filename)


def _debuginfo(place: Place) -> bool:
    meta = place.package.meta if place.package else None
    repository = place.repository.name if place.repository else None
    return package_flag(place.project.meta, meta, "debuginfo", repository, place.arch)


def _dependencies(place: Place, found: Rehearsal) -> list[Element]:
    """Preinstall, VMinstall, the input set, then the rest."""
    if found.config is None:
        return []
    first = [*found.config.preinstall, *found.config.vminstall, *found.inputs]
    rank = {name: position for position, name in reversed(list(enumerate(first)))}
    ordered = sorted(found.root, key=lambda s: rank.get(s.name, len(first)))
    return [_bdep(place, found, solvable) for solvable in ordered]


def _bdep(place: Place, found: Rehearsal, solvable: Solvable) -> Element:
    assert found.config is not None
    evr = Evr.parse(solvable.evr)
    name, is_rpm = solvable.name, solvable.filename.endswith(".rpm")

    def mark(is_so: bool) -> str | None:
        return "1" if is_so else None

    attrs = {
        "name": name,
        "preinstall": mark(name in found.config.preinstall),
        "vminstall": mark(name in found.config.vminstall),
        "runscripts": mark(name in found.config.runscripts),
        "notmeta": mark(name not in found.inputs),
        "epoch": evr.epoch if evr.epoch != "0" else None,
        "version": evr.version,
        "release": evr.release or None,
        "arch": solvable.arch or None,
        "project": solvable.project,
        "repository": solvable.repository,
        "hdrmd5": solvable.identity if is_rpm and len(solvable.identity) == 32 else None,
    }
    return Element("bdep", attrs)


def _paths(call: Call, found: Rehearsal) -> Iterator[Element]:
    for element in found.path.elements:
        attrs = {
            "project": element.name,
            "repository": element.repository,
            "url": _published(call, element),
        }
        yield Element("path", attrs)


def _published(call: Call, element: PathElement) -> str | None:
    """Where clients find the published tree; None when there is none."""
    base = call.house.builder.settings.download_url
    if element.project is None or not base:
        return None
    with call.records() as unit:
        whole = unit.publications.get(element.project.id, element.repository)
    if whole is None or not whole.generation:
        return None
    return f"{base}/{element.name.replace(':', ':/')}/{element.repository.replace(':', ':/')}/"


_RULE = "/build/<project>/<repository>/<arch>/<package>/_buildinfo"
ROUTES = [Route("GET", _RULE, show), Route("POST", _RULE, post)]
