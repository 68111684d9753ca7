"""Copr's source types: what a form may say about each, and what is kept of it.

The kept dictionary has the keys of the Copr API contract, section 2.1, but for
``srpm_build_method``, which ``facade.copr.json`` renames where a package is shown.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from storage.errors import InvalidInput
from storage.model import JsonObject

from .forms import Form
from .problems import NO_CHOICE, Problems

DEFAULT_SCRIPT_CHROOT = "fedora-latest-x86_64"
SUBMITTED = ("scm", "pypi", "rubygems", "custom", "distgit")
"""Types a package can be given; ``link`` and ``upload`` only arise from builds."""

_SCRIPT_BYTES = 4096
_METHODS = ("rpkg", "tito", "tito_test", "make_srpm")
_GENERATORS = ("pyp2spec", "pyp2rpm")
_TEMPLATES = ("", "fedora", "epel7", "mageia", "pld")
_DISTGITS = {"fedora": "https://src.fedoraproject.org"}
_LATEST = re.compile(r"[a-z]+-latest-[a-z0-9_]+")
_URL = re.compile(
    r"[a-z]+://(?P<host>\[[0-9a-f:.]+\]|[^/?:@\s]+)(:[0-9]{1,5})?([/?]\S*)?", re.IGNORECASE
)
_HOST = re.compile(r"([a-z0-9_]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*\.?", re.IGNORECASE)
_OWN_HOSTS = frozenset({"localhost"})


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source is checked against.

    Attributes:
        chroots: Chroots the house offers.
        base_url: The house's own URL; sources below it are always well-formed.
        package: Name of the package, for types that derive something from it.
    """

    chroots: Sequence[str]
    base_url: str
    package: str = ""


def read_source(
    kind: str,
    form: Form,
    context: SourceContext,
    problems: Problems,
    stored: Mapping[str, object] | None = None,
) -> JsonObject:
    """The source a form describes.

    Args:
        kind: One of ``SUBMITTED``.
        form: What the caller sent.
        context: What it is checked against.
        problems: Where complaints go; the answer only counts if there are none.
        stored: The present source of the same type; absent fields keep its values.

    Raises:
        InvalidInput: The type cannot be submitted.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise InvalidInput(f"Unsupported package source type {kind}")
    return reader(_with_stored(form, stored or {}), context, problems)


def _with_stored(form: Form, stored: Mapping[str, object]) -> Form:
    """The form, completed with what is known already; aliases become the kept names."""
    values = {name: value for name, value in stored.items() if value is not None}
    for name, value in form.values.items():
        values[_ALIASES.get(name, name)] = value
    return Form(values)  # type: ignore[arg-type]


_ALIASES = {
    "source_build_method": "srpm_build_method",
    "scm_type": "type",
    "script_chroot": "chroot",
    "script_builddeps": "builddeps",
    "script_resultdir": "resultdir",
    "script_repos": "repos",
}


def _scm(form: Form, context: SourceContext, problems: Problems) -> JsonObject:
    kind = problems.choice(form, "type", ("git", "svn"), "git")
    clone_url = problems.required(form, "clone_url")
    if clone_url and not _is_clone_url(clone_url, context.base_url):
        problems.add("clone_url", "Invalid URL.")
    spec = form.text("spec")
    if spec and not spec.endswith(".spec"):
        problems.add("spec", "RPM spec file must end with .spec")
    return {
        "type": kind,
        "clone_url": clone_url,
        "subdirectory": form.text("subdirectory"),
        "committish": form.text("committish"),
        "spec": spec,
        "srpm_build_method": problems.choice(form, "srpm_build_method", _METHODS, "rpkg"),
    }


def _pypi(form: Form, context: SourceContext, problems: Problems) -> JsonObject:
    return {
        "pypi_package_name": problems.required(form, "pypi_package_name"),
        "pypi_package_version": form.text("pypi_package_version"),
        "spec_generator": problems.choice(form, "spec_generator", _GENERATORS, "pyp2spec"),
        "spec_template": problems.choice(form, "spec_template", _TEMPLATES, ""),
        "python_versions": form.words("python_versions") or [],
    }


def _rubygems(form: Form, context: SourceContext, problems: Problems) -> JsonObject:
    return {"gem_name": problems.required(form, "gem_name")}


def _custom(form: Form, context: SourceContext, problems: Problems) -> JsonObject:
    script = form.text("script") or ""
    if not script.strip():
        problems.required(form, "script")
    elif len(script.encode()) > _SCRIPT_BYTES:
        problems.add("script", "Maximum script size is 4kB")
    chroot = form.text("chroot") or DEFAULT_SCRIPT_CHROOT
    if chroot not in context.chroots and not _LATEST.fullmatch(chroot):
        problems.add("chroot", NO_CHOICE)
    return {
        "script": script if script.endswith("\n") else script + "\n",
        "chroot": chroot,
        "builddeps": form.text("builddeps"),
        "resultdir": form.text("resultdir"),
        "repos": "\n".join(form.words("repos") or []),
    }


def _distgit(form: Form, context: SourceContext, problems: Problems) -> JsonObject:
    instance = form.text("distgit") or "fedora"
    if instance not in _DISTGITS:
        problems.add("distgit", NO_CHOICE)
        problems.add("distgit", f"DistGit ID must be one of: {', '.join(_DISTGITS)}")
        return {}
    namespace, committish = form.text("namespace"), form.text("committish")
    name = context.package or problems.required(form, "package_name")
    place = "/".join(part for part in (namespace, "rpms", name) if part)
    source: JsonObject = {"clone_url": f"{_DISTGITS[instance]}/{place}", "distgit": instance}
    if namespace:
        source["namespace"] = namespace
    if committish:
        source["committish"] = committish
    return source


_READERS: dict[str, Callable[[Form, SourceContext, Problems], JsonObject]] = {
    "scm": _scm,
    "pypi": _pypi,
    "rubygems": _rubygems,
    "custom": _custom,
    "distgit": _distgit,
}


def resolve_chroot(name: str, chroots: Sequence[str]) -> str:
    """The chroot a name like ``fedora-latest-x86_64`` stands for now.

    Without one of that distribution the first chroot of the house is taken, as
    it is the one place where scripts can run at all.
    """
    if name in chroots or not _LATEST.fullmatch(name):
        return name
    distribution, arch = name.split("-latest-")
    pattern = re.compile(rf"{re.escape(distribution)}-([0-9.]+)-{re.escape(arch)}")
    numbered = [
        ([int(part) for part in match.group(1).split(".") if part], each)
        for each in chroots
        if (match := pattern.fullmatch(each))
    ]
    if numbered:
        return max(numbered)[1]
    return chroots[0] if chroots else name


def _is_clone_url(url: str, base_url: str) -> bool:
    if base_url and url.startswith(base_url + "/"):
        return True
    match = _URL.fullmatch(url)
    if match is None:
        return False
    host = match.group("host")
    if host.lower() in _OWN_HOSTS or _HOST.fullmatch(host):
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
