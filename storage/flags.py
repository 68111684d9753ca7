"""How the flags of a project and its packages resolve (OBS API contract, section 5.2)."""

from __future__ import annotations

from collections.abc import Iterable

from .model import FlagRule, PackageMeta, ProjectMeta

DEFAULTS = {
    "lock": False,
    "build": True,
    "publish": True,
    "debuginfo": False,
    "useforbuild": True,
    "binarydownload": True,
    "sourceaccess": True,
    "access": True,
}
"""Every flag in the order metas list them, with its value when nothing is said."""

UNQUALIFIED = frozenset({"lock", "sourceaccess", "access"})
"""Flags whose rules take neither repository nor architecture."""


def resolve(
    rules: Iterable[FlagRule],
    flag: str,
    default: bool,
    repository: str | None = None,
    arch: str | None = None,
) -> bool:
    """The value of one flag at one level.

    Rules that name another repository or arch are left out. If both sides
    remain, enable needs a strictly better match (repository 4, arch 2).

    Args:
        rules: Rules of one level, of any flag.
        flag: Which flag.
        default: The value when no rule matches: the level above.
        repository: Asked repository; None only matches rules that name none.
        arch: Asked architecture; likewise.
    """
    best = {True: -1, False: -1}
    for rule in rules:
        if (
            rule.flag == flag
            and rule.repository in (None, repository)
            and rule.arch in (None, arch)
        ):
            score = 4 * (rule.repository is not None) + 2 * (rule.arch is not None)
            best[rule.enable] = max(best[rule.enable], score)
    if best[True] < 0 and best[False] < 0:
        return default
    return best[True] > best[False]


def project_flag(
    meta: ProjectMeta, flag: str, repository: str | None = None, arch: str | None = None
) -> bool:
    """The value a flag has for a project."""
    return resolve(meta.flags, flag, DEFAULTS[flag], repository, arch)


def package_flag(
    project: ProjectMeta,
    package: PackageMeta | None,
    flag: str,
    repository: str | None = None,
    arch: str | None = None,
) -> bool:
    """The value a flag has for a package; the project's value is its default."""
    inherited = project_flag(project, flag, repository, arch)
    if package is None:
        return inherited
    return resolve(package.flags, flag, inherited, repository, arch)
