"""Why?: what stands behind the state of a package, as data and as sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from storage.model import Build, Job, JobState, JsonObject, Package, Project, Target
from storage.records import Unit

from ..house import BuilderHouse
from .assess import Assessment, Setting, assess
from .check import Checker
from .record import source_of
from .scopes import Scope, repository_of

_CAUSES = {
    "commit": "a commit",
    "upload": "an upload",
    "copr": "a submission",
    "rebuild": "a request to build it again",
    "meta": "a change of settings",
    "dependency": "a change in what it is built with",
}


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """A binary that is about to change, and who makes it."""

    binary: str
    project: str
    repository: str
    package: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything known about one package in one repository and architecture.

    Attributes:
        explain: The word of the last job's reason; empty = never built.
        changes: ``change`` and ``key`` of each input that differed then.
        cause: What led to the last job: a build's cause word, with ``submitter``.
        waits_for: Why it is blocked.
        errors: Why it cannot be resolved, one text each.
        sentences: All of it for people.
    """

    package: str
    repository: str
    arch: str
    code: str
    details: str = ""
    explain: str = ""
    time: int = 0
    oldsource: str = ""
    changes: tuple[JsonObject, ...] = ()
    cause: str = ""
    submitter: str = ""
    build_id: int | None = None
    job_id: int | None = None
    waits_for: tuple[WaitsFor, ...] = ()
    errors: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    def as_json(self) -> JsonObject:
        """The same as a JSON object."""
        return asdict(self)


def explain(
    house: BuilderHouse, project: Project, package: Package, repository: str, arch: str
) -> Explanation:
    """Answer from the rows, and look at the inputs anew where it is blocked."""
    scope = Scope(project.id, project.name, repository, arch)
    with house.records.read() as unit:
        target = unit.targets.get(package.id, repository, arch)
        if target is None:
            text = f"{package.name} was not looked at yet"
            return Explanation(package.name, repository, arch, "unknown", sentences=(text,))
        job = unit.jobs.by_ids([target.job_id]).get(target.job_id) if target.job_id else None
        build = unit.builds.get(job.build_id) if job else None
        waits_for: tuple[WaitsFor, ...] = ()
        if target.code is JobState.BLOCKED and repository_of(project, scope) is not None:
            waits_for = _waits_for(house, unit, project, package, scope)
    errors = _errors(target)
    reason = target.reason
    return Explanation(
        package=package.name,
        repository=repository,
        arch=arch,
        code=target.code.value,
        details=target.details,
        explain=str(reason.get("explain") or ""),
        time=int(reason.get("time") or 0),
        oldsource=str(reason.get("oldsource") or ""),
        changes=tuple(reason.get("packagechange") or ()),
        cause=build.cause if build else "",
        submitter=(build.submitter or "") if build else "",
        build_id=build.id if build else None,
        job_id=target.job_id,
        waits_for=waits_for,
        errors=errors,
        sentences=tuple(_sentences(target, job, build, waits_for, errors)),
    )


def _waits_for(
    house: BuilderHouse, unit: Unit, project: Project, package: Package, scope: Scope
) -> tuple[WaitsFor, ...]:
    setting, _ = Checker(house).setting(unit, project, scope)
    if setting is None:
        return ()
    found: Assessment = assess(setting, package)
    return tuple(
        WaitsFor(s.name, s.project, s.repository, s.producer)
        for s in sorted(found.inputs, key=lambda s: s.name)
        if s.producer
        and s.producer != package.name
        and _is_busy(setting, s.project, s.repository, s.producer)
    )


def _is_busy(setting: Setting, project: str, repository: str, producer: str) -> bool:
    return any(
        state.is_busy(producer)
        for state in setting.states
        if (state.scope.project, state.scope.repository) == (project, repository)
    )


def _errors(target: Target) -> tuple[str, ...]:
    if target.code not in (JobState.UNRESOLVABLE, JobState.BROKEN) or not target.details:
        return ()
    return tuple(target.details.split(", "))


def _sentences(
    target: Target,
    job: Job | None,
    build: Build | None,
    waits_for: tuple[WaitsFor, ...],
    errors: tuple[str, ...],
) -> list[str]:
    found = []
    if errors:
        found.append(f"it cannot be built: {errors[0]}")
    if waits_for:
        makers = sorted({f"{w.project}/{w.package}" for w in waits_for})
        found.append(f"it waits for {', '.join(makers)}")
    elif target.details == "cycle":
        found.append("it waits for another member of its dependency cycle")
    explained = target.reason.get("explain")
    if explained and build is not None:
        by = f" by {build.submitter}" if build.submitter else ""
        found.append(f"its last job, {explained}, came from {_CAUSES.get(build.cause)}{by}")
    for change in (target.reason.get("packagechange") or ())[:10]:
        found.append(_change(str(change["change"]), str(change["key"])))
    if job is not None and target.record and source_of(target.record) != job.srcmd5:
        found.append("its newest sources were not built yet")
    if not found:
        found.append("nothing it is built from changed since its last build")
    return found


def _change(change: str, key: str) -> str:
    *path, name = key.split("/")
    what = {"md5sum": "changed", "added": "is new", "removed": "is gone"}[change]
    through = f" below {' and '.join(path)}" if path else ""
    return f"{name} {what}{through}"
