"""Packages: read, add, edit, reset and delete."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from storage.errors import AlreadyExists, InvalidInput, InvalidName, NameMismatch
from storage.model import JsonObject, Package, PackageMeta
from storage.names import PackageName, ProjectName

from ..access import Action, Target, locate
from ..obs.meta import render_package_meta
from . import json as shapes
from .call import Call
from .chroots import chroots_of
from .forms import Form
from .lookup import (
    Named,
    find_package,
    package_settings,
    project_in_form,
    project_of,
    require,
)
from .options import check_denylist
from .paging import UNPAGED_LIMIT, read_page
from .problems import Problems
from .removal import remove_builds
from .settings import PackageSettings
from .sources import SUBMITTED, SourceContext, read_source
from .views import look_at, still_running, unfinished

if TYPE_CHECKING:
    from storage.records import Unit

_EDIT_TEXT = "You are not allowed to add or edit packages in this copr."
_NAME = re.compile(r"[-+_.a-zA-Z0-9]+")
_NAME_TEXT = "Please enter a valid package name in ^[-+_.a-zA-Z0-9]+$"


def show(call: Call) -> dict[str, Any]:
    """One package, with its newest builds if they are asked for."""
    with call.records() as unit:
        named = project_of(call, unit)
        package = find_package(unit, named, call.argument("packagename"))
        return _with_builds(call, unit, named, package)


def listed(call: Call) -> dict[str, Any]:
    """The packages of a project."""
    page = read_page(call.request.args, ("id", "name"))
    with call.records() as unit:
        named = project_of(call, unit)
        rows = unit.packages.page(
            named.project.id,
            page.offset,
            page.most,
            page.descending,
            by_name=page.order == "name",
        )
        page.check(len(rows))
        items = [_with_builds(call, unit, named, package) for package in rows]
        return shapes.listing(items, page)


def add(call: Call) -> dict[str, Any]:
    """Make a package with a default source."""
    with call.records() as unit:
        named = project_of(call, unit)
        require(call, Action.CREATE_PACKAGE, named.target, _EDIT_TEXT)
    form, problems = call.form(), Problems()
    name = _read_name(form, problems, call.argument("package_name"))
    settings = _read_settings(call, named, name, form, PackageSettings(), problems)
    problems.raise_lines()
    text = f"Package {name} already exists in copr {named.name}."
    with call.records() as unit:
        if unit.packages.find(named.project.name, PackageName.parse(name)) is not None:
            raise AlreadyExists(text)
    meta = PackageMeta(PackageName.parse(name), named.project.name, title=name)
    package = call.house.storage.put_package_meta(
        render_package_meta(meta), meta, call.identity.author(), copr=settings.dump()
    )
    return shapes.package(package, named.name, settings)


def edit(call: Call) -> dict[str, Any]:
    """Change what the form names of a package's default source and settings."""
    with call.records() as unit:
        named = project_of(call, unit)
        name = call.argument("package_name")
        missing = f"Package {name} does not exists in copr {named.name}."
        package = find_package(unit, named, name, missing)
        require(call, Action.WRITE_PACKAGE, _target(call, unit, package), _EDIT_TEXT)
    form, problems = call.form(), Problems()
    _read_name(form, problems, package.name)
    stored = package_settings(call, package)
    settings = _read_settings(call, named, package.name, form, stored, problems)
    problems.raise_lines()
    return _kept(call, named, package, settings)


def reset(call: Call) -> dict[str, Any]:
    """Take the default source away; everything else stays."""
    with call.records() as unit:
        named = project_in_form(call, unit)
        package = find_package(unit, named, call.field("package_name"))
        _require_on(call, unit, Action.WRITE_PACKAGE, package, "reset")
    stored = package_settings(call, package)
    return _kept(call, named, package, dataclasses.replace(stored, source_type="unset", source={}))


