"""``view=info`` (OBS API contract, section 7.20)."""

from __future__ import annotations

from flask import Response

from builder.prjconf import parse_config
from builder.recipes import Recipe, choose, parse_recipe
from storage.errors import InvalidName, NotAllowed, NotFound, PackhouseError
from storage.house import PackageStore
from storage.model import Listing, Project
from storage.names import LATEST, PackageName, RevisionSpec

from ..access import Action, allowed, locate
from .call import Call
from .status import answer
from .xml import Element

_ARCH = "x86_64"
"""For which a recipe is read where the caller names none."""


def project_info(call: Call, project: Project) -> Response:
    """``GET /source/P?view=info`` [PKG-05]: every package asked for is in the answer."""
    wanted = list(dict.fromkeys(call.many("package")))
    if not wanted:
        with call.records() as unit:
            wanted = unit.packages.list(project.id)
    found = [_safe_info(call, name) for name in wanted]
    return answer(Element("sourceinfolist", {}, found))


def package_info(call: Call, spec: RevisionSpec) -> Response:
    """``GET /source/P/K?view=info`` [SRC-08]."""
    return answer(_info(call, call.package, spec))


def _safe_info(call: Call, name: str) -> Element:
    """The info of one package; what goes wrong is told inside."""
    try:
        package = PackageName.parse(name)
        with call.records() as unit:
            target = locate(unit, call.identity, call.project, package)
            allowed(call.identity, Action.READ_SOURCE, target)
        return _info(call, package, LATEST)
    except (InvalidName, NotFound, NotAllowed) as error:
        return _failed(name, error)


def _failed(name: str, error: PackhouseError) -> Element:
    return Element("sourceinfo", {"package": name}, [Element("error", text=error.message)])


def _info(call: Call, package: PackageName, spec: RevisionSpec) -> Element:
    store = call.house.storage.package(call.project, package)
    revision, listing = store.listing(spec)
    attrs = {
        "package": package,
        "rev": revision.number if revision else None,
        "vrev": revision.vrev if revision else None,
        "srcmd5": listing.srcmd5,
        "verifymd5": listing.srcmd5,
    }
    if call.flag("nofilename") and not call.flag("parse"):
        return Element("sourceinfo", attrs)
    return Element("sourceinfo", attrs, _facts(call, store, package, listing))


def _facts(
    call: Call, store: PackageStore, package: PackageName, listing: Listing
) -> list[Element]:
    if not listing.entries:
        return [Element("error", text="no source uploaded")]
    found = choose([e.name for e in listing.entries], package, "", "spec", others=True)
    if found is None:
        return [Element("error", text="no recipe file found")]
    recipe, name = found
    facts = [Element("filename", text=name)]
    entry = listing.find(name)
    if call.flag("parse") and entry is not None:
        facts += _parsed(recipe, store.open(entry).read(), package)
    return facts


def _parsed(recipe: Recipe, data: bytes, package: PackageName) -> list[Element]:
    parsed = parse_recipe(recipe, data, parse_config("", _ARCH), _ARCH, package=package)
    if parsed.error:
        return [Element("error", text=parsed.error)]
    return [
        Element("name", text=parsed.name),
        Element("version", text=parsed.version),
        *(Element("subpacks", text=each) for each in parsed.subpackages),
        *(Element("deps", text=each) for each in parsed.dependencies),
    ]
