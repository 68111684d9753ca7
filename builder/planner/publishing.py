"""Repository states after a check, and when the publisher has something to do.

Contract: build semantics, sections 4.1 and 4.8.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from storage.flags import package_flag
from storage.model import JobState, Project, Publication
from storage.records import Unit

from ..house import BuilderHouse
from ..prjconf import ProjectConfig
from .check import Checked
from .repositories import Repositories
from .scopes import Scope

_FAILED = (JobState.FAILED, JobState.BROKEN, JobState.UNRESOLVABLE, JobState.CANCELED)


def conclude(
    house: BuilderHouse, unit: Unit, project: Project, found: Checked, repositories: Repositories
) -> None:
    """Write the state of a scope after its check; ask for publishing when it settled."""
    scope = found.scope
    known = unit.publications.get(project.id, scope.repository, scope.arch)
    row = known or Publication(project.id, project.name, scope.repository, scope.arch)
    state, details, fingerprint = found.state, found.details, row.fingerprint
    if not state:
        state, details = _state(unit, scope, found)
        if state == "finished":
            fingerprint = _fingerprint(unit, project, scope, found.config, repositories)
    after = replace(row, state=state, details=details, dirty=found.pending, fingerprint=fingerprint)
    if after != row or known is None:
        unit.publications.put(replace(after, updated_at=int(house.clock())))
    if fingerprint != row.fingerprint:
        mark(house, unit, project, scope.repository)


def mark(house: BuilderHouse, unit: Unit, project: Project, repository: str) -> None:
    """Give the publisher a repository to look at."""
    known = unit.publications.get(project.id, repository)
    row = known or Publication(project.id, project.name, repository, "", state="finished")
    unit.publications.put(replace(row, dirty=True, updated_at=int(house.clock())))


def _state(unit: Unit, scope: Scope, found: Checked) -> tuple[str, str]:
    rows = unit.targets.brief(scope.project_id, scope.repository, scope.arch)
    codes = {row.code for row in rows}
    if JobState.SCHEDULED in codes:
        return "building", ""
    if JobState.BLOCKED in codes:
        return "blocked", ""
    assert found.config is not None
    if found.config.flag("publish", "nofailedpackages") is not None:
        failed = sorted(row.package for row in rows if row.code in _FAILED)
        if failed:
            return "broken", f"not publishing failed packages: {' '.join(failed)}"
    return "finished", ""


def _fingerprint(
    unit: Unit,
    project: Project,
    scope: Scope,
    config: ProjectConfig | None,
    repositories: Repositories,
) -> str:
    """Changes with everything a published tree depends on; empty = nothing to publish."""
    packages = repositories.packages(unit, project.id)
    rows = unit.targets.brief(scope.project_id, scope.repository, scope.arch)
    lines = []
    for row in sorted(rows, key=lambda row: row.package):
        package = packages.get(row.package)
        if package is None or row.good_job_id is None:
            continue
        is_on = package_flag(project.meta, package.meta, "publish", scope.repository, scope.arch)
        lines.append(f"{row.package} {row.good_job_id} {is_on}")
    if not lines and config is not None and config.flag("publish", "create_empty") is None:
        return ""
    if config is not None:
        lines.append(f"{config.repotype} {config.publishfilter} {config.publishflags}")
    lines.append(f"{project.meta.title} {sorted(config.exportfilter) if config else ''}")
    return hashlib.md5("\n".join(lines).encode(), usedforsecurity=False).hexdigest()
