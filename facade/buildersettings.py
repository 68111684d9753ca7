"""The builder's part of the settings, with everything empty filled in."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from builder.house import BuilderSettings, ChrootSettings
from storage.errors import InvalidInput
from storage.names import Architecture, ProjectName, RepositoryName

from .settings import Chroot, Settings

_OS_RELEASE = Path("/etc/os-release")
_REPOSITORY = RepositoryName("standard")


def builder_settings(settings: Settings) -> BuilderSettings:
    """What the builder reads of the settings."""
    limits = settings.build
    return BuilderSettings(
        data_dir=settings.data_dir,
        cache_dir=settings.caches,
        chroots=chroots(settings.chroots),
        instance=urlsplit(settings.url).hostname or "localhost",
        download_url=f"{settings.url}/repositories",
        slots=settings.build_workers,
        build_timeout_s=limits.timeout_s,
        log_limit_bytes=limits.log_bytes,
        result_limit_bytes=limits.result_bytes,
        memory_limit_bytes=limits.memory_bytes,
        disk_limit_bytes=limits.disk_bytes,
        keep_generations=settings.generations_kept,
        public_url=settings.url,
        private_networks=settings.private_networks,
    )


def chroots(configured: Mapping[str, Chroot]) -> tuple[ChrootSettings, ...]:
    """The configured build environments; without any, one like this machine.

    Raises:
        InvalidInput: A name is not ``<distribution>-<release>-<arch>``.
    """
    named = configured or {host_chroot(): Chroot()}
    return tuple(_chroot(name, chroot) for name, chroot in named.items())


def host_chroot() -> str:
    """Name of this machine's distribution as a chroot, such as ``debian-12-x86_64``."""
    facts: dict[str, str] = {}
    if _OS_RELEASE.exists():
        for line in _OS_RELEASE.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            facts[key] = value.strip("\"'")
    distribution = facts.get("ID", "linux").replace("-", "_")
    release = facts.get("VERSION_ID") or facts.get("VERSION_CODENAME") or "rolling"
    return f"{distribution}-{release.replace('-', '_')}-{platform.machine()}"


def _chroot(name: str, chroot: Chroot) -> ChrootSettings:
    system, _, arch = name.rpartition("-")
    distribution, _, release = system.partition("-")
    if not (distribution and release and arch):
        raise InvalidInput(
            f"chroot '{name}' is not named <distribution>-<release>-<arch>",
            hint="for example [chroots.debian-12-x86_64]",
        )
    project = chroot.project or f"{distribution.capitalize()}:{release}"
    return ChrootSettings(
        name=name,
        project=ProjectName.parse(project),
        repository=_REPOSITORY,
        arch=Architecture.parse(arch),
        kind=chroot.kind,
        suite=chroot.suite,
        packages=chroot.packages,
        tarball=Path(chroot.source) if chroot.source else None,
    )
