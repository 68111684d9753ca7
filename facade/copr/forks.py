"""A project copied under another name: settings, packages and their present sources.

Results are not copied: the commits that bring the sources start builds of their
own in the fork, so what it publishes was built there and is signed by its key.
"""

from __future__ import annotations

import dataclasses
import uuid
from contextlib import ExitStack
from typing import Any

from storage.errors import InvalidInput, MissingParameter, TooLarge
from storage.flags import DEFAULTS
from storage.model import Package, PackageMeta, Project, ProjectMeta
from storage.names import LATEST, PackageName, ProjectName

from ..access import Action, allowed, locate
from ..obs.meta import render_package_meta, render_project_meta
from . import json as shapes
from .call import Call
from .lookup import Named, project_of
from .names import FullName
from .projects import check_owner, existing_project, owner_grant
from .settings import ProjectSettings

_MOST_PACKAGES = 500
_KEPT_FLAGS = frozenset(DEFAULTS) - {"access", "sourceaccess", "lock"}


def fork(call: Call) -> dict[str, Any]:
    """Copy a project; an existing target needs ``confirm`` and is added to."""
    with call.records() as unit:
        source = project_of(call, unit)
    form = call.form()
    target = FullName(form.text("ownername") or "", form.text("name") or "")
    if not target.owner or not target.name:
        raise MissingParameter("Missing argument ownername or name")
    refusal = check_owner(call, target.owner)
    existing = existing_project(call, target, refusal)
    if existing is not None and not form.boolean("confirm"):
        raise InvalidInput(
            f"You are about to fork into existing project: {target.name}\n"
            "Please use --confirm if you really want to do this"
        )
    if existing is not None and existing.id == source.project.id:
        raise InvalidInput("A project cannot be forked into itself")
    packages = _readable_packages(call, source)
    project = existing or _made(call, source, target)
    for package in packages:
        _copy(call, source, project, package)
    return shapes.project(project, target, call.urls)


def _readable_packages(call: Call, source: Named) -> list[Package]:
    """The packages of the source; all of them must be open to the caller."""
    with call.records() as unit:
        if unit.packages.count(source.project.id) > _MOST_PACKAGES:
            raise TooLarge(f"Only projects of up to {_MOST_PACKAGES} packages can be forked")
        packages = list(unit.packages.page(source.project.id, 0, _MOST_PACKAGES))
        name = ProjectName(source.project.name)
        for package in packages:
            target = locate(unit, call.identity, name, PackageName(package.name))
            allowed(call.identity, Action.READ_SOURCE, target)
    return packages


def _made(call: Call, source: Named, target: FullName) -> Project:
    before = source.project.meta
    flags = tuple(rule for rule in before.flags if rule.flag in _KEPT_FLAGS)
    meta = ProjectMeta(
        target.new_project(),
        title=target.name,
        description=before.description,
        url=before.url,
        grants=(owner_grant(target),),
        flags=flags,
        repositories=before.repositories,
    )
    settings = dataclasses.replace(
        source.settings,
        persistent=ProjectSettings().persistent,
        permissions={},
        webhook_secret=str(uuid.uuid4()),
    )
    return call.house.storage.put_project_meta(
        render_project_meta(meta),
        meta,
        call.identity.author(),
        f"forked from {source.name}",
        copr=settings.dump(),
    )


def _copy(call: Call, source: Named, project: Project, package: Package) -> None:
    storage, author = call.house.storage, call.identity.author()
    store = storage.package(source.project.name, package.name)
    comment = f"forked from {source.name}/{package.name}"
    meta = PackageMeta(
        package.name, project.name, package.meta.title, package.meta.description, package.meta.url
    )
    storage.put_package_meta(render_package_meta(meta), meta, author, comment, copr=package.copr)
    if store.revision(LATEST) is None:
        return
    _, listing = store.listing(LATEST)
    with ExitStack() as stack:
        files = {
            entry.name: stack.enter_context(storage.stage(store.open(entry).chunks()))
            for entry in listing.entries
        }
        storage.package(project.name, package.name).import_tree(files, author, comment)
