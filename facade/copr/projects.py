"""Projects: read, search, make, edit and delete."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from storage.errors import InvalidInput, MissingParameter, UnknownGroup, UnknownUser
from storage.flags import project_flag
from storage.model import Grant, Project, ProjectMeta
from storage.names import ProjectName

from ..access import Action, Target, is_visible, locate
from ..obs.meta import render_project_meta
from . import json as shapes
from .call import Call
from .chroots import chroots_of, with_chroots
from .directories import side_directories
from .errors import Forbidden
from .lookup import Named, project_of, require
from .names import FullName, full_name, prefixes_of
from .paging import UNPAGED_LIMIT, Page, read_page
from .problems import Problems
from .projectforms import check_chroots, check_name, read_settings, with_texts
from .settings import ProjectSettings
from .views import still_running, unfinished

if TYPE_CHECKING:
    from storage.records import Unit

_BATCH = 500
_SCAN_LIMIT = 50_000
_EDIT_TEXT = "Only owners and admins may update their projects."
_DELETE_TEXT = "Only owners may delete their projects."


def show(call: Call) -> dict[str, Any]:
    """One project."""
    with call.records() as unit:
        return _shown(call, project_of(call, unit))


def listed(call: Call) -> dict[str, Any]:
    """Projects, all or of one owner; unknown owners have none."""
    page = read_page(call.request.args, ("id", "name"))
    owner = call.option("ownername")
    with call.records() as unit:
        found = _visible(call, unit, prefixes_of(owner) if owner else (), owner or "", "")
        return _page_of(call, page, found)


def search(call: Call) -> dict[str, Any]:
    """Projects whose Copr name or description holds a text."""
    text = call.option("query")
    if not text:
        raise MissingParameter("Missing argument query")
    page = read_page(call.request.args, ("id", "name"))
    with call.records() as unit:
        return _page_of(call, page, _visible(call, unit, (), "", text.lower()))


def add(call: Call) -> dict[str, Any]:
    """Make a project."""
    owner = call.argument("ownername")
    refusal = check_owner(call, owner)
    form, problems = call.form(), Problems()
    offered = [each.name for each in call.house.builder.settings.chroots]
    name = FullName(owner, check_name(form, problems))
    existing = None if problems.found else existing_project(call, name, refusal)
    if existing is not None and call.flag("exist_ok"):
        return shapes.project(existing, name, call.urls)
    if existing is not None:
        problems.add("name", f"You already have a project named '{name.name}'.")
    chroots = check_chroots(form, offered, problems)
    if not chroots:
        problems.add("chroots", "'[]' is not a valid choice for this field.")
    settings = read_settings(form, ProjectSettings(), problems)
    problems.raise_lines()
    if form.boolean("persistent"):
        _require_admin(call, "Non-admin cannot create persistent project.")
    if not settings.auto_prune:
        _require_admin(call, "Auto-prune can be modified only by admins.")
    settings = dataclasses.replace(
        settings, persistent=form.boolean("persistent"), webhook_secret=str(uuid.uuid4())
    )
    meta = ProjectMeta(name.new_project(), title=name.name, grants=(owner_grant(name),))
    meta = with_chroots(meta, chroots, call.house.builder.settings.chroots)
    return _stored(call, name, with_texts(meta, form, settings), settings)


def edit(call: Call) -> dict[str, Any]:
    """Change what the form names; the rest stays."""
    with call.records() as unit:
        named = project_of(call, unit)
        require(call, Action.WRITE_PROJECT, named.target, _EDIT_TEXT)
    form, problems = call.form(), Problems()
    offered = [each.name for each in call.house.builder.settings.chroots]
    known = dict.fromkeys([*chroots_of(named.project.meta), *offered])
    chroots = check_chroots(form, list(known), problems)
    settings = read_settings(form, named.settings, problems)
    problems.raise_lines()
    if settings.auto_prune != named.settings.auto_prune:
        _require_admin(call, "Auto-prune can be modified only by admins.")
    meta = with_texts(named.project.meta, form, settings)
    if chroots:
        meta = with_chroots(meta, chroots, call.house.builder.settings.chroots)
    return _stored(call, named.name, meta, settings, before=named.project)


def delete(call: Call) -> dict[str, Any]:
    """Delete a project of which no build runs."""
    with call.records() as unit:
        named = project_of(call, unit)
        require(call, Action.DELETE_PROJECT, named.target, _DELETE_TEXT)
        places = [*side_directories(unit, named), named]
        running = [number for place in places for number in _running(unit, place)]
    if running:
        raise InvalidInput(still_running(sorted(running)))
    shown, author = _shown(call, named), call.identity.author()
    for place in places:
        name = ProjectName(place.project.name)
        call.house.storage.delete_project(name, author, "deleted with copr-cli")
    return shown


def _running(unit: Unit, named: Named) -> list[int]:
    builds = unit.builds.list_for(named.project.id, limit=UNPAGED_LIMIT)
    return unfinished(unit, builds, named.project)


def regenerate(call: Call) -> dict[str, Any]:
    """Have the project's repositories published anew."""
    with call.records() as unit:
        named = project_of(call, unit)
        require(call, Action.WRITE_PROJECT, named.target, missing_rights(call, named))
    with call.house.records.begin() as unit:
        for publication in unit.publications.of_project(named.project.id):
            unit.publications.put(dataclasses.replace(publication, dirty=True))
    call.house.queue.wake()
    return _shown(call, named)


