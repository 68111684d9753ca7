"""The calls that start a build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from storage.errors import InvalidInput, InvalidName
from storage.model import JsonObject, Package, Revision
from storage.names import LATEST, FileName

from . import json as shapes
from .call import Call
from .chroots import chroots_of
from .forms import Form, require_json
from .lookup import Named, find_package, package_settings, project_in_form
from .options import MAX_BUILDS, without_denied
from .problems import REQUIRED, Problems
from .settings import PackageSettings
from .sources import SUBMITTED, SourceContext, read_source, resolve_chroot
from .submission import (
    Submission,
    build_options,
    place_of,
    rebuild,
    require_build,
    shown,
    submit,
    submit_upload,
)

_SUFFIXES = (".src.rpm", ".nosrc.rpm", ".spec")
_NO_RIGHT = "You don't have permissions to build in this copr."


def check(call: Call) -> dict[str, Any]:
    """Say whether a build with these options would be taken."""
    require_json(call.request, call.form())
    with call.records() as unit:
        named = project_in_form(call, unit)
        text = f"User '{call.identity.login}' is not allowed to build in '{named.name}'"
        require_build(call, named, text)
        problems = Problems()
        build_options(call, unit, named, call.form(), problems)
        problems.raise_mapping()
    return {"message": "It should be safe to submit a build like this"}


def from_urls(call: Call) -> dict[str, Any]:
    """One build per address of an SRPM or spec."""
    named, form, options, problems = _opened(call)
    urls = form.words("pkgs") or []
    if not urls:
        problems.add("pkgs", REQUIRED)
    if len(urls) > MAX_BUILDS:
        problems.add("pkgs", f"At most {MAX_BUILDS} builds can be submitted at once.")
    for url in urls:
        if not url.endswith(_SUFFIXES) or not _is_url(url):
            problems.add(
                "pkgs",
                f"URLs must end with {', '.join(_SUFFIXES[:-1])}, or {_SUFFIXES[-1]}"
                f" ('{url[:200]}' doesn't seem to be a valid URL).",
            )
    problems.raise_mapping()
    named = place_of(call, named, form)
    builds = [submit(call, named, Submission("link", {"url": url}, options)) for url in urls]
    return shapes.listing([shown(call, named, build) for build in builds], None)


def from_upload(call: Call) -> dict[str, Any]:
    """A build of an uploaded SRPM or spec."""
    call.identity.required()
    named, form, options, problems = _opened(call, files=True)
    upload = form.files.get("pkgs")
    filename = ""
    if upload is None:
        problems.add("pkgs", REQUIRED)
    else:
        filename = _checked_filename(upload.filename, problems)
    problems.raise_mapping()
    assert upload is not None
    named = place_of(call, named, form)
    submission = Submission("upload", {}, options)
    return shown(call, named, submit_upload(call, named, submission, filename, upload.staged))


def from_source(kind: str) -> Callable[[Call], dict[str, Any]]:
    """A handler for builds of one submitted source type."""

    def handler(call: Call) -> dict[str, Any]:
        named, form, options, problems = _opened(call)
        offered = [each.name for each in call.house.builder.settings.chroots]
        context = SourceContext(offered, call.urls.base)
        source = read_source(kind, form, context, problems)
        problems.raise_mapping()
        if kind == "custom":
            source["chroot"] = resolve_chroot(source["chroot"], offered)
        named = place_of(call, named, form)
        return shown(call, named, submit(call, named, Submission(kind, source, options)))

    return handler


def from_package(call: Call) -> dict[str, Any]:
    """A build of a package's default source."""
    form = call.form()
    require_json(call.request, form)
    with call.records() as unit:
        named = project_in_form(call, unit)
        package = find_package(unit, named, call.field("package_name"))
        require_build(call, named, _NO_RIGHT)
        problems = Problems()
        options = build_options(call, unit, named, form, problems)
    problems.raise_lines()
    settings = package_settings(call, package)
    known = chroots_of(named.project.meta)
    if not known:
        raise InvalidInput(f"Project {named.name} has no active chroot, so nothing can be built")
    options.setdefault("chroots", without_denied(known, settings.chroot_denylist))
    if settings.timeout:
        options.setdefault("timeout", settings.timeout)
    place = place_of(call, named, form)
    if "source_type" not in package.copr and place is named:
        revision = _own_revision(call, named, package)
        return shown(call, named, rebuild(call, named, package, revision, options))
    if settings.source_type not in SUBMITTED:
        raise _unset(package)
    return shown(call, place, _submit_default(call, place, package, settings, options))


def _submit_default(
    call: Call, named: Named, package: Package, settings: PackageSettings, options: JsonObject
) -> Any:
    source = dict(settings.source)
    if settings.source_type == "custom":
        offered = [each.name for each in call.house.builder.settings.chroots]
        source["chroot"] = resolve_chroot(source["chroot"], offered)
    return submit(call, named, Submission(settings.source_type, source, options, package))


def _own_revision(call: Call, named: Named, package: Package) -> Revision:
    store = call.house.storage.package(named.project.name, package.name)
    revision = store.revision(LATEST)
    if revision is None:
        raise _unset(package)
    return revision


def _unset(package: Package) -> InvalidInput:
    return InvalidInput(
        f"Package 'Unset default source for package {package.name}' doesn't have the default"
        " source method set, but it is required for the rebuild request. "
        " Please configure some source  method first"
    )


def _opened(call: Call, *, files: bool = False) -> tuple[Named, Form, JsonObject, Problems]:
    """What every ``build/create`` call begins with."""
    form = call.form(files=files)
    require_json(call.request, form)
    with call.records() as unit:
        named = project_in_form(call, unit)
        require_build(call, named, _NO_RIGHT)
        problems = Problems()
        options = build_options(call, unit, named, form, problems)
    return named, form, options, problems


def _checked_filename(text: str, problems: Problems) -> str:
    if not text.endswith(_SUFFIXES):
        problems.add("pkgs", "You can upload only .src.rpm, .nosrc.rpm, and .spec files")
        return ""
    try:
        return FileName.parse(text)
    except InvalidName:
        problems.add("pkgs", "The name of the file cannot be used")
        return ""


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)
