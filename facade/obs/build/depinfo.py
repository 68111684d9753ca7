"""``_builddepinfo``: who builds with what (OBS API contract, section 11.3)."""

from __future__ import annotations

from flask import Response

from builder.planner.repositories import RepositoryState
from storage.errors import InvalidInput, UnknownPackage
from storage.model import Package

from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element
from .place import Place, find_arch

_KNOWN = frozenset({"package", "view"})
_VIEWS = frozenset({"", "pkgnames", "revpkgnames"})


def show(call: Call) -> Response:
    """``GET /build/P/R/A/_builddepinfo`` [BIN-09 to BIN-11].

    What was built is described by the record of its last build; what never was,
    by what its build would need now.
    """
    call.only(_KNOWN)
    view = call.param("view")
    if view not in _VIEWS:
        raise InvalidInput(f"unknown view '{view[:60]}'")
    place = find_arch(call)
    assert place.repository is not None
    with call.records() as unit:
        rows = [unit.packages.find(place.project.name, name) for name in call.many("package")]
        packages = [row for row in rows if row is not None]
        if len(packages) < len(rows):
            raise UnknownPackage("one of the packages does not exist")
        if not rows:
            names = unit.packages.list(place.project.id)
            found = (unit.packages.find(place.project.name, name) for name in names)
            packages = [row for row in found if row is not None]
    return answer(Element("builddepinfo", {}, _describe(call, place, packages, view)))


def _describe(call: Call, place: Place, packages: list[Package], view: str) -> list[Element]:
    assert place.repository is not None
    with (
        call.records() as unit,
        call.house.rehearsals.setting(unit, place.project, place.repository.name, place.arch) as (
            setting,
            _problem,
        ),
    ):
        state = setting.own if setting is not None else None
        known = dict(state.inputs) if state is not None else {}
        made = {p.name: state.binaries(p.name) if state else [] for p in packages}
        by_package = {p.name: _by_package(state, p.name, made[p.name], view) for p in packages}
    elements = []
    for package in packages:
        deps = by_package[package.name]
        if not view:
            deps = list(known.get(package.name) or _expanded(call, place, package))
        elements.append(_element(package.name, deps, made[package.name]))
    return elements


def _by_package(
    state: RepositoryState | None, name: str, binaries: list[str], view: str
) -> list[str]:
    if state is None or not view:
        return []
    if view == "pkgnames":
        return sorted(state.producers(name) - {name})
    return sorted(state.uses.users(binaries) - {name})


def _expanded(call: Call, place: Place, package: Package) -> tuple[str, ...]:
    assert place.repository is not None
    with call.records() as unit:
        found = call.house.rehearsals.ask(
            unit, place.project, place.repository.name, place.arch, package
        )
    return found.inputs


def _element(name: str, deps: list[str], binaries: list[str]) -> Element:
    children = [Element("source", text=name)]
    children += [Element("pkgdep", text=dep) for dep in deps]
    children += [Element("subpkg", text=binary) for binary in binaries]
    return Element("package", {"name": name}, children)


ROUTES = [Route("GET", "/build/<project>/<repository>/<arch>/_builddepinfo", show)]
