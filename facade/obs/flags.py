"""Commands that edit the flags of a meta (OBS API contract, sections 5.7 and 7.18)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Response

from storage.errors import InvalidInput, MissingParameter
from storage.flags import DEFAULTS, UNQUALIFIED, package_flag, project_flag
from storage.model import FlagRule, PackageMeta, ProjectMeta
from storage.names import RepositoryName

from ..access import Action
from .call import Call
from .metas import store_package, store_project
from .metashapes import ARCHITECTURES
from .routing import Handler
from .status import ok

Rules = tuple[FlagRule, ...]
_LOCK_ON = FlagRule("lock", True)


def with_rule(rules: Rules, wanted: FlagRule) -> Rules:
    """The rules with this one in place of any about the same repository and arch."""
    return (*without_rule(rules, wanted), wanted)


def without_rule(rules: Rules, unwanted: FlagRule) -> Rules:
    """The rules without any about the same flag, repository and arch."""

    def place(rule: FlagRule) -> tuple[str, str | None, str | None]:
        return rule.flag, rule.repository, rule.arch

    return tuple(rule for rule in rules if place(rule) != place(unwanted))


def _set(call: Call) -> Callable[[Rules], Rules]:
    rule = _rule(call, enable=_status(call))
    return lambda rules: with_rule(rules, rule)


def _remove(call: Call) -> Callable[[Rules], Rules]:
    rule = _rule(call, enable=True)
    return lambda rules: without_rule(rules, rule)


def _lock(call: Call) -> Callable[[Rules], Rules]:
    return lambda rules: with_rule(rules, _LOCK_ON)


def _on_project(
    edit: Callable[[Call], Callable[[Rules], Rules]], action: Action = Action.COMMAND_PROJECT
) -> Handler:
    def handler(call: Call) -> Response:
        change = edit(call)
        meta = call.the_project(action).meta
        store_project(call, meta, replace(meta, flags=change(meta.flags)))
        return ok()

    return handler


def _on_package(
    edit: Callable[[Call], Callable[[Rules], Rules]], action: Action = Action.COMMAND_PACKAGE
) -> Handler:
    def handler(call: Call) -> Response:
        change = edit(call)
        meta = call.the_package(action).meta
        _check_level(call)
        store_package(call, replace(meta, flags=change(meta.flags)))
        return ok()

    return handler


def unlock_project(call: Call) -> Response:
    """``POST /source/P?cmd=unlock&comment=`` [PRJ-30]."""
    call.required("comment")
    meta = call.the_project(Action.UNLOCK_PROJECT).meta
    if not project_flag(meta, "lock"):
        raise InvalidInput(f"project '{call.project}' is not locked", code="not_locked")
    store_project(call, meta, replace(meta, flags=without_rule(meta.flags, _LOCK_ON)))
    return ok()


def unlock_package(call: Call) -> Response:
    """``POST /source/P/K?cmd=unlock&comment=`` [SRC-28]."""
    call.required("comment")
    target = call.check_package(Action.UNLOCK_PACKAGE)
    project: ProjectMeta = target.existing_project().meta
    meta: PackageMeta = target.existing_package().meta
    if not package_flag(project, meta, "lock"):
        raise InvalidInput(f"package '{call.package}' is not locked", code="not_locked")
    rules = without_rule(meta.flags, _LOCK_ON)
    if project_flag(project, "lock"):
        # The lock comes from the project; only an own word can lift it here.
        rules = with_rule(rules, FlagRule("lock", False))
    store_package(call, replace(meta, flags=rules))
    return ok()


def _rule(call: Call, *, enable: bool) -> FlagRule:
    flag = call.required("flag")
    if flag not in DEFAULTS:
        raise InvalidInput(f"unknown flag '{flag[:60]}'", code="invalid_flag")
    repository = call.param("repository") or None
    arch = call.param("arch") or None
    if flag in UNQUALIFIED and (repository or arch):
        raise InvalidInput(f"flag '{flag}' takes neither repository nor arch", code="invalid_flag")
    if repository is not None:
        repository = RepositoryName.parse(repository)
    if arch is not None and arch not in ARCHITECTURES:
        raise InvalidInput(f"unknown architecture '{arch[:60]}'", code="invalid_flag")
    return FlagRule(flag, enable, repository, arch)


def _status(call: Call) -> bool:
    status = call.param("status")
    if not status:
        raise MissingParameter("parameter 'status' is missing")
    if status not in ("enable", "disable"):
        raise InvalidInput("status is 'enable' or 'disable'", code="invalid_flag")
    return status == "enable"


def _check_level(call: Call) -> None:
    if call.param("flag") == "access":
        raise InvalidInput("a package has no flag 'access'", code="invalid_flag")


PROJECT_COMMANDS: dict[str, Handler] = {
    "set_flag": _on_project(_set),
    "remove_flag": _on_project(_remove),
    "lock": _on_project(_lock),
    "unlock": unlock_project,
}
PACKAGE_COMMANDS: dict[str, Handler] = {
    "set_flag": _on_package(_set),
    "remove_flag": _on_package(_remove),
    "lock": _on_package(_lock),
    "unlock": unlock_package,
}
