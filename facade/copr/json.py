"""Objects of the Copr dialect; the one place that knows how their fields are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.model import Binary, Build, JsonObject, Package, Project

from . import states
from .chroots import chroots_of
from .names import FullName
from .paging import Page
from .settings import ChrootSettings, PackageSettings, ProjectSettings
from .urls import Urls
from .views import SeenBuild

Json = dict[str, Any]


def listing(items: Sequence[Json], page: Page | None) -> Json:
    """A list; ``page`` is None for the answer to several submissions."""
    meta: Json = {"limit": None, "offset": None, "order": None, "order_type": None}
    if page is not None:
        meta = {
            "limit": page.limit,
            "offset": page.offset,
            "order": page.order,
            "order_type": "DESC" if page.descending else "ASC",
        }
    return {"items": list(items), "meta": meta}


def project(row: Project, name: FullName, urls: Urls) -> Json:
    """A project."""
    settings = ProjectSettings.read(row)
    return {
        "id": row.id,
        "name": name.name,
        "ownername": name.owner,
        "full_name": str(name),
        "homepage": row.meta.url or None,
        "contact": settings.contact or None,
        "description": row.meta.description,
        "instructions": settings.instructions,
        "devel_mode": settings.devel_mode,
        "persistent": settings.persistent,
        "unlisted_on_hp": settings.unlisted,
        "auto_prune": settings.auto_prune,
        "chroot_repos": {chroot: urls.chroot(name, chroot) for chroot in chroots_of(row.meta)},
        "additional_repos": list(settings.repos),
        "enable_net": settings.enable_net,
        "bootstrap": settings.bootstrap,
        "isolation": settings.isolation,
        "module_hotfixes": settings.module_hotfixes,
        "appstream": settings.appstream,
        "packit_forge_projects_allowed": list(settings.packit_projects),
        "follow_fedora_branching": settings.follow_branching,
        "repo_priority": settings.repo_priority,
        "storage": "backend",
    }


def package(
    row: Package,
    name: FullName,
    settings: PackageSettings,
    latest: Json | None = None,
    latest_succeeded: Json | None = None,
) -> Json:
    """A package; the builds are shown only if they were asked for."""
    return {
        "id": row.id,
        "name": row.name,
        "ownername": name.owner,
        "projectname": name.name,
        "source_type": settings.source_type,
        "source_dict": _shown_source(settings.source),
        "auto_rebuild": settings.webhook_rebuild,
        "builds": {"latest": latest, "latest_succeeded": latest_succeeded},
    }


def build(seen: SeenBuild, name: FullName, urls: Urls) -> Json:
    """A build, its state computed from its rows."""
    row = seen.build
    started, ended = _times(seen)
    return {
        "id": row.id,
        "state": seen.state,
        "ownername": name.owner,
        "projectname": name.name,
        "project_dirname": name.dirname,
        "repo_url": urls.project(name.main),
        "source_package": {
            "name": row.package or None,
            "version": row.source_version or None,
            "url": _source_url(row, name, urls),
        },
        "submitted_on": row.created_at,
        "started_on": started,
        "ended_on": ended,
        "submitter": row.submitter,
        "chroots": seen.chroots,
        "is_background": bool(row.options.get("background")),
    }


def builds(seen: Sequence[SeenBuild], name: FullName, urls: Urls) -> list[Json]:
    """Builds of one project."""
    return [build(each, name, urls) for each in seen]


def build_chroot(seen: SeenBuild, name: FullName, urls: Urls, chroot: str) -> Json:
    """One chroot of a build."""
    row, job = seen.build, seen.jobs.get(chroot)
    url = None
    if job is not None and job.started_at is not None:
        url = urls.result(name, chroot, row.id, row.package)
    source_failed = job is None and row.source_state == "failed"
    started = row.source_started_at if source_failed else None
    ended = row.source_ended_at if source_failed else None
    return {
        "name": chroot,
        "state": seen.words[chroot],
        "started_on": job.started_at if job else started,
        "ended_on": job.ended_at if job else ended,
        "result_url": url,
    }


def source_chroot(row: Build, name: FullName, urls: Urls) -> Json:
    """The source part of a build; without a directory of its own there is no URL."""
    state = "canceled" if row.canceled else str(row.source_state)
    return {"state": state, "result_url": urls.source(name, row.id) if row.source_type else None}


def source_build_config(row: Build, timeout_s: int, memory_mb: int) -> Json:
    """How the source part of a build was asked for."""
    return {
        "source_type": row.source_type or "unset",
        "source_dict": dict(row.source_dict),
        "memory_limit": memory_mb,
        "timeout": int(row.options.get("timeout") or timeout_s),
        "is_background": bool(row.options.get("background")),
    }


def built_packages(binaries: Sequence[Binary]) -> Json:
    """The packages among the result files of one chroot."""
    found = [_nevra(binary.header) for binary in binaries if binary.header.get("name")]
    return {"packages": found}


def project_chroot(name: FullName, chroot: str, settings: ChrootSettings) -> Json:
    """A project's settings for one chroot."""
    return {
        "mock_chroot": chroot,
        "ownername": name.owner,
        "projectname": name.name,
        "comps_name": settings.comps_name,
        "additional_repos": list(settings.repos),
        "additional_packages": list(settings.packages),
        "additional_modules": list(settings.modules),
        "with_opts": list(settings.with_opts),
        "without_opts": list(settings.without_opts),
        "delete_after_days": None,
        "isolation": settings.isolation,
    }


