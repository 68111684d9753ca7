"""``/search`` over projects, packages, people and requests (OBS API contract, section 12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask import Response

from storage.errors import InvalidInput, TooLarge
from storage.model import Account, Grant, Package, PackageMeta, Project, ProjectMeta

from ..visible import visible_projects
from . import predicate
from .call import Call
from .meta import package_element, project_element
from .people import person_element
from .routing import Route
from .status import answer
from .xml import Element

if TYPE_CHECKING:
    from storage.records import Unit

_EXAMINED_LIMIT = 50_000
_PAGE = 500
_GRANT_KEYS = ("person/@userid", "person/@role", "group/@groupid", "group/@role")
_PROJECT_KEYS = (
    "@name",
    "@kind",
    "title",
    "description",
    "url",
    "remoteurl",
    *_GRANT_KEYS,
    "repository/@name",
    "repository/path/@project",
    "repository/path/@repository",
    "repository/releasetarget/@trigger",
    "attribute/@name",
    "maintenance/maintains/@project",
    "package/@name",
)
_PACKAGE_KEYS = (
    "@name",
    "@project",
    "title",
    "description",
    "url",
    "kind",
    "devel/@project",
    "devel/@package",
    *_GRANT_KEYS,
    "attribute/@name",
    "project/attribute/@name",
    "issue/@state",
    "issue/@name",
    "issue/@tracker",
    "issue/@change",
    "issue/owner/@login",
    "issue/owner/@email",
)
_PERSON_KEYS = ("@login", "@email", "@realname", "@state")


def projects(call: Call) -> Response:
    """``/search/project`` [SEA-01]: the whole metas."""
    found = _find_projects(call, _needed(call))
    return _collection(call, [project_element(project.meta) for project in found])


def project_ids(call: Call) -> Response:
    """``/search/project/id`` [SEA-02]; no ``match`` finds everything."""
    found = _find_projects(call, call.param("match") or "*")
    return _collection(call, [Element("project", {"name": project.name}) for project in found])


def packages(call: Call) -> Response:
    """``/search/package`` [SEA-03]: the whole metas."""
    found = _find_packages(call, _needed(call))
    return _collection(call, [package_element(package.meta) for package in found])


def package_ids(call: Call) -> Response:
    """``/search/package/id`` [SEA-04]."""
    found = _find_packages(call, call.param("match") or "*")
    return _collection(
        call, [Element("package", {"project": p.project, "name": p.name}) for p in found]
    )


def people(call: Call) -> Response:
    """``/search/person`` [SEA-09]."""
    wanted = predicate.parse(_needed(call), _PERSON_KEYS)
    with call.records() as unit:
        found = [a for a in _accounts(unit, wanted) if wanted.holds(_person_facts(a))]
    return _collection(call, [person_element(account, None) for account in found])


def requests(call: Call) -> Response:
    """``/search/request`` and ``/search/request/id`` [SEA-07, SEA-08]: there are none."""
    return _collection(call, [])


def _find_projects(call: Call, match: str) -> list[Project]:
    wanted = predicate.parse(match, _PROJECT_KEYS)
    with call.records() as unit:
        found = [p for p in _projects(unit, wanted) if wanted.holds(_project_facts(p.meta))]
        seen = set(visible_projects(unit, call.identity, [p.name for p in found]))
    return sorted((p for p in found if p.name in seen), key=lambda p: p.name)


def _find_packages(call: Call, match: str) -> list[Package]:
    wanted = predicate.parse(match, _PACKAGE_KEYS)
    with call.records() as unit:
        found = [p for p in _packages(unit, wanted) if wanted.holds(_package_facts(p.meta))]
        seen = set(visible_projects(unit, call.identity, {p.project for p in found}))
    return sorted((p for p in found if p.project in seen), key=lambda p: (p.project, p.name))


def _projects(unit: Unit, wanted: predicate.Predicate) -> Iterator[Project]:
    name = predicate.pinned(wanted, "@name")
    if name is not None:
        if (project := unit.projects.find(name)) is not None:
            yield project
        return
    after, examined = 0, 0
    while page := unit.projects.of_owner((), after, _PAGE):
        yield from page
        after = page[-1].id
        examined += len(page)
        _bound(examined)


def _packages(unit: Unit, wanted: predicate.Predicate) -> Iterator[Package]:
    project, name = (predicate.pinned(wanted, key) for key in ("@project", "@name"))
    if name is not None:
        yield from unit.packages.named(name, _EXAMINED_LIMIT)
        return
    examined = 0
    for owner in [project] if project is not None else unit.projects.list():
        row = unit.projects.find(owner)
        offset = 0
        while row is not None and (page := unit.packages.page(row.id, offset, _PAGE)):
            yield from page
            offset += len(page)
            examined += len(page)
            _bound(examined)


def _accounts(unit: Unit, wanted: predicate.Predicate) -> Iterator[Account]:
    login = predicate.pinned(wanted, "@login")
    after: str | None = login
    if login is not None:
        if (account := unit.accounts.find(login)) is not None:
            yield account
        return
    examined = 0
    while logins := unit.accounts.list("", _PAGE, after):
        yield from (unit.accounts.get(each) for each in logins)
        after = logins[-1]
        examined += len(logins)
        _bound(examined)


def _bound(examined: int) -> None:
    if examined > _EXAMINED_LIMIT:
        raise TooLarge(
            "the search would look at too much", hint="name a project, a package or a person"
        )


def _grant_facts(grants: tuple[Grant, ...]) -> dict[str, Any]:
    return {
        subject: [{key: [g.name], "@role": [g.role]} for g in grants if g.subject == subject]
        for subject, key in (("person", "@userid"), ("group", "@groupid"))
    }


def _project_facts(meta: ProjectMeta) -> predicate.Facts:
    return {
        "@name": [meta.name],
        "@kind": [meta.kind],
        "title": [meta.title],
        "description": [meta.description],
        "url": [meta.url],
        "remoteurl": [meta.remoteurl],
        "maintenance": [{"maintains": [{"@project": [name]} for name in meta.maintains]}],
        "repository": [
            {
                "@name": [repository.name],
                "path": [
                    {"@project": [path.project], "@repository": [path.repository]}
                    for path in repository.paths
                ],
                "releasetarget": [
                    {"@trigger": [target.trigger]}
                    for target in repository.releasetargets
                    if target.trigger
                ],
            }
            for repository in meta.repositories
        ],
        **_grant_facts(meta.grants),
    }


def _package_facts(meta: PackageMeta) -> predicate.Facts:
    devel = [{"@project": [meta.devel[0]], "@package": [meta.devel[1]]}] if meta.devel else []
    return {
        "@name": [meta.name],
        "@project": [meta.project],
        "title": [meta.title],
        "description": [meta.description],
        "url": [meta.url],
        "devel": devel,
        **_grant_facts(meta.grants),
    }


def _person_facts(account: Account) -> predicate.Facts:
    return {
        "@login": [account.login],
        "@email": [account.email],
        "@realname": [account.realname],
        "@state": [account.state],
    }


def _needed(call: Call) -> str:
    match = call.param("match")
    if not match:
        raise InvalidInput("parameter 'match' is missing", code="empty_match")
    return match


def _collection(call: Call, found: list[Element]) -> Response:
    """The hits, cut by ``offset`` and ``limit``; ``matches`` counts all of them."""
    offset = call.number("offset") or 0
    limit = call.number("limit")
    shown = found[offset : None if limit is None else offset + limit]
    return answer(Element("collection", {"matches": len(found)}, shown))


_HANDLERS = {
    "project": projects,
    "project/id": project_ids,
    "package": packages,
    "package/id": package_ids,
    "person": people,
    "request": requests,
    "request/id": requests,
}
ROUTES = [
    Route(method, f"/search/{what}", handler)
    for what, handler in _HANDLERS.items()
    for method in ("GET", "POST")
]
