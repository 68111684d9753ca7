"""``_result`` (OBS API contract, section 11.5)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from flask import Response

from storage.errors import InvalidInput, UnknownPackage, UnknownRepository
from storage.model import Binary, Project

from ..call import Call
from ..routing import Route
from ..status import answer
from ..xml import Element
from .place import find_project
from .states import PackageState, RepositoryState, Wish, checksum, project_states

_KNOWN = frozenset(
    {
        "package",
        "repository",
        "arch",
        "code",
        "view",
        "lastbuild",
        "multibuild",
        "locallink",
        "oldstate",
    }
)
_VIEWS = frozenset({"status", "summary", "binarylist", "versrel", "stats"})
_FIRST_IN_SUMMARY = ("succeeded", "failed", "unresolvable", "broken", "scheduled")
_POLL_S = 20.0
_POLL_PAUSE_S = 1.0


def show(call: Call) -> Response:
    """``GET /build/P/_result`` [BST-01 to BST-07]."""
    call.only(_KNOWN)
    views = set(call.many("view")) or {"status"}
    if not views <= _VIEWS:
        raise InvalidInput(f"unknown view parameter '{sorted(views - _VIEWS)[0][:60]}'")
    project = find_project(call).project
    wish = _wish(call, project)
    states = _wait_for_change(call, project, wish)
    codes = set(call.many("code"))
    results = [_result(call, state, codes, views) for state in states]
    return answer(Element("resultlist", {"state": checksum(states)}, results))


def _wish(call: Call, project: Project) -> Wish:
    packages = call.many("package")
    repositories = call.many("repository")
    with call.records() as unit:
        for name in packages:
            if unit.packages.find(project.name, name) is None:
                raise UnknownPackage(f"unknown package: {name[:200]}")
    for name in repositories:
        if project.meta.repository(name) is None:
            raise UnknownRepository(f"project '{project.name}' has no repository '{name[:200]}'")
    return Wish(repositories or None, call.many("arch") or None, sorted(set(packages)) or None)


def _wait_for_change(call: Call, project: Project, wish: Wish) -> list[RepositoryState]:
    """The states; with ``oldstate`` as soon as they differ from it, or after a while."""
    last_build = call.flag("lastbuild")

    def look() -> list[RepositoryState]:
        with call.records() as unit:
            return project_states(unit, project, wish, last_build=last_build)

    states = look()
    old = call.param("oldstate")
    if not old or checksum(states) != old:
        return states
    deadline = time.monotonic() + _POLL_S
    before = _dirt(states)
    with call.house.waiting.seat() as seated:
        while seated and time.monotonic() < deadline and call.house.waiting.pause(_POLL_PAUSE_S):
            states = look()
            # The checksum leaves dirtiness out, but a client may wait for just that.
            if checksum(states) != old or _dirt(states) != before:
                break
    return states


def _dirt(states: Sequence[RepositoryState]) -> list[bool]:
    return [state.is_dirty for state in states]


def _result(call: Call, state: RepositoryState, codes: set[str], views: set[str]) -> Element:
    shown = [p for p in state.packages if not codes or p.code in codes]
    children: list[Element] = []
    if "status" in views:
        children += [_status(package) for package in shown]
    if "summary" in views:
        children.append(_summary(shown))
    if "binarylist" in views:
        children += _binary_lists(call, shown)
    attrs = {
        "project": state.project,
        "repository": state.repository,
        "arch": state.arch,
        "code": state.code,
        "state": state.code,
        # osc joins the details of a broken repository with other text: they must be there.
        "details": state.details or ("" if state.code == "broken" else None),
        "dirty": "true" if state.is_dirty else None,
    }
    return Element("result", attrs, children)


def _status(state: PackageState) -> Element:
    details = [Element("details", text=state.details)] if state.details else []
    return Element("status", {"package": state.package, "code": state.code}, details)


def _summary(states: Sequence[PackageState]) -> Element:
    counts = Counter(state.code for state in states)
    order = [*_FIRST_IN_SUMMARY, *sorted(set(counts) - set(_FIRST_IN_SUMMARY))]
    return Element(
        "summary",
        {},
        [
            Element("statuscount", {"code": code, "count": counts[code]})
            for code in order
            if counts[code]
        ],
    )


def _binary_lists(call: Call, states: Sequence[PackageState]) -> list[Element]:
    found = []
    with call.records() as unit:
        for state in states:
            good = state.target.good_job_id if state.target else None
            files = unit.binaries.of_job(good) if good is not None else []
            found.append(Element("binarylist", {"package": state.package}, binary_elements(files)))
    return found


def binary_elements(files: Sequence[Binary], *, with_md5: bool = False) -> list[Element]:
    """``binary`` elements of result files."""
    return [
        Element(
            "binary",
            {
                "filename": file.filename,
                "size": file.size,
                "mtime": file.mtime,
                "md5": file.md5 if with_md5 else None,
            },
        )
        for file in files
    ]


ROUTES = [Route("GET", "/build/<project>/_result", show)]