def chroot_build_config(
    name: FullName, chroot: str, urls: Urls, row: ProjectSettings, settings: ChrootSettings
) -> Json:
    """What a chroot of a project is made of, enough for a mock profile."""
    extra = [*row.repos, *settings.repos]
    repos: list[Json] = [
        _repository("copr_base", "Copr repository", urls.chroot(name, chroot), row.repo_priority)
        | {"repo_gpgcheck": False}
    ]
    for url in extra:
        handle = repository_id(url)
        repos.append(_repository(handle, f"Additional repo {handle}", url, None))
    return {
        "chroot": chroot,
        "repos": repos,
        "additional_repos": [f"copr://{name}", *settings.repos, *row.repos],
        "additional_packages": list(settings.packages),
        "additional_modules": list(settings.modules),
        "enable_net": row.enable_net,
        "with_opts": list(settings.with_opts),
        "without_opts": list(settings.without_opts),
        "isolation": settings.isolation,
    }


def build_config(
    config: Json, row: Build, settings: ChrootSettings, timeout_s: int, memory_mb: int
) -> Json:
    """How one chroot of a build is built; values that are not set are left out."""
    shown = {key: value for key, value in config.items() if key not in _PROJECT_ONLY}
    shown["enable_net"] = bool(row.options.get("enable_net", config["enable_net"]))
    shown["is_background"] = bool(row.options.get("background"))
    shown["memory_limit"] = memory_mb
    shown["timeout"] = int(row.options.get("timeout") or timeout_s)
    if settings.bootstrap != "unchanged":
        shown["bootstrap"] = settings.bootstrap
    if settings.bootstrap_image:
        shown["bootstrap_image"] = settings.bootstrap_image
    return shown


def monitor(packages: Sequence[tuple[str, Mapping[str, Json]]]) -> Json:
    """The newest build of every package in every chroot."""
    return {
        "output": "ok",
        "message": "Project monitor request successful",
        "packages": [{"name": name, "chroots": dict(chroots)} for name, chroots in packages],
    }


def monitored(row: Build, state: str) -> Json:
    """One chroot of one package in the monitor."""
    return {
        "state": state,
        "status": states.NUMBERS[state],
        "build_id": row.id,
        "pkg_version": row.source_version or None,
    }


def repository_id(url: str) -> str:
    """An identifier made of a URL."""
    return "".join(c if c.isalnum() else "_" for c in url.replace("://", "_").rstrip("/"))


_PROJECT_ONLY = frozenset({"chroot", "additional_modules", "isolation"})


def _shown_source(source: JsonObject) -> Json:
    return {
        "source_build_method" if key == "srpm_build_method" else key: value
        for key, value in source.items()
    }


def _times(seen: SeenBuild) -> tuple[int | None, int | None]:
    """Earliest start, and latest end once every chroot has one."""
    row = seen.build
    if row.source_state == "failed":
        return row.source_started_at, row.source_ended_at
    jobs = list(seen.jobs.values())
    starts = [job.started_at for job in jobs if job.started_at is not None]
    ends = [job.ended_at for job in jobs if job.ended_at is not None]
    is_over = bool(jobs) and len(ends) == len(jobs) == len(seen.chroots)
    return min(starts, default=None), max(ends) if is_over else None


def _source_url(row: Build, name: FullName, urls: Urls) -> str | None:
    if row.options.get("srpm"):
        return f"{urls.source(name, row.id)}/{row.options['srpm']}"
    url = row.source_dict.get("url")
    return str(url) if url and str(url).endswith(".rpm") else None


def _repository(handle: str, name: str, baseurl: str, priority: int | None) -> Json:
    return {
        "id": handle,
        "name": name,
        "baseurl": baseurl,
        "priority": priority,
        "module_hotfixes": None,
        "repo_gpgcheck": None,
    }


def _nevra(header: Mapping[str, Any]) -> Json:
    epoch = header.get("epoch")
    return {
        "name": header.get("name"),
        "epoch": int(epoch) if epoch not in (None, "", 0, "0") else None,
        "version": header.get("version"),
        "release": header.get("release"),
        "arch": header.get("arch"),
    }
