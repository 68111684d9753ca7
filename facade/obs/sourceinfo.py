"""``view=info`` (OBS API contract, section 7.20)."""

from __future__ import annotations

from flask import Response

from storage.errors import NotAllowed, NotFound, PackhouseError
from storage.model import Listing, Project, Revision
from storage.names import LATEST, PackageName, RevisionSpec

from ..access import Action, allowed, locate
from .call import Call
from .status import answer
from .xml import Element

_RECIPE_SUFFIXES = (".spec", ".dsc")


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
    except (NotFound, NotAllowed) as error:
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
    with_name = not call.flag("nofilename")
    return Element("sourceinfo", attrs, _facts(revision, listing) if with_name else ())


def _facts(revision: Revision | None, listing: Listing) -> list[Element]:
    if revision is None:
        return [Element("error", text="no source uploaded")]
    recipes = [e.name for e in listing.entries if e.name.endswith(_RECIPE_SUFFIXES)]
    if len(recipes) == 1:
        return [Element("filename", text=recipes[0])]
    text = "more than one recipe file found" if recipes else "no recipe file found"
    return [Element("error", text=text)]