def delete(call: Call) -> dict[str, Any]:
    """Delete a package and its builds, if none of them runs."""
    with call.records() as unit:
        named = project_in_form(call, unit)
        package = find_package(unit, named, call.field("package_name"))
        _require_on(call, unit, Action.DELETE_PACKAGE, package, "delete")
        builds = unit.builds.of_package(package.id, limit=UNPAGED_LIMIT)
        running = unfinished(unit, builds, named.project)
    if running:
        raise InvalidInput(still_running(running))
    shown = shapes.package(package, named.name, package_settings(call, package))
    call.house.storage.delete_package(
        named.project.name, package.name, call.identity.author(), "deleted with copr-cli"
    )
    remove_builds(call.house, builds)
    return shown


def _read_name(form: Form, problems: Problems, expected: str) -> str:
    name = form.text("package_name") or ""
    if not _NAME.fullmatch(name):
        problems.add("package_name", _NAME_TEXT)
    if len(name) > 100:
        problems.add("package_name", "Field cannot be longer than 100 characters.")
    if problems.found:
        return name
    try:
        PackageName.parse(name)
    except InvalidName:
        problems.add("package_name", "A package name cannot start with a dot or underscore.")
    if name != expected:
        raise NameMismatch(f"package_name: '{name}' does not match '{expected}' of the URL")
    return name


def _read_settings(
    call: Call,
    named: Named,
    name: str,
    form: Form,
    stored: PackageSettings,
    problems: Problems,
) -> PackageSettings:
    offered = [each.name for each in call.house.builder.settings.chroots]
    known = [*chroots_of(named.project.meta), *offered]
    longest_s = call.house.settings.build.max_timeout_s
    changes: dict[str, Any] = {}
    if "webhook_rebuild" in form:
        changes["webhook_rebuild"] = form.boolean("webhook_rebuild")
    if "max_builds" in form:
        changes["max_builds"] = problems.integer(form, "max_builds", 0, 100) or 0
    if "timeout" in form:
        changes["timeout"] = problems.integer(form, "timeout", 0, longest_s) or 0
    if "chroot_denylist" in form:
        changes["chroot_denylist"] = form.text("chroot_denylist") or ""
        check_denylist(changes["chroot_denylist"], known, problems)
    kind = call.path.get("source_type_text", "")
    if kind in ("", "None"):
        # The client's library writes None where it means the present type.
        kind = stored.source_type if stored.source_type in SUBMITTED else ""
    if kind:
        changes["source_type"] = kind
        changes["source"] = _read_source(call, kind, name, form, stored, problems)
    return dataclasses.replace(stored, **changes)


def _read_source(
    call: Call, kind: str, name: str, form: Form, stored: PackageSettings, problems: Problems
) -> JsonObject:
    offered = [each.name for each in call.house.builder.settings.chroots]
    context = SourceContext(offered, call.urls.base, name)
    before = stored.source if kind == stored.source_type else None
    return read_source(kind, form, context, problems, before)


def _kept(call: Call, named: Named, package: Package, settings: PackageSettings) -> dict[str, Any]:
    with call.house.records.begin() as unit:
        unit.packages.update_copr(package.id, settings.dump())
    return shapes.package(package, named.name, settings)


def _require_on(call: Call, unit: Unit, action: Action, package: Package, verb: str) -> None:
    text = f"You are not allowed to {verb} package `{package.id}`."
    require(call, action, _target(call, unit, package), text)


def _target(call: Call, unit: Unit, package: Package) -> Target:
    return locate(unit, call.identity, ProjectName(package.project), PackageName(package.name))


def _with_builds(call: Call, unit: Unit, named: Named, package: Package) -> dict[str, Any]:
    latest = unit.builds.latest(package.id) if call.flag("with_latest_build") else None
    succeeded = None
    if call.flag("with_latest_succeeded_build"):
        succeeded = unit.builds.latest_succeeded(package.id)
    found = [build for build in (latest, succeeded) if build is not None]
    seen = look_at(unit, found, named.project)
    shown = shapes.builds(seen, named.name, call.urls)
    by_id = {each["id"]: each for each in shown}
    return shapes.package(
        package,
        named.name,
        package_settings(call, package),
        by_id[latest.id] if latest else None,
        by_id[succeeded.id] if succeeded else None,
    )
