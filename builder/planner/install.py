"""What a job's root needs beyond its base: the resolver's answer as ``Job.install``."""

from __future__ import annotations

from collections.abc import Sequence

from storage.flags import package_flag
from storage.model import JsonObject

from ..prjconf import ProjectConfig
from ..resolver import Solvable
from ..versions import Dependency
from .assess import Assessment, Setting


def install_for(setting: Setting, found: Assessment, root: Sequence[Solvable]) -> JsonObject:
    """The install set and everything else of the configuration a build needs.

    Contract: ``debs``, ``rpms``, ``project_debs``, ``substitutes``, ``base`` and the
    words the makers read: ``macros``, ``optflags``, ``release``, ``debuginfo``.
    """
    assert found.recipe is not None
    assert found.config is not None
    config, parsed, scope = found.config, found.recipe.parsed, setting.scope
    universe = setting.base.universe if setting.base else None
    of_base = [s for s in root if not s.job_id]
    files = [{"job_id": s.job_id, "filename": s.filename} for s in root if s.job_id]
    install: JsonObject = {
        "base": setting.base.name if setting.base else "",
        "debs": [s.name for s in of_base if universe is None or not universe.in_root(s.name)],
        "rpms": [file for file in files if str(file["filename"]).endswith(".rpm")],
        "project_debs": [file for file in files if str(file["filename"]).endswith("deb")],
        "substitutes": _substitutes(config, parsed.buildrequires, {s.name for s in of_base}),
        "macros": config.rawmacros,
        "optflags": _optflags(config, scope.arch),
        "debuginfo": package_flag(
            setting.project.meta, found.package.meta, "debuginfo", scope.repository, scope.arch
        ),
    }
    release = _release(setting, config, parsed.kind)
    if release:
        install["release"] = release
    return install


def _substitutes(
    config: ProjectConfig, dependencies: Sequence[str], of_base: set[str]
) -> dict[str, list[str]]:
    """Names of the recipe that distribution packages stand for: the root's rpm must know."""
    found = {}
    for text in dependencies:
        name = text if text.startswith("(") else Dependency.parse(text).name
        replacement = [word for word in config.substitute.get(name, ()) if word in of_base]
        if replacement and replacement != [name]:
            found[name] = replacement
    return found


def _optflags(config: ProjectConfig, arch: str) -> str:
    words = [config.optflags.get("*", ""), config.optflags.get(arch, "")]
    return " ".join(word for word in words if word)


def _release(setting: Setting, config: ProjectConfig, kind: str) -> str:
    """Form of the release number; Copr projects keep what their recipes say.

    A Copr user expects the version and release of the source package that was
    submitted; a ``Release:`` line in the project's own configuration still counts.
    """
    if kind != "spec":
        return ""
    form = config.release_for(kind) or ""
    if setting.project.copr and not config.release_forms:
        return ""
    return form