def new_webhook_secret(call: Call) -> dict[str, Any]:
    """Replace the secret in the addresses that forges call."""
    with call.records() as unit:
        named = project_of(call, unit)
        require(call, Action.WRITE_PROJECT, named.target, missing_rights(call, named))
    secret = str(uuid.uuid4())
    kept = dataclasses.replace(named.settings, webhook_secret=secret)
    with call.house.records.begin() as unit:
        unit.projects.update_copr(named.project.id, kept.dump())
    return {
        "id": named.project.id,
        "name": named.name.name,
        "ownername": named.name.owner,
        "full_name": str(named.name),
        "webhook_secret": secret,
    }


def missing_rights(call: Call, named: Named) -> str:
    """What somebody hears who is not an administrator of the project."""
    return (
        f"User '{call.identity.login}' can not see permissions for project '{named.name}'"
        " (missing admin rights)"
    )


def _shown(call: Call, named: Named) -> dict[str, Any]:
    return shapes.project(named.project, named.name, call.urls)


def _stored(
    call: Call,
    name: FullName,
    meta: ProjectMeta,
    settings: ProjectSettings,
    before: Project | None = None,
) -> dict[str, Any]:
    kept = settings.dump()
    if before is not None and before.meta == meta:
        with call.house.records.begin() as unit:
            unit.projects.update_copr(before.id, kept)
            project = unit.projects.by_id(before.id)
    else:
        project = call.house.storage.put_project_meta(
            render_project_meta(meta), meta, call.identity.author(), copr=kept
        )
    return shapes.project(project, name, call.urls)


def check_owner(call: Call, owner: str) -> str:
    """Refuse an owner the caller cannot act for; answers the words for it."""
    account = call.identity.required()
    name = FullName(owner, "")
    with call.records() as unit:
        if name.is_group and unit.groups.find(name.owner_login) is None:
            raise UnknownGroup(f"Group {name.owner_login} does not exist.")
        if not name.is_group and unit.accounts.find(owner) is None:
            raise UnknownUser(f"No such user `{owner}'")
    mine = name.owner_login in call.identity.groups if name.is_group else owner == account.login
    text = (
        f"You were authorized as '{account.login}' user without permissions"
        f" to access projects of {'group' if name.is_group else 'user'} '{name.owner_login}'"
    )
    if not mine and not call.identity.is_admin:
        raise Forbidden(text)
    return text


def existing_project(call: Call, name: FullName, refusal: str) -> Project | None:
    """The project that has the name already, if the caller may make it at all."""
    with call.records() as unit:
        target = locate(unit, call.identity, name.new_project())
        require(call, Action.CREATE_PROJECT, target, refusal)
    return target.project


def _require_admin(call: Call, text: str) -> None:
    if not call.identity.is_admin:
        raise Forbidden(text)


def owner_grant(name: FullName) -> Grant:
    """What makes an owner the maintainer."""
    return Grant("group" if name.is_group else "person", name.owner_login, "maintainer")


def _visible(
    call: Call, unit: Unit, prefixes: Sequence[str], owner: str, text: str
) -> Iterator[Named]:
    """Projects the caller may know of and Copr can say, in order of id."""
    after = 0
    scanned = 0
    while batch := unit.projects.of_owner(prefixes, after, _BATCH):
        after = batch[-1].id
        scanned += len(batch)
        for project in batch:
            name = full_name(project.name)
            if name is None or name.directory or owner not in ("", name.owner):
                continue
            if text and text not in f"{name}\n{project.meta.description}".lower():
                continue
            target = Target(ProjectName(project.name), project=project)
            if not project_flag(project.meta, "access"):
                target = locate(unit, call.identity, ProjectName(project.name))
            if is_visible(call.identity, target):
                yield Named(name, project, target)
        if scanned >= _SCAN_LIMIT:
            return


def _page_of(call: Call, page: Page, found: Iterator[Named]) -> dict[str, Any]:
    if page.order == "id" and not page.descending:
        found = itertools.islice(found, page.offset + page.most)
    wanted = list(found)
    if page.order == "name":
        wanted.sort(key=lambda named: named.name.name)
    if page.descending:
        wanted.reverse()
    page.check(len(wanted))
    items = wanted[page.offset : page.offset + page.most]
    return shapes.listing([_shown(call, named) for named in items], page)
