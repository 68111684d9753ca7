"""Commands to the builder (OBS API contract, section 11.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Response

from builder.planner import commands
from builder.publish import withdraw
from storage.errors import InvalidInput, MissingParameter, UnknownPackage, UnknownRepository
from storage.model import Project
from storage.names import PackageName

from ...access import Action, allowed, locate
from ..call import Call
from ..routing import Handler, Route
from ..status import ok

_KNOWN = frozenset({"cmd", "package", "repository", "arch", "code", "lastbuild", "wipe", "comment"})
_SAME_WORD = {"failed": ("canceled",), "blocked": ("waiting",)}
"""Stored words that clients see as another one."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for; None of a filter is everything."""

    project: Project
    user: str
    packages: list[str] | None
    repositories: list[str] | None
    arches: list[str] | None
    codes: list[str] | None


def command(call: Call) -> Response:
    """``POST /build/P?cmd=`` [BCT-01 to BCT-07]."""
    call.only(_KNOWN)
    word = call.param("cmd")
    if not word:
        raise MissingParameter("parameter 'cmd' is missing")
    run = _COMMANDS.get(word)
    if run is None:
        raise InvalidInput(f"unknown command '{word[:60]}'", code="illegal_request")
    run(call, _order(call))
    return ok()


def for_package(word: str) -> Handler:
    """The same command spelled ``POST /source/P/K?cmd=`` [SRC-33, SRC-34]."""

    def handler(call: Call) -> Response:
        project = call.check_package(Action.BUILD).existing_project()
        order = Order(
            project,
            call.identity.required().login,
            [call.package],
            _wanted_repositories(project, call.many("repo") + call.many("repository")),
            call.many("arch") or None,
            _codes(call.many("code")),
        )
        _COMMANDS[word](call, order)
        return ok()

    return handler


def _order(call: Call) -> Order:
    packages = list(dict.fromkeys(call.many("package")))
    project = _permitted(call, packages)
    if not project.meta.repositories:
        raise InvalidInput("no repository defined")
    return Order(
        project,
        call.identity.required().login,
        packages or None,
        _wanted_repositories(project, call.many("repository")),
        call.many("arch") or None,
        _codes(call.many("code")),
    )


def _permitted(call: Call, packages: Iterable[str]) -> Project:
    """The project, if the caller may write to it or to every package named."""
    with call.records() as unit:
        whole = locate(unit, call.identity, call.project)
        allowed(call.identity, Action.VIEW, whole)
        project = whole.existing_project()
        for name in packages:
            if unit.packages.find(project.name, name) is None:
                raise UnknownPackage(f"unknown package: {name[:200]}")
        targets = [locate(unit, call.identity, call.project, PackageName(n)) for n in packages]
        for target in targets or [whole]:
            allowed(call.identity, Action.BUILD, target)
    return project


def _wanted_repositories(project: Project, names: list[str]) -> list[str] | None:
    for name in names:
        if project.meta.repository(name) is None:
            raise UnknownRepository(f"project '{project.name}' has no repository '{name[:200]}'")
    return names or None


def _codes(codes: list[str]) -> list[str] | None:
    found = [word for code in codes for word in (code, *_SAME_WORD.get(code, ()))]
    return found or None


def _rebuild(call: Call, order: Order) -> None:
    commands.rebuild(
        call.house.builder,
        order.project,
        order.packages,
        user=order.user,
        repositories=order.repositories,
        arches=order.arches,
        codes=order.codes,
    )


def _abort(call: Call, order: Order) -> None:
    commands.abort(
        call.house.builder,
        order.project,
        order.packages,
        user=order.user,
        repositories=order.repositories,
        arches=order.arches,
        codes=order.codes,
    )


def _restart(call: Call, order: Order) -> None:
    commands.restart(
        call.house.builder,
        order.project,
        order.packages,
        repositories=order.repositories,
        arches=order.arches,
        codes=order.codes,
    )


def _wipe(call: Call, order: Order) -> None:
    commands.wipe(
        call.house.builder,
        order.project,
        order.packages,
        user=order.user,
        repositories=order.repositories,
        arches=order.arches,
        codes=order.codes,
    )


def _unpublish(call: Call, order: Order) -> None:
    if order.codes is not None:
        raise InvalidInput("'unpublish' takes no code")
    for repository in order.project.meta.repositories:
        if order.repositories is None or repository.name in order.repositories:
            withdraw(
                call.house.builder,
                order.project.name,
                repository.name,
                packages=order.packages,
                arches=order.arches,
            )


_COMMANDS: dict[str, Callable[[Call, Order], None]] = {
    "rebuild": _rebuild,
    "abortbuild": _abort,
    "killbuild": _abort,
    "restartbuild": _restart,
    "wipe": _wipe,
    "unpublish": _unpublish,
}
ROUTES = [Route("POST", "/build/<project>", command)]
