"""What only the Copr dialect knows of a project, a chroot or a package.

Kept as JSON beside the meta (``Project.copr``, ``Package.copr``); absent keys
have their defaults, so rows made through the other doors read well.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

from storage.model import JsonObject, Package, Project


@dataclass(frozen=True, slots=True)
class _Kept:
    """Fields that are written only where they differ from their default."""

    @classmethod
    def load(cls, kept: JsonObject) -> Self:
        """From what was stored; unknown keys of a newer house are ignored."""
        known = {f.name: f for f in dataclasses.fields(cls)}
        values = {key: _thawed(value) for key, value in kept.items() if key in known}
        return cls(**values)

    def dump(self) -> JsonObject:
        """What is stored."""
        empty = type(self)()
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != getattr(empty, f.name)
        }


def _thawed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class ProjectSettings(_Kept):
    """A project's.

    Attributes:
        repos: URLs of additional repositories.
        runtime_repos: URLs shown to those who install from the project.
        delete_after_days: None = never.
        webhook_secret: Part of the addresses that forges call.
        permissions: By login: ``admin`` and ``builder``, each ``nothing``, ``request``
            or ``approved``.
        chroots: By chroot name: what ``ChrootSettings`` keeps.
    """

    contact: str = ""
    instructions: str = ""
    devel_mode: bool = False
    persistent: bool = False
    unlisted: bool = False
    auto_prune: bool = True
    enable_net: bool = False
    bootstrap: str = "default"
    bootstrap_image: str = ""
    isolation: str = "default"
    module_hotfixes: bool = False
    appstream: bool = False
    multilib: bool = False
    fedora_review: bool = False
    follow_branching: bool = True
    repo_priority: int | None = None
    delete_after_days: int | None = None
    repos: tuple[str, ...] = ()
    runtime_repos: tuple[str, ...] = ()
    packit_projects: tuple[str, ...] = ()
    webhook_secret: str = ""
    permissions: JsonObject = field(default_factory=dict)
    chroots: JsonObject = field(default_factory=dict)

    @classmethod
    def read(cls, project: Project) -> Self:
        """Those of a row."""
        return cls.load(project.copr)

    def chroot(self, name: str) -> ChrootSettings:
        """Those of one chroot."""
        return ChrootSettings.load(self.chroots.get(name, {}))

    def is_builder(self, login: str) -> bool:
        """Whether a person was approved to build here."""
        granted = self.permissions.get(login, {})
        return "approved" in (granted.get("builder"), granted.get("admin"))


@dataclass(frozen=True, slots=True)
class ChrootSettings(_Kept):
    """A project's for one chroot."""

    repos: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    with_opts: tuple[str, ...] = ()
    without_opts: tuple[str, ...] = ()
    bootstrap: str = "unchanged"
    bootstrap_image: str = ""
    isolation: str = "unchanged"
    comps_name: str | None = None
    comps: str = ""


@dataclass(frozen=True, slots=True)
class PackageSettings(_Kept):
    """A package's.

    Attributes:
        source_type: ``unset`` when builds have no default source.
        source: Arguments of that type.
        max_builds: How many builds are kept; 0 = all.
        timeout: Seconds; 0 = the house's.
        chroot_denylist: Comma separated patterns.
    """

    source_type: str = "unset"
    source: JsonObject = field(default_factory=dict)
    webhook_rebuild: bool = False
    max_builds: int = 0
    timeout: int = 0
    chroot_denylist: str = ""

    def dump(self) -> JsonObject:
        """What is stored; the type always, because its absence means something."""
        return {"source_type": self.source_type, **super(PackageSettings, self).dump()}

    @classmethod
    def read(cls, package: Package, clone_url: str) -> Self:
        """Those of a row.

        A package that came through another door has its own repository as
        default source: that is where its builds come from.

        Args:
            package: The row.
            clone_url: Address of the package's own repository.
        """
        kept = cls.load(package.copr)
        if "source_type" in package.copr:
            return kept
        return dataclasses.replace(
            kept,
            source_type="scm",
            source={
                "type": "git",
                "clone_url": clone_url,
                "subdirectory": "",
                "committish": "main",
                "spec": "",
                "srpm_build_method": "rpkg",
            },
        )
