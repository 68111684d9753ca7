"""A project's settings for one of its chroots."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from storage.errors import InvalidInput, UnknownRepository

from ..access import Action
from . import json as shapes
from .call import Call
from .chroots import chroots_of
from .forms import Form
from .lookup import Named, project_of, require
from .problems import Problems
from .settings import ChrootSettings

_EDIT_TEXT = "You are not allowed to modify chroots of this project."
_COMPS_BYTES = 1024 * 1024
_MODULE = re.compile(r"!?[\w.+-]+(:[\w.+-]+){0,4}")
_BOOTSTRAPS = ("unchanged", "default", "on", "off", "image", "custom_image")
_ISOLATIONS = ("unchanged", "default", "simple", "nspawn")
_WORDS = {
    "additional_repos": "repos",
    "repos": "repos",
    "additional_packages": "packages",
    "buildroot_pkgs": "packages",
    "with_opts": "with_opts",
    "without_opts": "without_opts",
}
_RESETTABLE = {
    "additional_repos": "repos",
    "additional_packages": "packages",
    "additional_modules": "modules",
    "with_opts": "with_opts",
    "without_opts": "without_opts",
    "isolation": "isolation",
    "bootstrap": "bootstrap",
    "bootstrap_image": "bootstrap_image",
    "comps_name": "comps_name",
}


def show(call: Call) -> dict[str, Any]:
    """The settings of one chroot."""
    named, chroot = _found(call)
    return shapes.project_chroot(named.name, chroot, named.settings.chroot(chroot))


def build_config(call: Call) -> dict[str, Any]:
    """What builds in one chroot of a project are made of."""
    named, chroot = _found(call)
    settings = named.settings
    return shapes.chroot_build_config(
        named.name, chroot, call.urls, settings, settings.chroot(chroot)
    )


def edit(call: Call) -> dict[str, Any]:
    """Change what the form names."""
    named, chroot = _found(call, to_edit=True)
    form, problems = call.form(files=True), Problems()
    settings = _changed(form, named.settings.chroot(chroot), problems)
    problems.raise_lines()
    settings = _reset(form, settings, f"{named.name}/{chroot}")
    chroots = {**named.settings.chroots, chroot: settings.dump()}
    kept = dataclasses.replace(named.settings, chroots=chroots)
    with call.house.records.begin() as unit:
        unit.projects.update_copr(named.project.id, kept.dump())
    return shapes.project_chroot(named.name, chroot, settings)


def _found(call: Call, *, to_edit: bool = False) -> tuple[Named, str]:
    chroot = call.argument("chrootname")
    with call.records() as unit:
        named = project_of(call, unit)
        if to_edit:
            require(call, Action.WRITE_PROJECT, named.target, _EDIT_TEXT)
        if chroot not in chroots_of(named.project.meta):
            raise UnknownRepository(f"Chroot name {chroot} does not exist in Copr {named.name}.")
        return named, chroot


def _changed(form: Form, kept: ChrootSettings, problems: Problems) -> ChrootSettings:
    changes: dict[str, Any] = {}
    for field, name in _WORDS.items():
        if field in form:
            changes[name] = tuple(form.words(field) or [])
    for field in ("additional_modules", "module_toggle"):
        if field in form:
            changes["modules"] = tuple(_modules(form, field, problems))
    if "isolation" in form:
        changes["isolation"] = problems.choice(form, "isolation", _ISOLATIONS, "unchanged")
    if "bootstrap" in form:
        changes["bootstrap"] = problems.choice(form, "bootstrap", _BOOTSTRAPS, "unchanged")
    if "bootstrap_image" in form:
        changes["bootstrap_image"] = form.text("bootstrap_image") or ""
    return dataclasses.replace(kept, **changes, **_comps(form, problems))


def _comps(form: Form, problems: Problems) -> dict[str, Any]:
    upload = form.files.get("upload_comps")
    if upload is None:
        return {"comps_name": None, "comps": ""} if form.boolean("delete_comps") else {}
    if upload.staged.size > _COMPS_BYTES or not upload.staged.is_text:
        problems.add("upload_comps", f"A text of at most {_COMPS_BYTES} bytes is needed.")
        return {}
    content = b"".join(upload.staged.chunks()).decode(errors="replace")
    return {"comps_name": upload.filename[:200], "comps": content}


def _modules(form: Form, field: str, problems: Problems) -> list[str]:
    words = [word for each in form.words(field) or [] for word in re.split(r"[,\s]+", each)]
    modules = [word for word in words if word]
    for module in modules:
        if not _MODULE.fullmatch(module):
            problems.add(field, f"Module '{module[:100]}' cannot be read.")
    return modules


def _reset(form: Form, settings: ChrootSettings, full_name: str) -> ChrootSettings:
    empty = ChrootSettings()
    changes: dict[str, Any] = {}
    for field in form.words("reset_fields") or []:
        if field not in _RESETTABLE:
            raise InvalidInput(
                f"Trying to reset an invalid attribute: {field}\n"
                f"See `copr-cli get-chroot {full_name}' for all the possible attributes"
            )
        name = _RESETTABLE[field]
        changes[name] = getattr(empty, name)
    return dataclasses.replace(settings, **changes)
