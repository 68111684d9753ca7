"""What the forms that make or change a project may say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from storage.model import FlagRule, ProjectMeta

from .forms import Form
from .names import is_project_name
from .problems import Problems
from .settings import ProjectSettings

_CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BOOTSTRAPS = ("default", "on", "off", "image", "custom_image")
_ISOLATIONS = ("default", "simple", "nspawn")
_TEXTS = {"contact": "contact", "instructions": "instructions"}
_FLAGS = {
    "unlisted_on_hp": "unlisted",
    "enable_net": "enable_net",
    "auto_prune": "auto_prune",
    "module_hotfixes": "module_hotfixes",
    "appstream": "appstream",
    "multilib": "multilib",
    "fedora_review": "fedora_review",
    "follow_fedora_branching": "follow_branching",
}
_LISTS = {
    "additional_repos": "repos",
    "repos": "repos",
    "runtime_dependencies": "runtime_repos",
}


def check_name(form: Form, problems: Problems) -> str:
    """The name of a new project."""
    name = form.text("name") or ""
    if not is_project_name(name) or not name.isprintable():
        problems.add(
            "name", "Name must contain only letters, digits, underscores, dashes and dots."
        )
    elif name.isdecimal():
        problems.add("name", "Project's name can not be just number.")
    elif len(name) > 100 or name[0] in "_.":
        problems.add("name", "Name must start with a letter or digit and be at most 100 long.")
    return name


def check_chroots(form: Form, known: Sequence[str], problems: Problems) -> list[str]:
    """The wanted chroots in the caller's order; each must be known."""
    wanted = list(dict.fromkeys(form.words("chroots") or []))
    for chroot in wanted:
        if chroot not in known:
            problems.add("chroots", f"'{chroot}' is not a valid choice for this field.")
    return wanted


def read_settings(form: Form, kept: ProjectSettings, problems: Problems) -> ProjectSettings:
    """The Copr settings after the form was applied; absent fields keep their value."""
    changes: dict[str, object] = {}
    for field, name in _TEXTS.items():
        if field in form:
            changes[name] = clean(form.text(field))
    for field, name in _FLAGS.items():
        if field in form:
            changes[name] = form.boolean(field)
    for field in ("devel_mode", "disable_createrepo"):
        if field in form:
            changes["devel_mode"] = form.boolean(field)
    for field, name in _LISTS.items():
        if field in form:
            changes[name] = tuple(_urls(form, field, problems))
    if "packit_forge_projects_allowed" in form:
        words = (form.text("packit_forge_projects_allowed") or "").split()
        changes["packit_projects"] = tuple(word.split("://")[-1].rstrip("/") for word in words)
    changes |= _choices(form, problems)
    changes |= _numbers(form, problems)
    return dataclasses.replace(kept, **changes)  # type: ignore[arg-type]


def with_texts(meta: ProjectMeta, form: Form, settings: ProjectSettings) -> ProjectMeta:
    """The meta with what the form says of it; metadata is not published in devel mode."""
    publish = [rule for rule in meta.flags if rule != _UNPUBLISHED]
    return dataclasses.replace(
        meta,
        description=clean(form.text("description"), meta.description),
        url=clean(form.text("homepage"), meta.url),
        flags=(*publish, *([_UNPUBLISHED] if settings.devel_mode else [])),
    )


_UNPUBLISHED = FlagRule("publish", False)


def clean(text: str | None, default: str = "") -> str:
    """Text without the characters that cannot stand in a meta."""
    return default if text is None else _CONTROL.sub("", text).replace("\r\n", "\n")


def _choices(form: Form, problems: Problems) -> dict[str, object]:
    found: dict[str, object] = {}
    if form.text("bootstrap"):
        found["bootstrap"] = problems.choice(form, "bootstrap", _BOOTSTRAPS, "default")
    if form.text("isolation"):
        found["isolation"] = problems.choice(form, "isolation", _ISOLATIONS, "default")
    if "bootstrap_image" in form:
        found["bootstrap_image"] = form.text("bootstrap_image") or ""
    return found


def _numbers(form: Form, problems: Problems) -> dict[str, object]:
    found: dict[str, object] = {}
    if "delete_after_days" in form:
        days = problems.integer(form, "delete_after_days", -1, 720)
        found["delete_after_days"] = None if days in (None, -1) else days
    if "repo_priority" in form:
        found["repo_priority"] = problems.integer(form, "repo_priority", 1, 99)
    return found


def _urls(form: Form, field: str, problems: Problems) -> list[str]:
    words = form.words(field) or []
    for word in words:
        try:
            parts = urlsplit(word)
        except ValueError:
            parts = urlsplit("")
        if not parts.scheme or not parts.netloc:
            problems.add(
                field,
                "A list of URLs separated by whitespace characters is needed"
                f" ('{word[:200]}' doesn't seem to be a valid URL).",
            )
    return words
